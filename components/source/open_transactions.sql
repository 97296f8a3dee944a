-- Prints the transactions for which a new replication slot waits, a line each. Changes nothing.
--
-- A logical slot begins when every transaction that had changed something before has ended, in any
-- database of the server. A prepared transaction has no process, which is the pid 0.
\pset format unaligned
\pset tuples_only on
WITH blocking AS (
    SELECT DISTINCT unnest(pg_blocking_pids(pid)) AS pid
        FROM pg_stat_activity WHERE backend_type = 'walsender' AND wait_event_type = 'Lock')
SELECT format('the transaction of pid %s (user %s, application %s, database %s, %s), open since %s'
        ' (%s s); to end it: SELECT pg_terminate_backend(%1$s)', pid, usename,
        coalesce(nullif(application_name, ''), 'unnamed'), datname, state,
        to_char(xact_start, 'YYYY-MM-DD HH24:MI:SS TZ'),
        extract(epoch FROM now() - xact_start)::int)
    FROM blocking JOIN pg_stat_activity USING (pid)
UNION ALL
SELECT format('the prepared transaction %L (user %s, database %s), open since %s (%s s); to end it in'
        ' that database: COMMIT PREPARED %1$L or ROLLBACK PREPARED %1$L', gid, owner, database,
        to_char(prepared, 'YYYY-MM-DD HH24:MI:SS TZ'), extract(epoch FROM now() - prepared)::int)
    FROM pg_prepared_xacts WHERE EXISTS (SELECT FROM blocking WHERE pid = 0);
