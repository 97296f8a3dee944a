-- More of what cannot be archived right: shapes of tables, and names that Avro cannot have. A part of
-- a WITH clause, after refusals.sql.
--
-- Variables: replica_identity (FULL or DEFAULT) and avro_names (true where the archive's columns have
-- to be names in Avro).

shapes_refused (name, reason) AS (
    SELECT captured.name, 'it has no columns to capture, and Debezium 2.4 cannot start with such a table;'
            ' take it off datapipe:tables, or exclude fewer columns'
    FROM captured JOIN pg_class ON pg_class.oid = relation AND relkind IN ('r', 'p')
    WHERE NOT EXISTS (SELECT FROM captured_columns WHERE captured_columns.relation = captured.relation)

    UNION ALL
    -- In a publication such a table refuses the updates and deletes of anyone.
    SELECT captured.name, 'it has no primary key, or a deferrable one, so with'
            ' datapipe:source.replicaIdentity default PostgreSQL would refuse every UPDATE and DELETE'
            ' of it; set full, or give it a key'
    FROM captured JOIN pg_class ON pg_class.oid = relation AND relkind IN ('r', 'p')
    WHERE :'replica_identity' = 'DEFAULT' AND NOT EXISTS (
        SELECT FROM pg_index WHERE indrelid = relation AND indisprimary AND indimmediate)

    UNION ALL
    SELECT name, format('column %I has a name that Avro does not allow (letters of ASCII, digits and'
            ' underscores, no digit first), and Debezium would change it to %s; exclude it'
            ' (datapipe:source.excludedColumns) or rename it', attname,
            quote_ident(regexp_replace(attname, '[^A-Za-z0-9_]|^[0-9]', '_', 'g')))
    FROM captured_columns
    WHERE :'avro_names' AND attname ~ '[\x01-\x7f]' AND attname !~ '[^\x01-\x7f]'
        AND attname !~ '^[A-Za-z_][A-Za-z0-9_]*$'
)
