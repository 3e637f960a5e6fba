-- Statements of this database and role from pg_stat_statements, where constants are $1, $2 …
-- The queries of the status pages themselves are left out.
SELECT
    queryid::text AS id,
    query AS text,
    calls,
    rows,
    total_exec_time AS total_ms,
    mean_exec_time AS mean_ms,
    max_exec_time AS max_ms,
    shared_blks_hit AS pages_hit,
    shared_blks_read AS pages_read
FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND userid = (SELECT oid FROM pg_roles WHERE rolname = current_user)
  AND toplevel
  AND query ~* '^\s*(SELECT|WITH|INSERT|UPDATE|DELETE)\M'
  AND query NOT LIKE '%%pg_stat%%'
  AND (%(id)s::text IS NULL OR queryid::text = %(id)s)
ORDER BY CASE %(order)s WHEN 'mean' THEN mean_exec_time WHEN 'calls' THEN calls ELSE total_exec_time END
    DESC
LIMIT %(limit)s
