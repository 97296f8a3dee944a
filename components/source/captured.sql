-- The captured tables, for the scripts that follow.
--
-- psql's variables: tables (schema.table, separated by commas) and publications (that of each table,
-- in the same order).
CREATE TEMPORARY TABLE captured ON COMMIT DROP AS
    SELECT name, publication, to_regclass(name) AS relation
    FROM unnest(string_to_array(:'tables', ','), string_to_array(:'publications', ','))
        AS stated (name, publication);
