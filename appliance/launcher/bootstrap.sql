-- Creates roles, extensions and database. Run by psql as the superuser, with :verifier,
-- :owner_verifier and :createdb set. Every statement may run again, so an interrupted start is simply
-- repeated, and a data directory of an older version is brought up to date.

-- skerry_owner owns the tables and migrates them; skerry is the role of web and worker, which may not
-- change append-only rows (docs/decisions/0023). Neither is a superuser; only a test run may create
-- databases.
SELECT 'CREATE ROLE skerry_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'skerry_owner') \gexec
ALTER ROLE skerry_owner WITH LOGIN NOSUPERUSER NOCREATEROLE NOREPLICATION :createdb PASSWORD :'owner_verifier';
SELECT 'CREATE ROLE skerry' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'skerry') \gexec
ALTER ROLE skerry WITH LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION PASSWORD :'verifier';
GRANT skerry TO skerry_owner; -- so that the owner can act as the application, as the tests do
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

SELECT 'CREATE DATABASE skerry OWNER skerry_owner'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'skerry') \gexec
REVOKE CONNECT ON DATABASE skerry FROM PUBLIC;

-- In a data directory of an older version everything belongs to skerry. A newer wheel contains newer
-- extensions.
\connect skerry
REASSIGN OWNED BY skerry TO skerry_owner;
GRANT CONNECT ON DATABASE skerry TO skerry;
SELECT format('ALTER EXTENSION %I UPDATE', extname) FROM pg_extension \gexec
