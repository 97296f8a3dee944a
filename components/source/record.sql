-- Records what the archive has of some tables of a publication, in its comment (recorded.sql).
--
-- psql's variables: publication, and entries, a JSON object of the tables' entries.
SELECT format('COMMENT ON PUBLICATION %I IS %L', pubname, 'datapipe ' || (coalesce(substring(
            obj_description(oid, 'pg_publication') FROM '^datapipe ({.*})$')::jsonb, '{}')
        || :'entries'::jsonb)::text)
    FROM pg_publication WHERE pubname = :'publication'
\gexec
