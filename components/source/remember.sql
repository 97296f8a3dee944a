-- Keeps in each publication's comment which tables must be read again, as what showed it is repaired
-- now. The entry of another table follows its partitions. Prints what the connectors must know.
--
-- Needs the temporary tables captured and live, and found and recorded as they were before.
SELECT format('COMMENT ON PUBLICATION %I IS %L', publication, 'datapipe ' || jsonb_object_agg(name,
        CASE WHEN name IN (SELECT name FROM found WHERE kind = 'missed') THEN '{}' ELSE entry END)::text)
    FROM live
    WHERE name IN (SELECT name FROM found WHERE kind = 'missed')
        OR name IN (SELECT recorded.name FROM recorded WHERE pubname = publication)
    GROUP BY publication
\gexec
\pset format unaligned
\pset tuples_only on
SELECT 'captured: ' || json_build_object(
        'entries', (SELECT coalesce(json_object_agg(name, entry), '{}') FROM live),
        'missed', (SELECT coalesce(json_agg(name), '[]') FROM found WHERE kind = 'missed'),
        'wal_position', (pg_current_wal_insert_lsn() - '0/0')::bigint);
