-- Columns of which a value may be one that the driver, which reads the rows that a table has before it
-- is captured, cannot hand on; and the condition that finds it.
SELECT captured_columns.name, captured_columns.relation, attname, risky.kind,
    format(condition, attname) AS condition
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
    JOIN pg_class ON pg_class.oid = captured_columns.relation AND relkind IN ('r', 'p')
