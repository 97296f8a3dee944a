-- What change data capture needs of the database. Can be applied again and again; a table that is
-- added to or taken off the stack's list is added to or taken off its publication in place.
--
-- psql's variables: replica_identity (FULL or DEFAULT), tables (schema.table, separated by commas)
-- and publications (that of each table, in the same order).

CREATE TEMPORARY TABLE captured ON COMMIT DROP AS
    SELECT name, publication, to_regclass(name) AS relation
    FROM unnest(string_to_array(:'tables', ','), string_to_array(:'publications', ','))
        AS stated (name, publication);

DO $$
DECLARE
    missing text := (
        SELECT string_agg(name, ', ') FROM captured LEFT JOIN pg_class ON pg_class.oid = relation
            WHERE relkind IS NULL OR relkind NOT IN ('r', 'p'));
BEGIN
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION 'database % has no table %', current_database(), missing
            USING HINT = 'Create it, or take it off datapipe:tables. Nothing was changed.';
    END IF;
END;
$$;

-- Nobody but the superuser may have temporary tables; what Debezium may is in account.sql.
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;

-- Each publication holds exactly its captured tables. One that no table is in any more stays: its
-- connector, which goes last, could not read on without it, and it costs nothing.
SELECT DISTINCT format('CREATE PUBLICATION %I', publication) FROM captured
    WHERE publication NOT IN (SELECT pubname FROM pg_publication)
\gexec
SELECT format('ALTER PUBLICATION %I SET TABLE %s', publication, string_agg(relation::text, ', '))
    FROM captured GROUP BY publication
\gexec

-- How much of a deleted or updated row is told; changed only where it differs, as it needs a lock.
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', relation, :'replica_identity')
    FROM captured JOIN pg_class ON pg_class.oid = relation
    WHERE relreplident <> CASE :'replica_identity' WHEN 'FULL' THEN 'f' ELSE 'd' END
\gexec
