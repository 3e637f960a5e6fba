-- Seals and checks are append-only, too. A seal gets its place in the chain once, and anonymising takes
-- salts away.
CREATE OR REPLACE FUNCTION core_auditseal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (NEW.entry_id, NEW.digests) = (OLD.entry_id, OLD.digests) THEN
        IF OLD.position IS NULL AND NEW.salts = OLD.salts THEN
            RETURN NEW;
        END IF;
        IF current_setting('skerry.anonymising', true) = 'yes' AND OLD.salts @> NEW.salts
           AND (NEW.position, NEW.sha256) = (OLD.position, OLD.sha256) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'core_auditseal is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER auditseal_append_only BEFORE UPDATE OR DELETE ON core_auditseal
    FOR EACH ROW EXECUTE FUNCTION core_auditseal_is_append_only();

CREATE OR REPLACE FUNCTION core_auditcheck_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'core_auditcheck is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER auditcheck_append_only BEFORE UPDATE OR DELETE ON core_auditcheck
    FOR EACH ROW EXECUTE FUNCTION core_auditcheck_is_append_only();

-- The chain. core/audit_chain.py computes the same hashes to verify it.
CREATE OR REPLACE FUNCTION core_audit_sha256(content text) RETURNS text
LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256(convert_to(content, 'UTF8')), 'hex') $$;

-- When its transaction commits, an entry gets a seal, and the seal its place in the chain. The second
-- trigger fires after everything the first round of deferred triggers has done, foreign keys included: a
-- writer who holds the lock waits for no other lock, so that writers cannot block each other forever.
CREATE OR REPLACE FUNCTION core_add_audit_seal(entry core_auditentry) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    texts jsonb := jsonb_build_object(
        'actor_name', entry.actor_name, 'subject', entry.subject, 'data', entry.data::text);
    salts jsonb;
BEGIN
    SELECT jsonb_object_agg(part, gen_random_uuid()) INTO salts
    FROM jsonb_object_keys(texts) AS part;
    INSERT INTO core_auditseal (entry_id, salts, digests)
    SELECT entry.id, salts,
           jsonb_object_agg(part, core_audit_sha256((salts ->> part) || (texts ->> part)))
    FROM jsonb_object_keys(texts) AS part;
END $$;
REVOKE EXECUTE ON FUNCTION core_add_audit_seal(core_auditentry) FROM PUBLIC;

CREATE OR REPLACE FUNCTION core_seal_new_audit_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    -- as it is now: the transaction may have anonymised it
    PERFORM core_add_audit_seal(e) FROM core_auditentry AS e WHERE e.id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS auditentry_seal ON core_auditentry;
CREATE CONSTRAINT TRIGGER auditentry_seal AFTER INSERT ON core_auditentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core_seal_new_audit_entry();

-- Many entries of one transaction are sealed one after another, before PostgreSQL knows that there are
-- many: without the setting, it may plan to read all of them for each.
CREATE OR REPLACE FUNCTION core_chain_audit_seal() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off AS $$
DECLARE
    entry core_auditentry;
    last_position bigint;
    last_sha256 text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('core.audit_chain', 0));
    SELECT position, sha256 INTO last_position, last_sha256
    FROM core_auditseal WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1;
    last_position := coalesce(last_position, 0) + 1;
    SELECT e.* INTO STRICT entry FROM core_auditentry AS e WHERE e.id = NEW.entry_id;
    UPDATE core_auditseal SET
        position = last_position,
        sha256 = core_audit_sha256(coalesce(last_sha256, '') || jsonb_build_array(
            last_position, entry.id,
            to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
            entry.actor_id, entry.verb, entry.kind, entry.subject_id,
            NEW.digests ->> 'actor_name', NEW.digests ->> 'subject', NEW.digests ->> 'data'
        )::text)
    WHERE entry_id = NEW.entry_id;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS auditseal_chain ON core_auditseal;
CREATE CONSTRAINT TRIGGER auditseal_chain AFTER INSERT ON core_auditseal
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION core_chain_audit_seal();
