-- How many tickets were open when the span began: all opened before it, less all solved.
{rows}
SELECT coalesce(sum(opened) - sum(solved), 0)::bigint FROM chosen
