-- Values of rows that a table has before it is captured, where the driver, which reads those, cannot
-- hand them on. A value of this kind that is written later is exact, or fails the task.
--
-- Needs the temporary tables captured_columns, and found, to which it adds.
DO $$
DECLARE
    risk record;
    exists_one boolean;
BEGIN
    FOR risk IN
        SELECT captured_columns.name, relation, attname, condition, risky.kind
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
        WHERE (NOT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = relation)
                OR EXISTS (SELECT FROM found WHERE found.name = captured_columns.name
                    AND found.kind = 'missed'))
            AND EXISTS (SELECT FROM pg_class WHERE oid = relation AND relkind IN ('r', 'p'))
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', risk.relation::regclass,
            format(risk.condition, risk.attname)) INTO exists_one;
        IF exists_one THEN
            INSERT INTO found VALUES ('refused', risk.name, format('column %I has %s; exclude it'
                ' (datapipe:source.excludedColumns) or change the rows', risk.attname, risk.kind));
        END IF;
    END LOOP;
END;
$$;
