-- One notification of an event for each user, with the kind at the same place of the second list.
INSERT INTO notifications_notification
    (user_id, ticket_id, event_id, kind, actor_name, count, since, at)
SELECT recipient.user_id, %(ticket_id)s, %(event_id)s, recipient.kind, %(actor_name)s, 1, %(at)s, %(at)s
FROM unnest(%(user_ids)s::bigint[], %(kinds)s::text[]) AS recipient (user_id, kind)
