-- Deletes an account of change data capture, if it exists.
--
-- psql's variable: account.

SELECT format('ALTER ROLE %I NOLOGIN', rolname) FROM pg_roles WHERE rolname = :'account'
\gexec
-- The connection of a dead worker may still use the replication slot.
SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity WHERE usename = :'account'
\gset
SELECT format('DROP OWNED BY %I', rolname), format('DROP ROLE %I', rolname)
    FROM pg_roles WHERE rolname = :'account'
\gexec
