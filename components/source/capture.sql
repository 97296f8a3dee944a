-- Creates what change data capture needs in the database. Idempotent: a table that is added to the
-- stack's list is added to its publication, one that is removed is removed.
--
-- Needs the temporary tables captured and found, of what the database was before. psql's variable:
-- replica_identity (FULL or DEFAULT).

DO $$
DECLARE
    reasons text := (SELECT string_agg(coalesce(name || ': ', '') || reason, E'\n' ORDER BY name, reason)
        FROM found WHERE kind = 'refused');
BEGIN
    IF reasons IS NOT NULL THEN
        RAISE EXCEPTION E'database % cannot be archived right:\n%', current_database(), reasons
            USING HINT = 'Nothing was changed in the database.';
    END IF;
END;
$$;

-- Only the superuser may create temporary tables; account.sql has Debezium's privileges.
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;

-- Each publication contains exactly its captured tables. One without a table is kept: its connector,
-- which is deleted later, could not continue without it, and it costs nothing. Changes of a partition
-- are published as those of its partitioned table, which is the one that is captured. One that was
-- created by hand may publish fewer operations, or all tables, which cannot be changed.
SELECT DISTINCT format('DROP PUBLICATION %I', publication)
    FROM captured JOIN pg_publication ON pubname = publication WHERE puballtables
\gexec
\set published 'publish = ''insert, update, delete, truncate'', publish_via_partition_root = true'
SELECT DISTINCT format('CREATE PUBLICATION %I WITH (%s)', publication, :'published')
    FROM captured WHERE publication NOT IN (SELECT pubname FROM pg_publication)
\gexec
SELECT DISTINCT format('ALTER PUBLICATION %I SET (%s)', publication, :'published')
    FROM captured JOIN pg_publication ON pubname = publication
    WHERE NOT (pubviaroot AND pubinsert AND pubupdate AND pubdelete AND pubtruncate)
\gexec
SELECT format('ALTER PUBLICATION %I SET TABLE %s', publication, string_agg(relation::text, ', '))
    FROM captured GROUP BY publication
\gexec

-- The columns of a deleted or updated row's old version that are logged. Changing them needs a lock,
-- so only tables that differ are changed. Each partition has a replica identity of its own.
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', member, :'replica_identity')
    FROM (SELECT relation AS member FROM captured
        UNION SELECT relid FROM captured CROSS JOIN LATERAL pg_partition_tree(relation)) AS members
    JOIN pg_class ON pg_class.oid = member
    WHERE relreplident <> CASE :'replica_identity' WHEN 'FULL' THEN 'f' ELSE 'd' END
\gexec
