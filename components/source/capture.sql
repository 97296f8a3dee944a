-- What change data capture needs of the database. Can be applied again and again; a table that is
-- added to or taken off the stack's list is added to or taken off the publication in place.
--
-- psql's variables: debezium_user, publication, replica_identity (FULL or DEFAULT) and tables
-- (schema.table, separated by commas). Environment: POSTGRES_PASSWORD_FILE, DEBEZIUM_PASSWORD_FILE.

CREATE TEMPORARY TABLE captured ON COMMIT DROP AS
    SELECT name, to_regclass(name) AS relation
    FROM unnest(string_to_array(:'tables', ',')) AS name;

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

-- The publication holds exactly the captured tables.
SELECT format('CREATE PUBLICATION %I', :'publication')
    WHERE NOT EXISTS (SELECT FROM pg_publication WHERE pubname = :'publication')
\gexec
SELECT format('ALTER PUBLICATION %I SET TABLE %s', :'publication', string_agg(relation::text, ', '))
    FROM captured
\gexec

-- How much of a deleted or updated row is told; changed only where it differs, as it needs a lock.
SELECT format('ALTER TABLE %s REPLICA IDENTITY %s', relation, :'replica_identity')
    FROM captured JOIN pg_class ON pg_class.oid = relation
    WHERE relreplident <> CASE :'replica_identity' WHEN 'FULL' THEN 'f' ELSE 'd' END
\gexec
