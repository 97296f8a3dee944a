-- What change data capture needs of the database. Can be applied again and again; a table that is
-- added to or taken off the stack's list is added to or taken off its publication in place.
--
-- Comes after captured.sql and refusals.sql. psql's variable: replica_identity (FULL or DEFAULT).

DO $$
DECLARE
    reasons text := (SELECT string_agg(coalesce(name || ': ', '') || reason, E'\n' ORDER BY name, reason)
        FROM refused);
BEGIN
    IF reasons IS NOT NULL THEN
        RAISE EXCEPTION E'database % cannot be archived right:\n%', current_database(), reasons
            USING HINT = 'Nothing was changed in the database.';
    END IF;
END;
$$;

-- Nobody but the superuser may have temporary tables; what Debezium may is in account.sql.
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;

-- Each publication holds exactly its captured tables. One that no table is in any more stays: its
-- connector, which goes last, could not read on without it, and it costs nothing.
-- Changes of a partition are published as its root's, which is what is captured.
SELECT DISTINCT format('CREATE PUBLICATION %I WITH (publish_via_partition_root = true)', publication)
    FROM captured WHERE publication NOT IN (SELECT pubname FROM pg_publication)
\gexec
SELECT DISTINCT format('ALTER PUBLICATION %I SET (publish_via_partition_root = true)', publication)
    FROM captured JOIN pg_publication ON pubname = publication WHERE NOT pubviaroot
\gexec
SELECT format('ALTER PUBLICATION %I SET TABLE %s', publication, string_agg(relation::text, ', '))
    FROM captured GROUP BY publication
\gexec

-- How much of a deleted or updated row is told; changed only where it differs, as it needs a lock.
-- A partition has its own.
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', member, :'replica_identity')
    FROM (SELECT relation AS member FROM captured
        UNION SELECT relid FROM captured CROSS JOIN LATERAL pg_partition_tree(relation)) AS members
    JOIN pg_class ON pg_class.oid = member
    WHERE relreplident <> CASE :'replica_identity' WHEN 'FULL' THEN 'f' ELSE 'd' END
\gexec
