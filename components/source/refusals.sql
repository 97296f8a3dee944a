-- What of the captured tables cannot be archived right, found before anything is changed.
--
-- Needs the temporary table captured (name, publication, relation) and psql's variable excluded, a
-- JSON object of each table's columns that are not captured. Fills the temporary table refused.

CREATE TEMPORARY TABLE excluded ON COMMIT DROP AS
    SELECT name, jsonb_array_elements_text(columns) AS column_name
    FROM jsonb_each(:'excluded') AS stated (name, columns);

CREATE TEMPORARY TABLE refused (name text, reason text) ON COMMIT DROP;

CREATE TEMPORARY TABLE captured_columns ON COMMIT DROP AS
    SELECT captured.name, relation, attname, attgenerated, atttypid,
        (WITH RECURSIVE base (oid, typtype, typbasetype) AS (
            SELECT oid, typtype, typbasetype FROM pg_type WHERE oid = atttypid
            UNION ALL
            SELECT pg_type.oid, pg_type.typtype, pg_type.typbasetype
                FROM base JOIN pg_type ON pg_type.oid = base.typbasetype)
            SELECT oid FROM base WHERE typtype <> 'd') AS base_type
    FROM captured JOIN pg_attribute ON attrelid = relation
    WHERE attnum > 0 AND NOT attisdropped AND NOT EXISTS (
        SELECT FROM excluded WHERE excluded.name = captured.name AND column_name = attname);

-- The tables themselves.
INSERT INTO refused
    SELECT name, format('there is no such table%s',
        coalesce((SELECT format(
                ', but %I.%I, whose name cannot be captured: rename it in lower case', nspname, relname)
            FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE lower(nspname || '.' || relname) = captured.name LIMIT 1),
            ': create it, or take it off datapipe:tables'))
    FROM captured WHERE relation IS NULL;

INSERT INTO refused
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
        END AS reason
    FROM captured JOIN pg_class ON pg_class.oid = relation
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast')
        OR relkind NOT IN ('r', 'p') OR relpersistence <> 'p';

INSERT INTO refused
    SELECT captured.name, format('its partitioned table %s is listed too and publishes its changes; take this'
            ' one off datapipe:tables', root.name)
    FROM captured JOIN LATERAL (
        SELECT listed.name FROM pg_partition_ancestors(captured.relation) AS ancestor (oid)
            JOIN captured AS listed ON listed.relation = ancestor.oid
            WHERE ancestor.oid <> captured.relation LIMIT 1) AS root ON true
    WHERE captured.relation IS NOT NULL;

INSERT INTO refused
    SELECT name, format('it has child tables by inheritance (%s), whose rows a first read would take for'
            ' its own and whose changes it never gets; list the children instead',
            (SELECT string_agg(inhrelid::regclass::text, ', ') FROM pg_inherits
                WHERE inhparent = relation))
    FROM captured JOIN pg_class ON pg_class.oid = relation
    WHERE relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation);

INSERT INTO refused
    SELECT name, format('%I.%I has the same name in another case, and Debezium cannot tell the two'
            ' apart; rename one', nspname, relname)
    FROM captured JOIN pg_class ON pg_class.oid <> relation AND relkind IN ('r', 'p')
        JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE lower(nspname || '.' || relname) = captured.name;

-- Their columns.
-- Excluding one does not help: Debezium reads both before it leaves one out.
INSERT INTO refused
    SELECT captured.name, format('columns %s differ by case alone, which neither Debezium nor the archive'
            ' can tell apart; rename one', string_agg(quote_ident(attname), ', ' ORDER BY attname))
    FROM captured JOIN pg_attribute ON attrelid = relation
    WHERE attnum > 0 AND NOT attisdropped
    GROUP BY captured.name, lower(attname) HAVING count(*) > 1;

INSERT INTO refused
    SELECT captured.name, format('column %I is part of the primary key and cannot be excluded; take it out'
            ' of datapipe:source.excludedColumns, or give the table another key', attname)
    FROM captured JOIN excluded ON excluded.name = captured.name
        JOIN pg_index ON indrelid = relation AND indisprimary
        JOIN pg_attribute ON attrelid = relation AND attnum = ANY (indkey)
            AND attname = column_name;

INSERT INTO refused
    SELECT captured.name, format('there is no column %I, which datapipe:source.excludedColumns names',
            column_name)
    FROM captured JOIN excluded ON excluded.name = captured.name
    WHERE relation IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = relation AND attname = column_name AND NOT attisdropped);

INSERT INTO refused
    SELECT name, format('column %I has a name that the archive uses itself; exclude it'
            ' (datapipe:source.excludedColumns) or rename it', attname)
    FROM captured_columns WHERE lower(attname) IN
        ('__op', '__ts_ms', '__source_ts_ms', '__source_lsn', '__deleted', '__lost', '__topic');

-- Excluding does not help here: a change calls the column by a name that no list matches.
INSERT INTO refused
    SELECT captured.name, format('column %I has characters outside ASCII in its name, which Debezium'
            ' 2.4 reads wrong in changes; rename it', attname)
    FROM captured JOIN pg_attribute ON attrelid = relation
    WHERE attnum > 0 AND NOT attisdropped AND attname::text ~ '[^\x01-\x7f]';

INSERT INTO refused
    SELECT name, format('column %I is generated, and PostgreSQL leaves generated columns out of changes;'
            ' exclude it (datapipe:source.excludedColumns): readers can compute it', attname)
    FROM captured_columns WHERE attgenerated <> '';

INSERT INTO refused
    SELECT name, format('column %I, %s: Debezium 2.4 loses the time zone and 24:00 in changes; exclude it'
            ' (datapipe:source.excludedColumns) or store text', attname,
            format_type(atttypid, NULL))
    FROM captured_columns WHERE base_type = 'timetz'::regtype;

INSERT INTO refused
    SELECT name, format('column %I, %s: a domain over hstore reaches Debezium in two forms; exclude it'
            ' (datapipe:source.excludedColumns) or use hstore itself', attname,
            format_type(atttypid, NULL))
    FROM captured_columns JOIN pg_type ON pg_type.oid = base_type
    WHERE typname = 'hstore' AND atttypid <> base_type;

-- Types that stop Debezium at its next start, whoever uses them.
INSERT INTO refused
    SELECT NULL, format('type %s is an enum without labels, and Debezium 2.4 cannot start while it exists; add'
            ' a label (ALTER TYPE %1$s ADD VALUE …) or drop it', oid::regtype)
    FROM pg_type WHERE typtype = 'e'
        AND NOT EXISTS (SELECT FROM pg_enum WHERE enumtypid = pg_type.oid);

INSERT INTO refused
    SELECT NULL, format('domain %s is over the enum %s, and Debezium 2.4 cannot start while such a'
            ' domain exists; drop it and use the enum itself', domain.oid::regtype, base.oid::regtype)
    FROM pg_type AS domain JOIN pg_type AS base ON base.oid = domain.typbasetype
    WHERE domain.typtype = 'd' AND base.typtype = 'e';

-- Values of rows that a table has before it is captured, where the driver, which reads those, cannot
-- hand them on. A value of this kind that is written later is exact, or fails the task.
DO $$
DECLARE
    risk record;
    found boolean;
BEGIN
    FOR risk IN
        SELECT captured_columns.name, relation, attname, condition, kind
        FROM captured_columns JOIN (VALUES
            ('date'::regtype, '%1$I >= ''1582-10-05'' AND %1$I < ''1582-10-15''',
                'a date from 5 to 14 October 1582, days that Java''s calendar does not have'),
            ('timestamp', '%1$I >= ''1582-10-05'' AND %1$I < ''1582-10-15''',
                'a time from 5 to 14 October 1582, days that Java''s calendar does not have'),
            ('timestamptz', '%1$I >= ''1582-10-05 00:00+00'' AND %1$I < ''1582-10-15 00:00+00''',
                'a time from 5 to 14 October 1582, days that Java''s calendar does not have'),
            ('timestamp', '%1$I > ''294247-01-10 04:00:54.775806'' AND %1$I < ''infinity''',
                'a time after 10 January 294247, the last that microseconds since 1970 can count'),
            ('money', '%1$I::numeric NOT BETWEEN -90000000000000 AND 90000000000000',
                'an amount above 90,000,000,000,000, which the driver rounds')
            ) AS risky (type, condition, kind) ON risky.type = base_type
        WHERE NOT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = relation)
            AND EXISTS (SELECT FROM pg_class WHERE oid = relation AND relkind IN ('r', 'p'))
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', risk.relation::regclass,
            format(risk.condition, risk.attname)) INTO found;
        IF found THEN
            INSERT INTO refused VALUES (risk.name, format('column %I has %s; exclude it'
                ' (datapipe:source.excludedColumns) or change the rows', risk.attname, risk.kind));
        END IF;
    END LOOP;
END;
$$;
