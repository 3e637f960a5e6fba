-- Number of tickets that were open when the period began: all opened before it, less all solved.
{days}
SELECT coalesce(sum(opened) - sum(solved), 0)::bigint FROM selected_days
