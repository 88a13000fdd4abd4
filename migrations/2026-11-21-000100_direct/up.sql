-- Direct conversations: one per pair of operators, visible only to these two.

ALTER TABLE conversations
    ADD COLUMN user_one_id uuid,
    ADD COLUMN user_two_id uuid,
    ALTER COLUMN client_id DROP NOT NULL,
    DROP CONSTRAINT conversations_kind_known,
    ADD CONSTRAINT conversations_kind_known CHECK (kind IN ('client', 'direct')),
    ADD CONSTRAINT conversations_kind_whole CHECK (CASE kind
        WHEN 'client' THEN client_id IS NOT NULL AND user_one_id IS NULL AND user_two_id IS NULL
        ELSE client_id IS NULL AND user_one_id IS NOT NULL AND user_two_id IS NOT NULL AND user_one_id < user_two_id END),
    -- The target of a foreign key of messages: their two people, which policies read, must equal the conversation's.
    ADD CONSTRAINT conversations_id_pair_key UNIQUE (tenant_id, id, user_one_id, user_two_id),
    ADD CONSTRAINT conversations_user_one_fkey FOREIGN KEY (tenant_id, user_one_id) REFERENCES users (tenant_id, id),
    ADD CONSTRAINT conversations_user_two_fkey FOREIGN KEY (tenant_id, user_two_id) REFERENCES users (tenant_id, id);
-- Partial, so that a send in a room does not update them.
CREATE UNIQUE INDEX conversations_pair_key ON conversations (tenant_id, user_one_id, user_two_id) WHERE user_one_id IS NOT NULL;
CREATE INDEX conversations_user_two ON conversations (tenant_id, user_two_id) WHERE user_two_id IS NOT NULL;
COMMENT ON TABLE conversations IS 'One room per client, and one per pair of operators who wrote to each other (direct; user_one_id < user_two_id). last_seq numbers its messages; head numbers every durable change (meta.seq on the socket).';

-- A foreign key that contains a NULL is not checked. For each kind one of the two is checked, and the CHECK excludes a third
-- kind.
ALTER TABLE messages
    ADD COLUMN user_one_id uuid,
    ADD COLUMN user_two_id uuid,
    ALTER COLUMN client_id DROP NOT NULL,
    ADD CONSTRAINT messages_whose CHECK (
        (client_id IS NULL) = (user_one_id IS NOT NULL) AND (user_one_id IS NULL) = (user_two_id IS NULL)),
    ADD CONSTRAINT messages_pair_fkey FOREIGN KEY (tenant_id, conversation_id, user_one_id, user_two_id)
        REFERENCES conversations (tenant_id, id, user_one_id, user_two_id);

ALTER TABLE participants
    ALTER COLUMN client_id DROP NOT NULL,
    ADD CONSTRAINT participants_any_conversation_fkey FOREIGN KEY (tenant_id, conversation_id)
        REFERENCES conversations (tenant_id, id);
COMMENT ON TABLE participants IS 'The state of each person in a conversation: counted: receives its events and has an unread count; read up to read_seq; unread_count: messages of others after that. A direct conversation has its two people.';

-- The owners of a row that belongs to no client.
ALTER TABLE outbox ADD COLUMN user_ids uuid[];

-- ---------------------------------------------------------------- functions for policies

-- Whether the actor may write to a colleague: owners and managers to every operator, employees to all but owners.
CREATE FUNCTION authz.may_write_to(other uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    RETURN EXISTS (SELECT FROM public.users u
     WHERE u.tenant_id = authz.tenant() AND u.id = other AND u.id <> authz.me() AND u.deleted_at IS NULL
       AND ((authz.role() IN ('owner', 'manager') AND u.role IN ('owner', 'manager', 'employee'))
         OR (authz.role() = 'employee' AND u.role IN ('manager', 'employee'))));
END $$;

-- Whether the actor is one of the two people of a direct conversation.
CREATE FUNCTION authz.in_direct(of_conversation uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    RETURN authz.is_operator() AND EXISTS (SELECT FROM public.conversations c
     WHERE c.tenant_id = authz.tenant() AND c.id = of_conversation AND authz.me() IN (c.user_one_id, c.user_two_id));
END $$;
GRANT EXECUTE ON FUNCTION authz.may_write_to(uuid), authz.in_direct(uuid) TO guichet_app;

-- ---------------------------------------------------------------- policies
-- Owners and managers see every room, but only their own direct conversations. A former operator sees none of them.
-- my_clients comes last, so that it is not evaluated for a direct conversation.
GRANT INSERT (user_one_id, user_two_id) ON messages TO guichet_app;

ALTER POLICY conversations_select ON conversations USING (
    ((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL)
    OR ((SELECT authz.is_operator()) AND (user_one_id = (SELECT authz.me()) OR user_two_id = (SELECT authz.me())))
    OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY conversations_update ON conversations USING (
    ((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL)
    OR ((SELECT authz.is_operator()) AND (user_one_id = (SELECT authz.me()) OR user_two_id = (SELECT authz.me())))
    OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY conversations_insert ON conversations WITH CHECK (
    last_seq = 0 AND head = 0 AND (((SELECT authz.provisions()) AND client_id IS NOT NULL)
    OR (user_one_id = (SELECT authz.me()) AND authz.may_write_to(user_two_id))
    OR (user_two_id = (SELECT authz.me()) AND authz.may_write_to(user_one_id))));

ALTER POLICY messages_select ON messages USING (
    ((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL)
    OR ((SELECT authz.is_operator()) AND (user_one_id = (SELECT authz.me()) OR user_two_id = (SELECT authz.me())))
    OR client_id IN (SELECT authz.my_clients()));
ALTER POLICY messages_update ON messages USING (
    ((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL)
    OR ((SELECT authz.is_operator()) AND (user_one_id = (SELECT authz.me()) OR user_two_id = (SELECT authz.me())))
    OR client_id IN (SELECT authz.my_clients()));
-- Roles change, so they are checked at every message and not only when the conversation is created.
ALTER POLICY messages_insert ON messages WITH CHECK (
    sender_id = (SELECT authz.me())
    AND sender_type = CASE WHEN (SELECT authz.role()) = 'client' THEN 'client' ELSE 'operator' END
    AND (((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL)
    OR (user_one_id = (SELECT authz.me()) AND authz.may_write_to(user_two_id))
    OR (user_two_id = (SELECT authz.me()) AND authz.may_write_to(user_one_id))
    OR client_id IN (SELECT authz.my_clients())));

ALTER POLICY participants_select ON participants USING (
    (SELECT authz.role()) = 'system'
    OR (user_id = (SELECT authz.me()) AND ((SELECT authz.sees_all_rooms()) OR (client_id IS NULL AND (SELECT authz.is_operator()))
    OR client_id IN (SELECT authz.my_clients()))));
ALTER POLICY participants_update ON participants USING (
    (SELECT authz.role()) = 'system'
    OR (user_id = (SELECT authz.me()) AND ((SELECT authz.sees_all_rooms()) OR (client_id IS NULL AND (SELECT authz.is_operator()))
    OR client_id IN (SELECT authz.my_clients()))));
ALTER POLICY participants_insert ON participants WITH CHECK (
    user_id = (SELECT authz.me())
    AND side = CASE WHEN (SELECT authz.role()) = 'client' THEN 'client' ELSE 'operator' END
    AND (((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL)
    OR (client_id IS NULL AND authz.in_direct(conversation_id)) OR client_id IN (SELECT authz.my_clients())));

ALTER POLICY outbox_select ON outbox USING (
    ((SELECT authz.sees_all_rooms()) AND client_id IS NOT NULL) OR (SELECT authz.me()) = ANY (user_ids)
    OR client_id IN (SELECT authz.my_clients()));

-- In a direct conversation both people are operators: the other side is the other person.
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
    IF (reread AND (OLD.read_at IS NOT NULL OR CASE WHEN OLD.client_id IS NULL THEN OLD.sender_id = authz.me()
            ELSE OLD.sender_type = CASE WHEN authz.role() = 'client' THEN 'client' ELSE 'operator' END END))
        OR (redelivered AND (OLD.delivered_at IS NOT NULL OR OLD.sender_id = authz.me())) THEN
        RAISE EXCEPTION 'a receipt is given once: read by the other side, delivered by whoever is not the author' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;

GRANT CREATE ON SCHEMA authz TO guichet_authz, guichet_search;
ALTER FUNCTION authz.may_write_to(uuid) OWNER TO guichet_authz;
ALTER FUNCTION authz.in_direct(uuid) OWNER TO guichet_authz;

SET LOCAL ROLE guichet_authz;
CREATE OR REPLACE FUNCTION authz.room_people(of_conversation uuid) RETURNS TABLE (user_id uuid, side text, last_seen_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 10 AS $$
BEGIN
    RETURN QUERY
    SELECT p.user_id, p.side, u.last_seen_at
      FROM public.participants p
      JOIN public.users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
     WHERE p.tenant_id = authz.tenant() AND p.conversation_id = of_conversation AND p.counted
       AND ((authz.sees_all_rooms() AND p.client_id IS NOT NULL) OR p.client_id IN (SELECT authz.my_clients())
         OR authz.in_direct(of_conversation));
END $$;

-- The people of a direct conversation are recorded when it is created. A person who is no longer an operator receives none
-- of its events; one who becomes an operator again receives those from then on.
CREATE OR REPLACE FUNCTION authz.audience_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    tenant uuid := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'conversations' THEN
        IF NEW.client_id IS NOT NULL THEN
            PERFORM authz.sync_audience(tenant, NEW.client_id);
        ELSE
            INSERT INTO public.participants (tenant_id, conversation_id, user_id, side, counted)
            VALUES (tenant, NEW.id, NEW.user_one_id, 'operator', true), (tenant, NEW.id, NEW.user_two_id, 'operator', true);
        END IF;
    WHEN 'client_members' THEN
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
            SELECT p.client_id AS id FROM public.participants p
             WHERE p.tenant_id = tenant AND p.user_id = NEW.id AND p.client_id IS NOT NULL
            UNION SELECT m.client_id FROM public.client_members m WHERE m.tenant_id = tenant AND m.user_id = NEW.id
            UNION SELECT c.id FROM public.clients c WHERE c.tenant_id = tenant AND c.operator_id = NEW.id
            UNION SELECT c.id FROM public.clients c
                    JOIN public.team_members t ON t.tenant_id = c.tenant_id AND t.team_id = c.team_id
                   WHERE c.tenant_id = tenant AND t.user_id = NEW.id
            ORDER BY id) c;
        -- Locked first, as a send locks them.
        PERFORM FROM public.conversations c WHERE c.tenant_id = tenant AND (c.user_one_id = NEW.id OR c.user_two_id = NEW.id)
          ORDER BY c.id FOR UPDATE;
        UPDATE public.participants p SET counted = NOT p.counted, unread_count = 0, read_seq = c.last_seq
          FROM public.conversations c
         WHERE c.tenant_id = tenant AND c.id = p.conversation_id
           AND p.tenant_id = tenant AND p.user_id = NEW.id AND p.client_id IS NULL
           AND p.counted <> (NEW.role <> 'client' AND NEW.deleted_at IS NULL);
    END CASE;
    RETURN NULL;
END $$;

SET LOCAL ROLE guichet_search;
CREATE OR REPLACE FUNCTION authz.search_messages(q text, max_rows bigint, skip_rows bigint)
    RETURNS TABLE (id uuid, conversation_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' ROWS 50 AS $$
    SELECT m.id, m.conversation_id FROM public.messages m
     WHERE authz.words(m.content) @@ (SELECT authz.wanted_words(q)) AND m.deleted_at IS NULL
       AND m.tenant_id = (SELECT authz.tenant())
       AND (((SELECT authz.sees_all_rooms()) AND m.client_id IS NOT NULL)
         OR ((SELECT authz.is_operator()) AND (m.user_one_id = (SELECT authz.me()) OR m.user_two_id = (SELECT authz.me())))
         OR m.client_id IN (SELECT authz.my_clients()))
     ORDER BY m.created_at DESC, m.id DESC LIMIT max_rows OFFSET skip_rows
$$;
SET LOCAL ROLE guichet_owner;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz, guichet_search;
