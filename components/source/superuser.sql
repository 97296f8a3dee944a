-- The superuser's password (psql's variable superuser_password). A statement that fails is not logged.
SET LOCAL log_min_error_statement = panic;
\set VERBOSITY terse
ALTER ROLE postgres PASSWORD :'superuser_password';
\unset superuser_password
\set VERBOSITY default
SET LOCAL log_min_error_statement = error;
