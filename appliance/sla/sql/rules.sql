-- All policies, with their conditions, hours and escalations, and the desk's default hours, as one
-- JSON text. jsonb writes equal content equally, so the text also tells whether anything changed.
WITH hours AS (
    SELECT
        c.id,
        c.is_default,
        jsonb_build_object(
            'time_zone', c.time_zone,
            'week', c.hours,
            'days_off', (
                SELECT coalesce(jsonb_agg(jsonb_build_array(h."on", h.is_yearly) ORDER BY h."on"), '[]')
                FROM calendars_holiday h
                WHERE h.calendar_id = c.id
            )
        ) AS said
    FROM calendars_calendar c
)
SELECT jsonb_build_object(
    'default_hours', (SELECT said FROM hours WHERE is_default),
    'policies', (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object(
                'id', p.id,
                'is_active', p.is_active,
                'priorities', p.priorities,
                'is_premium', p.is_premium,
                'names_organisations', p.names_organisations,
                'minutes', jsonb_build_object('answer', p.answer_minutes, 'solution', p.solution_minutes),
                'hours', (SELECT said FROM hours WHERE hours.id = p.calendar_id),
                'categories', (
                    SELECT coalesce(jsonb_agg(x.ticketcategory_id ORDER BY x.ticketcategory_id), '[]')
                    FROM sla_policy_categories x
                    WHERE x.policy_id = p.id
                ),
                'organisations', (
                    SELECT coalesce(jsonb_agg(x.organisation_id ORDER BY x.organisation_id), '[]')
                    FROM sla_policy_organisations x
                    WHERE x.policy_id = p.id
                ),
                'escalations', (
                    SELECT coalesce(jsonb_agg(jsonb_build_array(e.id, e.measure, e.minutes) ORDER BY e.id), '[]')
                    FROM sla_escalation e
                    WHERE e.policy_id = p.id
                )
            ) ORDER BY p.position, p.id
        ), '[]')
        FROM sla_policy p
    )
)::text
