-- Creates the account of change data capture: it may replicate and read the captured tables, nothing
-- else. Idempotent.
--
-- psql's variables: account, password, tables (schema.table, separated by commas).

-- A failed statement would be logged with the password.
SET LOCAL log_min_error_statement = panic;
\set VERBOSITY terse
SELECT format('CREATE ROLE %I', :'account')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'account')
\gexec
ALTER ROLE :"account" WITH LOGIN REPLICATION NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS
    PASSWORD :'password';
-- A first read would leave out the rows that row level security hides, while their changes come.
SELECT EXISTS (SELECT FROM unnest(string_to_array(:'tables', ',')) AS stated (name)
    JOIN pg_class ON pg_class.oid = to_regclass(name) WHERE relrowsecurity) AS has_row_security \gset
\if :has_row_security
ALTER ROLE :"account" BYPASSRLS;
\endif
\unset password
\set VERBOSITY default
SET LOCAL log_min_error_statement = error;

GRANT CONNECT ON DATABASE :"DBNAME" TO :"account";
SELECT format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM %I', nspname, :'account'),
       format('REVOKE ALL ON SCHEMA %I FROM %I', nspname, :'account')
    FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
\gexec
SELECT DISTINCT format('GRANT USAGE ON SCHEMA %s TO %I', relnamespace::regnamespace, :'account')
    FROM unnest(string_to_array(:'tables', ',')) AS stated (name)
    JOIN pg_class ON pg_class.oid = to_regclass(name)
\gexec
SELECT format('GRANT SELECT ON %s TO %I', name::regclass, :'account')
    FROM unnest(string_to_array(:'tables', ',')) AS stated (name)
\gexec
