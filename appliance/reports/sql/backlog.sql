-- Number of tickets that were open when the period began: all opened before it, less all solved.
{rows}
SELECT coalesce(sum(opened) - sum(solved), 0)::bigint FROM chosen
