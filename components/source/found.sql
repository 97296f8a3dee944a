-- What of the captured tables is refused, or has changed since they were captured, each with a reason.
--
-- kind: refused (only the user can repair it), missed (the archive lacks changes or rows until the
-- table is read again), or changed (nothing is missing yet). name is null for what concerns no table.
SELECT 'refused' AS kind, name, reason FROM refused
UNION ALL
(SELECT DISTINCT ON (name) kind, name, reason FROM drifted ORDER BY name, priority)
