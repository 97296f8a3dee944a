-- What change data capture needs of the database. Can be applied again and again; a table that is
-- added to or taken off the stack's list is added to or taken off its publication in place.
--
-- psql's variables: debezium_user, replica_identity (FULL or DEFAULT), tables (schema.table,
-- separated by commas) and publications (that of each table, in the same order).
-- Environment: POSTGRES_PASSWORD_FILE, DEBEZIUM_PASSWORD_FILE.

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

-- Debezium's account. Passwords go from file to server; a statement that fails is not logged.
SET LOCAL log_min_error_statement = panic;
\set VERBOSITY terse
SELECT format('CREATE ROLE %I', :'debezium_user')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'debezium_user')
\gexec
\set password `cat "$POSTGRES_PASSWORD_FILE"`
ALTER ROLE postgres PASSWORD :'password';
\set password `cat "$DEBEZIUM_PASSWORD_FILE"`
ALTER ROLE :"debezium_user" WITH LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'password';
\unset password
\set VERBOSITY default
SET LOCAL log_min_error_statement = error;

-- It may read the captured tables and nothing else.
REVOKE TEMPORARY ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO :"debezium_user";
SELECT format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', nspname, :'debezium_user'),
       format('REVOKE ALL ON SCHEMA %I FROM %I', nspname, :'debezium_user')
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
\gexec
SELECT DISTINCT format('GRANT USAGE ON SCHEMA %s TO %I', relnamespace::regnamespace, :'debezium_user')
    FROM captured JOIN pg_class ON pg_class.oid = relation
\gexec
SELECT format('GRANT SELECT ON %s TO %I', relation, :'debezium_user') FROM captured
\gexec

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
