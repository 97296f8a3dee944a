-- Prints what was found, a line each.
\pset format unaligned
\pset tuples_only on
SELECT kind || ': ' || coalesce(name || ': ', '') || reason FROM found ORDER BY kind, name, reason;
