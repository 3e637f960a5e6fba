-- Creates role, extensions and database. Run by psql as the superuser, with :verifier and :createdb
-- set. Every statement may run again, so an interrupted start is simply repeated.

-- The application's role is no superuser; only a test run may create databases.
SELECT 'CREATE ROLE skerry' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'skerry') \gexec
ALTER ROLE skerry WITH LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION :createdb PASSWORD :'verifier';
GRANT pg_read_all_stats TO skerry; -- for the status pages, which read pg_stat_statements

-- Only the superuser may create extensions. In template1 they become part of every new database.
\connect template1
\set ON_ERROR_STOP on
CREATE EXTENSION IF NOT EXISTS vector;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
CREATE EXTENSION IF NOT EXISTS amcheck;

SELECT 'CREATE DATABASE skerry OWNER skerry'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'skerry') \gexec
REVOKE CONNECT ON DATABASE skerry FROM PUBLIC;

-- A newer wheel contains newer extensions.
\connect skerry
SELECT format('ALTER EXTENSION %I UPDATE', extname) FROM pg_extension \gexec
