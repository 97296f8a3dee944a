-- Creates what change data capture needs in the database. Idempotent: a table that is added to the
-- stack's list is added to its publication, one that is removed is removed.
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
            USING HINT = 'Create it, or remove it from datapipe:tables. Nothing was changed.';
    END IF;
END;
$$;

-- Only the superuser may create temporary tables; account.sql has Debezium's privileges.
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;

-- Each publication contains exactly its captured tables. One without a table is kept: its connector,
-- which is deleted later, could not continue without it, and it costs nothing.
SELECT DISTINCT format('CREATE PUBLICATION %I', publication) FROM captured
    WHERE publication NOT IN (SELECT pubname FROM pg_publication)
\gexec
SELECT format('ALTER PUBLICATION %I SET TABLE %s', publication, string_agg(relation::text, ', '))
    FROM captured GROUP BY publication
\gexec

-- The columns of a deleted or updated row's old version that are logged. Changing them needs a lock,
-- so only tables that differ are changed.
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', relation, :'replica_identity')
    FROM captured JOIN pg_class ON pg_class.oid = relation
    WHERE relreplident <> CASE :'replica_identity' WHEN 'FULL' THEN 'f' ELSE 'd' END
\gexec
