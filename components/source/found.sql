-- What of the captured tables is refused, or has changed since they were captured, each with a reason.
--
-- kind: refused (only the user can repair it), missed (the archive lacks changes or rows until the
-- table is read again), or changed (nothing is missing yet). name is null for what concerns no table.
SELECT 'refused' AS kind, name, reason FROM refused
UNION ALL
SELECT 'refused', name, reason FROM shapes_refused
UNION ALL
-- A table that has no entry in a publication with entries is being added: its connector reads it.
(SELECT DISTINCT ON (name) kind, name, reason
    FROM drifted JOIN captured USING (name) LEFT JOIN recorded USING (name)
    WHERE pubname = publication OR publication NOT IN (SELECT pubname FROM recorded)
    ORDER BY name, priority)
