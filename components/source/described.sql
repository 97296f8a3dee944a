-- The keys and columns of the captured tables, for those that read the archive: one JSON object by
-- table. A key's columns are in its own order, without those that its index only includes. A domain's
-- type is its base type. Prints a line.
--
-- Needs the temporary tables captured and captured_columns.
\pset format unaligned
\pset tuples_only on
SELECT 'described: ' || coalesce(json_object_agg(name, json_build_object(
        'key', (SELECT coalesce(json_agg(attname ORDER BY position), '[]') FROM pg_index
            CROSS JOIN LATERAL unnest(indkey::int2[]) WITH ORDINALITY AS part (attnum, position)
            JOIN pg_attribute ON attrelid = relation AND pg_attribute.attnum = part.attnum
            WHERE indrelid = relation AND indisprimary AND position <= indnkeyatts),
        'columns', (SELECT coalesce(json_object_agg(attname, base.type ORDER BY attnum), '{}')
            FROM pg_attribute CROSS JOIN LATERAL (
                WITH RECURSIVE base (oid, modifier, depth) AS (
                    SELECT atttypid, atttypmod, 0
                    UNION ALL
                    SELECT typbasetype, CASE WHEN modifier = -1 THEN typtypmod ELSE modifier END, depth + 1
                    FROM base JOIN pg_type ON pg_type.oid = base.oid WHERE typtype = 'd')
                SELECT format_type(oid, modifier) AS type FROM base ORDER BY depth DESC LIMIT 1) AS base
            WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND attname IN (
                SELECT captured_columns.attname FROM captured_columns
                WHERE captured_columns.relation = captured.relation)))
        ORDER BY name)::text, '{}')
    FROM captured WHERE relation IS NOT NULL;
