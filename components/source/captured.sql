-- The captured tables: a query, for the scripts and for captured_state().
--
-- Variables: tables (schema.table, separated by commas) and publications (that of each table, in the
-- same order). The catalog is read instead of to_regclass(), which needs USAGE on the schema.
SELECT name, publication, (
        SELECT pg_class.oid::regclass FROM pg_class
            JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE nspname = split_part(name, '.', 1) AND relname = split_part(name, '.', 2)) AS relation
    FROM unnest(string_to_array(:'tables', ','), string_to_array(:'publications', ','))
        AS stated (name, publication)
