-- Values of rows that a table has before it is captured, where the driver, which reads those, cannot
-- hand them on. A value of this kind that is written later is exact, or fails the task.
--
-- Needs the temporary tables risky_values, and found, to which it adds.
DO $$
DECLARE
    risk record;
    exists_one boolean;
BEGIN
    FOR risk IN
        SELECT * FROM risky_values
        WHERE NOT EXISTS (SELECT FROM pg_publication_rel WHERE prrelid = relation)
            OR EXISTS (SELECT FROM found WHERE found.name = risky_values.name
                AND found.kind = 'missed')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE %s)', risk.relation::regclass,
            risk.condition) INTO exists_one;
        IF exists_one THEN
            INSERT INTO found VALUES ('refused', risk.name, format('column %I has %s; exclude it'
                ' (datapipe:source.excludedColumns) or change the rows', risk.attname, risk.kind));
        END IF;
    END LOOP;
END;
$$;
