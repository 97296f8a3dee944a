-- Takes an account of change data capture away for good. Does nothing where there is none.
--
-- psql's variable: account.

SELECT format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_roles WHERE rolname = :'account'
\gexec
-- The connection of a worker that died may still hold the replication slot.
SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity WHERE usename = :'account'
\gset
SELECT format('DROP OWNED BY %I', rolname), format('DROP ROLE %I', rolname)
    FROM pg_roles WHERE rolname = :'account'
\gexec
