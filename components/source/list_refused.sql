-- Prints what refusals.sql found, a line each.
\pset format unaligned
\pset tuples_only on
SELECT 'refused: ' || coalesce(name || ': ', '') || reason FROM refused ORDER BY name, reason;
