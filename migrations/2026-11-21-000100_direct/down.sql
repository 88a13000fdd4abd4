-- Deletes direct conversations together with their columns. FORCE binds the owner too, and there is no actor here.
ALTER TABLE outbox NO FORCE ROW LEVEL SECURITY;
ALTER TABLE participants NO FORCE ROW LEVEL SECURITY;
ALTER TABLE messages NO FORCE ROW LEVEL SECURITY;
ALTER TABLE conversations NO FORCE ROW LEVEL SECURITY;
DELETE FROM outbox WHERE user_ids IS NOT NULL;
DELETE FROM messages WHERE client_id IS NULL;
DELETE FROM participants WHERE client_id IS NULL;
DELETE FROM conversations WHERE client_id IS NULL;
ALTER TABLE outbox FORCE ROW LEVEL SECURITY;
ALTER TABLE participants FORCE ROW LEVEL SECURITY;
ALTER TABLE messages FORCE ROW LEVEL SECURITY;
ALTER TABLE conversations FORCE ROW LEVEL SECURITY;

GRANT CREATE ON SCHEMA authz TO guichet_authz, guichet_search;
SET LOCAL ROLE guichet_search;
CREATE OR REPLACE FUNCTION authz.search_messages(q text, max_rows bigint, skip_rows bigint)
    RETURNS TABLE (id uuid, conversation_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' ROWS 50 AS $$
    SELECT m.id, m.conversation_id FROM public.messages m
     WHERE authz.words(m.content) @@ (SELECT authz.wanted_words(q)) AND m.deleted_at IS NULL
       AND m.tenant_id = (SELECT authz.tenant())
       AND ((SELECT authz.sees_all_rooms()) OR m.client_id IN (SELECT authz.my_clients()))
     ORDER BY m.created_at DESC, m.id DESC LIMIT max_rows OFFSET skip_rows
$$;
SET LOCAL ROLE guichet_authz;
CREATE OR REPLACE FUNCTION authz.room_people(of_conversation uuid) RETURNS TABLE (user_id uuid, side text, last_seen_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 10 AS $$
BEGIN
    RETURN QUERY
    SELECT p.user_id, p.side, u.last_seen_at
      FROM public.participants p
      JOIN public.users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
     WHERE p.tenant_id = authz.tenant() AND p.conversation_id = of_conversation AND p.counted
       AND (authz.sees_all_rooms() OR p.client_id IN (SELECT authz.my_clients()));
END $$;
CREATE OR REPLACE FUNCTION authz.audience_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    tenant uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'conversations', 'client_members' THEN
        PERFORM authz.sync_audience(tenant, CASE WHEN TG_OP = 'DELETE' THEN OLD.client_id ELSE NEW.client_id END);
    WHEN 'clients' THEN
        PERFORM authz.sync_audience(tenant, NEW.id);
    WHEN 'team_members' THEN
        PERFORM authz.sync_audience(tenant, c.id) FROM (
            SELECT c.id FROM public.clients c
             WHERE c.tenant_id = tenant AND c.team_id = CASE WHEN TG_OP = 'DELETE' THEN OLD.team_id ELSE NEW.team_id END
             ORDER BY c.id) c;
    WHEN 'users' THEN
        PERFORM authz.sync_audience(tenant, c.id) FROM (
            SELECT p.client_id AS id FROM public.participants p WHERE p.tenant_id = tenant AND p.user_id = NEW.id
            UNION SELECT m.client_id FROM public.client_members m WHERE m.tenant_id = tenant AND m.user_id = NEW.id
            UNION SELECT c.id FROM public.clients c WHERE c.tenant_id = tenant AND c.operator_id = NEW.id
            UNION SELECT c.id FROM public.clients c
                    JOIN public.team_members t ON t.tenant_id = c.tenant_id AND t.team_id = c.team_id
                   WHERE c.tenant_id = tenant AND t.user_id = NEW.id
            ORDER BY id) c;
    END CASE;
    RETURN NULL;
END $$;
SET LOCAL ROLE guichet_owner;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz, guichet_search;
CREATE OR REPLACE FUNCTION authz.guard_message() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    reworded boolean := (NEW.content, NEW.related_entity_type, NEW.related_entity_id, NEW.related_preview, NEW.edited_at)
        IS DISTINCT FROM (OLD.content, OLD.related_entity_type, OLD.related_entity_id, OLD.related_preview, OLD.edited_at);
    reread boolean := NEW.read_at IS DISTINCT FROM OLD.read_at;
    redelivered boolean := NEW.delivered_at IS DISTINCT FROM OLD.delivered_at;
BEGIN
    IF NEW.changed_seq < OLD.changed_seq THEN
        RAISE EXCEPTION 'the number of a change is never given back' USING ERRCODE = '42501';
    END IF;
    IF OLD.deleted_at IS NOT NULL AND (reworded OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at) THEN
        RAISE EXCEPTION 'a deleted message stays deleted' USING ERRCODE = '42501';
    END IF;
    IF OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL THEN
        IF OLD.sender_id IS DISTINCT FROM authz.me() AND authz.role() IS DISTINCT FROM 'owner' THEN
            RAISE EXCEPTION 'a message is its author''s to delete, or an owner''s' USING ERRCODE = '42501';
        END IF;
        -- A deletion clears the columns; it must not write other values.
        IF coalesce(NEW.related_entity_type, OLD.related_entity_type) IS DISTINCT FROM OLD.related_entity_type
            OR coalesce(NEW.related_entity_id, OLD.related_entity_id) IS DISTINCT FROM OLD.related_entity_id
            OR coalesce(NEW.related_preview, OLD.related_preview) IS DISTINCT FROM OLD.related_preview THEN
            RAISE EXCEPTION 'a deleted message says nothing' USING ERRCODE = '42501';
        END IF;
    ELSIF reworded AND OLD.sender_id IS DISTINCT FROM authz.me() THEN
        RAISE EXCEPTION 'the words of a message are its author''s' USING ERRCODE = '42501';
    END IF;
    IF (reread AND (OLD.read_at IS NOT NULL
            OR OLD.sender_type = CASE WHEN authz.role() = 'client' THEN 'client' ELSE 'operator' END))
        OR (redelivered AND (OLD.delivered_at IS NOT NULL OR OLD.sender_id = authz.me())) THEN
        RAISE EXCEPTION 'a receipt is given once: read by the other side, delivered by whoever is not the author' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;

ALTER POLICY outbox_select ON outbox USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY participants_insert ON participants WITH CHECK (
    user_id = (SELECT authz.me())
    AND side = CASE WHEN (SELECT authz.role()) = 'client' THEN 'client' ELSE 'operator' END
    AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients())));
ALTER POLICY participants_update ON participants USING (
    (SELECT authz.role()) = 'system'
    OR (user_id = (SELECT authz.me()) AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()))));
ALTER POLICY participants_select ON participants USING (
    (SELECT authz.role()) = 'system'
    OR (user_id = (SELECT authz.me()) AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()))));
ALTER POLICY messages_insert ON messages WITH CHECK (
    sender_id = (SELECT authz.me())
    AND sender_type = CASE WHEN (SELECT authz.role()) = 'client' THEN 'client' ELSE 'operator' END
    AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients())));
ALTER POLICY messages_update ON messages USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY messages_select ON messages USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY conversations_update ON conversations USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY conversations_select ON conversations USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY conversations_insert ON conversations WITH CHECK ((SELECT authz.provisions()) AND last_seq = 0 AND head = 0);
SET LOCAL ROLE guichet_authz;
DROP FUNCTION authz.may_write_to(uuid), authz.in_direct(uuid);
SET LOCAL ROLE guichet_owner;

ALTER TABLE outbox DROP COLUMN user_ids;
ALTER TABLE participants ALTER COLUMN client_id SET NOT NULL, DROP CONSTRAINT participants_any_conversation_fkey;
ALTER TABLE messages ALTER COLUMN client_id SET NOT NULL, DROP COLUMN user_one_id, DROP COLUMN user_two_id;
ALTER TABLE conversations ALTER COLUMN client_id SET NOT NULL, DROP COLUMN user_one_id, DROP COLUMN user_two_id,
    DROP CONSTRAINT conversations_kind_known,
    ADD CONSTRAINT conversations_kind_known CHECK (kind IN ('client'));
COMMENT ON TABLE conversations IS 'One room per client. last_seq numbers its messages; head numbers every durable change (meta.seq on the socket).';
COMMENT ON TABLE participants IS 'The state of each person in a room: counted: receives its events and has an unread count; read up to read_seq; unread_count: messages of others after that.';
