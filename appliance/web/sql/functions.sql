-- Erase a person from append-only rows, which the application's role may not change (decision 23).
-- ``entry_id`` is the audit entry that records it: of this transaction, about this person, and the only
-- argument, so that whoever erases leaves a trace. Call it while the person still has their name.
CREATE OR REPLACE FUNCTION web_erase_from_history(entry_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    entry core_auditentry;
    person_id bigint;
    full_name text;
    email text;
    names text[]; -- as rows show them: a user by name, a customer by name and address
BEGIN
    SELECT e.* INTO entry FROM core_auditentry AS e
    WHERE e.id = web_erase_from_history.entry_id AND e.verb = 'anonymised'
      AND e.kind IN ('user', 'customer') AND e.subject_id <> ''
      AND NOT EXISTS (SELECT FROM core_auditseal AS s WHERE s.entry_id = e.id);
    IF entry.id IS NULL THEN
        RAISE EXCEPTION 'no new audit entry records this' USING ERRCODE = 'restrict_violation';
    END IF;
    person_id := entry.subject_id::bigint;
    IF entry.kind = 'user' THEN
        SELECT btrim(u.first_name || ' ' || u.last_name), u.email INTO full_name, email
        FROM accounts_user AS u WHERE u.id = person_id;
        names := ARRAY[coalesce(nullif(full_name, ''), email), full_name, email];
    ELSE
        SELECT btrim(c.first_name || ' ' || c.last_name), coalesce(nullif(c.email, ''), u.email, '')
        INTO full_name, email
        FROM accounts_customer AS c LEFT JOIN accounts_user AS u ON u.id = c.user_id
        WHERE c.id = person_id;
        names := ARRAY[
            full_name || CASE email WHEN '' THEN '' ELSE ' <' || email || '>' END, full_name, email];
    END IF;
    names := array_remove(names, '');

    PERFORM set_config('skerry.anonymising', 'yes', true);
    IF entry.kind = 'user' THEN
        UPDATE tickets_event SET actor_name = 'Anonymous' WHERE actor_id = person_id;
        UPDATE tickets_event SET data = skerry_without_values(data)
        WHERE kind = 'assignee' AND (
            data -> 'from_id' = to_jsonb(person_id) OR data -> 'to_id' = to_jsonb(person_id)
            OR data ->> 'from' = names[1] OR data ->> 'to' = names[1]);
        UPDATE model_updates_updateevent SET by_name = 'Anonymous' WHERE by_name = ANY(names);
        PERFORM web_erase_audit_entries(entry.id, 'actor_name', ARRAY(
            SELECT e.id FROM core_auditentry AS e WHERE e.actor_id = person_id));
    ELSE
        UPDATE tickets_event AS event SET data = skerry_without_values(event.data)
        FROM tickets_ticket AS ticket
        WHERE ticket.id = event.ticket_id AND ticket.customer_id = person_id
          AND event.kind IN ('field', 'subject');
        UPDATE tickets_event SET data = skerry_without_values(data)
        WHERE kind = 'requester' AND (
            data -> 'from_id' = to_jsonb(person_id) OR data -> 'to_id' = to_jsonb(person_id)
            OR data ->> 'from' = names[1] OR data ->> 'to' = names[1]);
        UPDATE tickets_event AS event SET actor_name = 'Anonymous'
        FROM tickets_ticket AS ticket
        WHERE ticket.id = event.ticket_id AND ticket.customer_id = person_id
          AND event.actor_id IS NULL AND event.actor_name = full_name;
    END IF;
    -- participants, forwards and e-mails that were not delivered name an address
    IF email <> '' THEN
        UPDATE tickets_event SET data = skerry_without_values(data)
        WHERE kind IN ('people', 'forwarded', 'failed')
          AND position(lower(email) IN lower(data::text)) > 0;
    END IF;
    PERFORM web_erase_audit_entries(entry.id, 'data', ARRAY(
        SELECT e.id FROM core_auditentry AS e
        WHERE (e.kind = entry.kind AND e.subject_id = entry.subject_id)
           OR EXISTS (SELECT FROM unnest(names) AS name
                      WHERE position(to_jsonb(name)::text IN e.data::text) > 0)));
    PERFORM web_erase_audit_entries(entry.id, 'subject', ARRAY(
        SELECT e.id FROM core_auditentry AS e
        WHERE e.kind = entry.kind
          AND (e.subject_id = entry.subject_id OR (e.subject_id = '' AND e.subject = left(names[1], 200)))));
    PERFORM set_config('skerry.anonymising', '', true);
END $$;

-- Erase one part of audit entries together with its salts, so that no digest can be compared with a name.
CREATE OR REPLACE FUNCTION web_erase_audit_entries(erasure_id bigint, part text, ids bigint[])
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE core_auditentry SET
        actor_name = CASE part WHEN 'actor_name' THEN 'Anonymous' ELSE actor_name END,
        subject = CASE part WHEN 'subject' THEN 'Anonymous' ELSE subject END,
        data = CASE part WHEN 'data' THEN skerry_without_values(data) ELSE data END
    WHERE id = ANY(ids);
    UPDATE core_auditseal SET salts = salts - part, anonymised_by_id = erasure_id
    WHERE entry_id = ANY(ids);
END $$;
REVOKE EXECUTE ON FUNCTION web_erase_audit_entries(bigint, text, bigint[]) FROM PUBLIC;
