-- Keeps in each publication's comment which tables must be read again, as what showed it is repaired
-- now. The entry of another table follows its partitions. Prints what the connectors must know.
--
-- Needs the temporary tables captured and live, and found and recorded as they were before.

-- A table that a publication with entries has no entry of is new: its connector knows that.
CREATE TEMPORARY TABLE missed ON COMMIT DROP AS
    SELECT found.name FROM found JOIN captured ON captured.name = found.name
    WHERE kind = 'missed' AND (
        found.name IN (SELECT recorded.name FROM recorded WHERE pubname = publication)
        OR publication NOT IN (SELECT pubname FROM recorded));

SELECT format('COMMENT ON PUBLICATION %I IS %L', publication, 'datapipe ' || jsonb_object_agg(name,
        CASE WHEN name IN (SELECT name FROM missed) THEN '{}' ELSE entry END)::text)
    FROM live
    WHERE name IN (SELECT name FROM missed)
        OR name IN (SELECT recorded.name FROM recorded WHERE pubname = publication)
    GROUP BY publication
\gexec
\pset format unaligned
\pset tuples_only on
SELECT 'captured: ' || json_build_object(
        'entries', (SELECT coalesce(json_object_agg(name, entry), '{}') FROM live),
        'missed', (SELECT coalesce(json_agg(name), '[]') FROM missed));
