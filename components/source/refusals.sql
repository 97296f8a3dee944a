-- What of the captured tables cannot be archived right: parts of a WITH clause, of which `refused` is
-- the result. captured and recorded come before.
--
-- Variable: excluded, a JSON object of each table's columns that are not captured.

excluded AS (
    SELECT name, jsonb_array_elements_text(columns) AS column_name
    FROM jsonb_each(:'excluded') AS stated (name, columns)
),

captured_columns AS (
    SELECT captured.name, relation, attname, attgenerated, atttypid,
        (WITH RECURSIVE base (oid, typtype, typbasetype) AS (
            SELECT oid, typtype, typbasetype FROM pg_type WHERE oid = atttypid
            UNION ALL
            SELECT pg_type.oid, pg_type.typtype, pg_type.typbasetype
                FROM base JOIN pg_type ON pg_type.oid = base.typbasetype)
            SELECT oid FROM base WHERE typtype <> 'd') AS base_type
    FROM captured JOIN pg_attribute ON attrelid = relation
    WHERE attnum > 0 AND NOT attisdropped AND NOT EXISTS (
        SELECT FROM excluded WHERE excluded.name = captured.name AND column_name = attname)
),

refused (name, reason) AS (
    -- The tables themselves.
    SELECT name, format('there is no such table%s',
        coalesce((SELECT format(
                ', but %I.%I, whose name cannot be captured: rename it in lower case', nspname, relname)
            FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE lower(nspname || '.' || relname) = captured.name LIMIT 1),
            ', but the one that was captured is now ' || (SELECT pg_class.oid::regclass::text FROM recorded
                JOIN pg_class ON pg_class.oid = (entry ->> 'table')::oid
                WHERE pubname = publication AND recorded.name = captured.name)
                || ': list that, or rename it back',
            ': create it, or take it off datapipe:tables'))
    FROM captured WHERE relation IS NULL

    UNION ALL
    SELECT name, CASE
            WHEN nspname IN ('pg_catalog', 'information_schema', 'pg_toast')
                THEN 'a system table has no logical changes'
            WHEN relkind NOT IN ('r', 'p') THEN format('it is %s, and only tables have changes to'
                ' capture: list the tables that it reads', CASE relkind WHEN 'v' THEN 'a view'
                    WHEN 'm' THEN 'a materialized view' WHEN 'f' THEN 'a foreign table'
                    WHEN 'S' THEN 'a sequence' WHEN 'c' THEN 'a composite type' ELSE 'an index' END)
            WHEN relpersistence = 't' THEN 'it is a temporary table, which only its own session sees'
            WHEN relpersistence <> 'p' THEN 'it is unlogged, so its changes are not in the WAL:'
                ' ALTER TABLE … SET LOGGED'
        END
    FROM captured JOIN pg_class ON pg_class.oid = relation
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast')
        OR relkind NOT IN ('r', 'p') OR relpersistence <> 'p'

    UNION ALL
    SELECT captured.name, format('its partitioned table %s is listed too and publishes its changes; take this'
            ' one off datapipe:tables', root.name)
    FROM captured JOIN LATERAL (
        SELECT listed.name FROM pg_partition_ancestors(captured.relation) AS ancestor (oid)
            JOIN captured AS listed ON listed.relation = ancestor.oid
            WHERE ancestor.oid <> captured.relation LIMIT 1) AS root ON true
    WHERE captured.relation IS NOT NULL

    UNION ALL
    SELECT name, format('it has child tables by inheritance (%s), whose rows and changes are not captured'
            ' with it; list the children instead',
            (SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_inherits
                WHERE inhparent = relation))
    FROM captured JOIN pg_class ON pg_class.oid = relation
    WHERE relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation)

    UNION ALL
    SELECT name, format('%I.%I has the same name in another case, and Debezium cannot tell the two'
            ' apart; rename one', nspname, relname)
    FROM captured JOIN pg_class ON pg_class.oid <> relation AND relkind IN ('r', 'p')
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE lower(nspname || '.' || relname) = captured.name

    UNION ALL
    -- Their columns.
    -- Excluding one does not help: Debezium reads both before it leaves one out.
    SELECT captured.name, format('columns %s differ by case alone, which neither Debezium nor the archive'
            ' can tell apart; rename one', string_agg(quote_ident(attname), ', ' ORDER BY attname))
    FROM captured JOIN pg_attribute ON attrelid = relation
    WHERE attnum > 0 AND NOT attisdropped
    GROUP BY captured.name, lower(attname) HAVING count(*) > 1

    UNION ALL
    SELECT captured.name, format('column %I is part of the primary key and cannot be excluded; take it out'
            ' of datapipe:source.excludedColumns, or give the table another key', attname)
    FROM captured JOIN excluded ON excluded.name = captured.name
        JOIN pg_index ON indrelid = relation AND indisprimary
        JOIN pg_attribute ON attrelid = relation AND attnum = ANY (indkey)
            AND attname = column_name

    UNION ALL
    SELECT captured.name, format('there is no column %I, which datapipe:source.excludedColumns names',
            column_name)
    FROM captured JOIN excluded ON excluded.name = captured.name
    WHERE relation IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = relation AND attname = column_name AND NOT attisdropped)

    UNION ALL
    SELECT name, format('column %I has a name that the archive uses itself; exclude it'
            ' (datapipe:source.excludedColumns) or rename it', attname)
    FROM captured_columns WHERE lower(attname) IN
        ('__op', '__ts_ms', '__source_ts_ms', '__source_lsn', '__deleted', '__lost', '__topic',
            '__table')

    UNION ALL
    -- Excluding does not help here: a change calls the column by a name that no list matches.
    SELECT captured.name, format('column %I has characters outside ASCII in its name, which Debezium'
            ' 2.4 reads wrong in changes; rename it', attname)
    FROM captured JOIN pg_attribute ON attrelid = relation
    WHERE attnum > 0 AND NOT attisdropped AND attname::text ~ '[^\x01-\x7f]'

    UNION ALL
    SELECT name, format('column %I is generated, and PostgreSQL leaves generated columns out of changes;'
            ' exclude it (datapipe:source.excludedColumns): readers can compute it', attname)
    FROM captured_columns WHERE attgenerated <> ''

    UNION ALL
    SELECT name, format('column %I, %s: Debezium 2.4 loses the time zone and 24:00 in changes; exclude it'
            ' (datapipe:source.excludedColumns) or store text', attname,
            format_type(atttypid, NULL))
    FROM captured_columns WHERE base_type = 'timetz'::regtype

    UNION ALL
    SELECT name, format('column %I, %s: a domain over hstore reaches Debezium in two forms; exclude it'
            ' (datapipe:source.excludedColumns) or use hstore itself', attname,
            format_type(atttypid, NULL))
    FROM captured_columns JOIN pg_type ON pg_type.oid = base_type
    WHERE typname = 'hstore' AND atttypid <> base_type

    UNION ALL
    -- Types that stop Debezium at its next start, whoever uses them.
    SELECT NULL, format('type %s is an enum without labels, and Debezium 2.4 cannot start while it exists; add'
            ' a label (ALTER TYPE %1$s ADD VALUE …) or drop it', oid::regtype)
    FROM pg_type WHERE typtype = 'e'
        AND NOT EXISTS (SELECT FROM pg_enum WHERE enumtypid = pg_type.oid)

    UNION ALL
    SELECT NULL, format('domain %s is over the enum %s, and Debezium 2.4 cannot start while such a'
            ' domain exists; drop it and use the enum itself', domain.oid::regtype, base.oid::regtype)
    FROM pg_type AS domain JOIN pg_type AS base ON base.oid = domain.typbasetype
    WHERE domain.typtype = 'd' AND base.typtype = 'e'
)
