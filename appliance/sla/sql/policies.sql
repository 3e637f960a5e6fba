-- All policies, with their conditions, hours and escalations, and the default hours, as one JSON
-- text. jsonb writes equal content equally, so the text also shows whether anything has changed.
WITH hours AS (
    SELECT
        c.id,
        c.is_default,
        jsonb_build_object(
            'time_zone', c.time_zone,
            'week', c.hours,
            'holidays', (
                SELECT coalesce(jsonb_agg(jsonb_build_array(h."on", h.is_yearly) ORDER BY h."on"), '[]')
                FROM sla_holiday h
                WHERE h.business_hours_id = c.id
            )
        ) AS data
    FROM sla_businesshours c
)
SELECT jsonb_build_object(
    'default_hours', (SELECT data FROM hours WHERE is_default),
    'policies', (
        SELECT coalesce(jsonb_agg(
            jsonb_build_object(
                'id', p.id,
                'is_active', p.is_active,
                'priorities', p.priorities,
                'is_premium', p.is_premium,
                'names_organisations', p.names_organisations,
                'minutes', jsonb_build_object('first_response', p.first_response_minutes, 'resolution', p.resolution_minutes),
                'hours', (SELECT data FROM hours WHERE hours.id = p.business_hours_id),
                'categories', (
                    SELECT coalesce(jsonb_agg(x.ticketcategory_id ORDER BY x.ticketcategory_id), '[]')
                    FROM sla_slapolicy_categories x
                    WHERE x.slapolicy_id = p.id
                ),
                'organisations', (
                    SELECT coalesce(jsonb_agg(x.organisation_id ORDER BY x.organisation_id), '[]')
                    FROM sla_slapolicy_organisations x
                    WHERE x.slapolicy_id = p.id
                ),
                'escalations', (
                    SELECT coalesce(jsonb_agg(jsonb_build_array(e.id, e.metric, e.minutes) ORDER BY e.id), '[]')
                    FROM sla_escalation e
                    WHERE e.policy_id = p.id
                )
            ) ORDER BY p.position, p.id
        ), '[]')
        FROM sla_slapolicy p
    )
)::text
