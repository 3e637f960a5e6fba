-- Makes the desk's role, extensions and database. Fed to psql as the superuser, with :verifier and
-- :createdb set. Every statement may run again, so a start that was cut short is simply repeated.

-- the role of the desk: no superuser; only a test run may create databases
SELECT 'CREATE ROLE skerry' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'skerry') \gexec
ALTER ROLE skerry WITH LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION :createdb PASSWORD :'verifier';
GRANT pg_read_all_stats TO skerry; -- the status pages read pg_stat_statements

-- extensions need the superuser: in template1, so that every new database has them ...
\connect template1
\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS amcheck;

-- ... the desk's own among them
SELECT 'CREATE DATABASE skerry OWNER skerry'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'skerry') \gexec
REVOKE CONNECT ON DATABASE skerry FROM PUBLIC;

-- a newer wheel brings newer extensions
\connect skerry
SELECT format('ALTER EXTENSION %I UPDATE', extname) FROM pg_extension \gexec
