-- Prints the transactions that have locks on the captured tables, a line each. It takes none itself,
-- as pg_partition_tree would.
\pset format unaligned
\pset tuples_only on
WITH RECURSIVE members AS (
    SELECT relation::oid FROM captured
    UNION SELECT inhrelid FROM members JOIN pg_inherits ON inhparent = relation),
holding AS (
    SELECT pid, virtualtransaction, string_agg(DISTINCT relation::regclass::text, ', ') AS tables
        FROM pg_locks JOIN members USING (relation)
        WHERE granted AND pid IS DISTINCT FROM pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        GROUP BY pid, virtualtransaction)
SELECT format('locked: %s by pid %s (user %s, application %s, %s), in a transaction since %s (%s s);'
        ' to end it: SELECT pg_terminate_backend(%2$s)', tables, pid, usename,
        coalesce(nullif(application_name, ''), 'unnamed'), state,
        to_char(xact_start, 'YYYY-MM-DD HH24:MI:SS TZ'),
        extract(epoch FROM now() - xact_start)::int)
    FROM holding JOIN pg_stat_activity USING (pid)
UNION ALL
SELECT format('locked: %s by the prepared transaction %L (user %s), since %s (%s s); to end it:'
        ' COMMIT PREPARED %2$L or ROLLBACK PREPARED %2$L', tables, gid, owner,
        to_char(prepared, 'YYYY-MM-DD HH24:MI:SS TZ'), extract(epoch FROM now() - prepared)::int)
    FROM holding JOIN pg_locks AS of_xid USING (virtualtransaction)
        JOIN pg_prepared_xacts ON transaction = transactionid
    WHERE holding.pid IS NULL;
