-- Client rooms: conversations, messages, and the read position and unread count of each person.

CREATE TABLE conversations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    kind text NOT NULL CONSTRAINT conversations_kind_known CHECK (kind IN ('client')),
    client_id uuid NOT NULL,
    last_seq bigint NOT NULL DEFAULT 0 CONSTRAINT conversations_last_seq_from_zero CHECK (last_seq >= 0),
    head bigint NOT NULL DEFAULT 0 CONSTRAINT conversations_head_from_zero CHECK (head >= 0),
    last_message_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT conversations_client_key UNIQUE (tenant_id, client_id),
    -- The target of foreign keys of messages and participants: their client_id, which policies read, must equal the room's.
    CONSTRAINT conversations_id_client_key UNIQUE (tenant_id, id, client_id),
    CONSTRAINT conversations_client_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
-- Each send updates its conversation: free space in the page keeps the new row versions on it.
ALTER TABLE conversations SET (fillfactor = 50);
CREATE INDEX conversations_recent ON conversations (tenant_id, last_message_at DESC NULLS LAST, id);
COMMENT ON TABLE conversations IS 'One room per client. last_seq numbers its messages; head numbers every durable change (meta.seq on the socket).';

CREATE TABLE messages (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    operator_id uuid,
    seq bigint NOT NULL,
    changed_seq bigint NOT NULL,
    sender_id uuid NOT NULL,
    sender_type text NOT NULL CONSTRAINT messages_sender_type_known CHECK (sender_type IN ('client', 'operator')),
    content text,
    related_entity_type text CONSTRAINT messages_related_type_length CHECK (char_length(related_entity_type) BETWEEN 1 AND 80),
    related_entity_id text CONSTRAINT messages_related_id_length CHECK (char_length(related_entity_id) BETWEEN 1 AND 200),
    related_preview jsonb,
    client_message_id uuid,
    delivered_at timestamptz,
    read_at timestamptz,
    edited_at timestamptz,
    deleted_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT messages_seq_key UNIQUE (tenant_id, conversation_id, seq),
    CONSTRAINT messages_client_message_id_key UNIQUE (tenant_id, conversation_id, sender_id, client_message_id),
    CONSTRAINT messages_content_length CHECK (CASE WHEN deleted_at IS NULL
        THEN content IS NOT NULL AND char_length(content) BETWEEN 1 AND 10000 ELSE content IS NULL END),
    CONSTRAINT messages_related_whole CHECK ((related_entity_type IS NULL) = (related_entity_id IS NULL)),
    CONSTRAINT messages_conversation_fkey FOREIGN KEY (tenant_id, conversation_id, client_id)
        REFERENCES conversations (tenant_id, id, client_id),
    CONSTRAINT messages_sender_fkey FOREIGN KEY (tenant_id, sender_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX messages_changed ON messages (tenant_id, conversation_id, changed_seq);
-- Unread messages, by the side of their author: a small index, and all that marking as read has to scan.
CREATE INDEX messages_unread ON messages (tenant_id, conversation_id, sender_type, seq) WHERE read_at IS NULL;
CREATE INDEX messages_related ON messages (tenant_id, related_entity_type, related_entity_id, created_at DESC)
    WHERE related_entity_type IS NOT NULL;
-- conversation_id determines tenant_id. Without this statistic, the planner expects too few rows, and sorts the whole
-- conversation instead of using the ordered index.
CREATE STATISTICS messages_one_tenant (dependencies) ON tenant_id, conversation_id FROM messages;
COMMENT ON TABLE messages IS 'Messages. seq is their order in the conversation; a deleted message stays as a tombstone without content.';

CREATE TABLE participants (
    tenant_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    client_id uuid NOT NULL,
    user_id uuid NOT NULL,
    side text NOT NULL CONSTRAINT participants_side_known CHECK (side IN ('client', 'operator')),
    counted boolean NOT NULL DEFAULT false,
    follows boolean NOT NULL DEFAULT false,
    read_seq bigint NOT NULL DEFAULT 0,
    unread_count integer NOT NULL DEFAULT 0 CONSTRAINT participants_unread_from_zero CHECK (unread_count >= 0),
    PRIMARY KEY (tenant_id, conversation_id, user_id),
    CONSTRAINT participants_conversation_fkey FOREIGN KEY (tenant_id, conversation_id, client_id)
        REFERENCES conversations (tenant_id, id, client_id),
    CONSTRAINT participants_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
ALTER TABLE participants SET (fillfactor = 50);
CREATE INDEX participants_counted ON participants (tenant_id, user_id) WHERE counted;
CREATE INDEX participants_followers ON participants (tenant_id, client_id) WHERE follows;
COMMENT ON TABLE participants IS 'The state of each person in a room: counted: receives its events and has an unread count; read up to read_seq; unread_count: messages of others after that.';

-- ---------------------------------------------------------------- the recipients of a room
-- Members of the client, the operator in charge, the client's team, and owners or managers who follow it.
-- An employee who follows a client but is no longer in charge may not see it, and therefore is not a recipient.
CREATE FUNCTION authz.audience(of_tenant uuid, of_client uuid) RETURNS TABLE (user_id uuid, side text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' ROWS 10 AS $$
    SELECT u.id, CASE WHEN u.role = 'client' THEN 'client' ELSE 'operator' END
      FROM public.users u
     WHERE u.tenant_id = of_tenant AND u.deleted_at IS NULL AND u.id IN (
        SELECT m.user_id FROM public.client_members m WHERE m.tenant_id = of_tenant AND m.client_id = of_client AND u.role = 'client'
        UNION ALL
        SELECT c.operator_id FROM public.clients c WHERE c.tenant_id = of_tenant AND c.id = of_client AND u.role <> 'client'
        UNION ALL
        SELECT t.user_id FROM public.clients c
          JOIN public.team_members t ON t.tenant_id = c.tenant_id AND t.team_id = c.team_id
         WHERE c.tenant_id = of_tenant AND c.id = of_client AND u.role <> 'client'
        UNION ALL
        SELECT p.user_id FROM public.participants p
         WHERE p.tenant_id = of_tenant AND p.client_id = of_client AND p.follows AND u.role IN ('owner', 'manager'))
$$;

-- Updates participants.counted to match the audience. The conversation is locked first, as a send locks it, so that a new
-- recipient is counted from the next message on.
CREATE FUNCTION authz.sync_audience(of_tenant uuid, of_client uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    room record;
BEGIN
    SELECT c.id, c.last_seq INTO room FROM public.conversations c
     WHERE c.tenant_id = of_tenant AND c.client_id = of_client FOR UPDATE;
    IF NOT FOUND THEN RETURN; END IF;
    UPDATE public.participants p SET counted = false, unread_count = 0
     WHERE p.tenant_id = of_tenant AND p.conversation_id = room.id AND p.counted
       AND p.user_id NOT IN (SELECT a.user_id FROM authz.audience(of_tenant, of_client) a);
    INSERT INTO public.participants AS p (tenant_id, conversation_id, client_id, user_id, side, counted, read_seq)
    SELECT of_tenant, room.id, of_client, a.user_id, a.side, true, room.last_seq
      FROM authz.audience(of_tenant, of_client) a ORDER BY a.user_id
    ON CONFLICT (tenant_id, conversation_id, user_id) DO UPDATE
       SET counted = true, side = excluded.side, unread_count = 0, read_seq = excluded.read_seq
     WHERE NOT p.counted OR p.side <> excluded.side;
END $$;

-- Makes the actor follow a room, or stop following it. Only rooms that the actor may see.
CREATE FUNCTION authz.follow(of_client uuid, wanted boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    IF NOT (authz.sees_all_rooms() OR (authz.role() = 'employee' AND of_client IN (SELECT authz.my_clients()))) THEN
        RAISE EXCEPTION 'a room that the actor may not see' USING ERRCODE = '42501';
    END IF;
    -- Locked first, as everywhere: the foreign key of a new participant takes a shared lock on the conversation, and two
    -- transactions that both hold one could not upgrade it.
    PERFORM FROM public.conversations c WHERE c.tenant_id = authz.tenant() AND c.client_id = of_client FOR UPDATE;
    INSERT INTO public.participants AS p (tenant_id, conversation_id, client_id, user_id, side, follows)
    SELECT c.tenant_id, c.id, c.client_id, authz.me(), 'operator', wanted
      FROM public.conversations c WHERE c.tenant_id = authz.tenant() AND c.client_id = of_client
    ON CONFLICT (tenant_id, conversation_id, user_id) DO UPDATE SET follows = excluded.follows;
    PERFORM authz.sync_audience(authz.tenant(), of_client);
END $$;

-- The recipients of a room and when they were last seen, for actors who may see the room.
CREATE FUNCTION authz.room_people(of_conversation uuid) RETURNS TABLE (user_id uuid, side text, last_seen_at timestamptz)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 10 AS $$
BEGIN
    RETURN QUERY
    SELECT p.user_id, p.side, u.last_seen_at
      FROM public.participants p
      JOIN public.users u ON u.tenant_id = p.tenant_id AND u.id = p.user_id
     WHERE p.tenant_id = authz.tenant() AND p.conversation_id = of_conversation AND p.counted
       AND (authz.sees_all_rooms() OR p.client_id IN (SELECT authz.my_clients()));
END $$;

GRANT SELECT, UPDATE ON conversations TO guichet_authz;
GRANT SELECT, INSERT, UPDATE ON participants TO guichet_authz;
GRANT EXECUTE ON FUNCTION authz.follow(uuid, boolean), authz.room_people(uuid) TO guichet_app;

-- Every change of a membership, a team, an operator in charge or a role updates the recipients in the same transaction.
CREATE FUNCTION authz.audience_moved() RETURNS trigger
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
CREATE TRIGGER conversations_audience AFTER INSERT ON conversations FOR EACH ROW EXECUTE FUNCTION authz.audience_moved();
CREATE TRIGGER client_members_audience AFTER INSERT OR DELETE ON client_members FOR EACH ROW EXECUTE FUNCTION authz.audience_moved();
CREATE TRIGGER team_members_audience AFTER INSERT OR DELETE ON team_members FOR EACH ROW EXECUTE FUNCTION authz.audience_moved();
CREATE TRIGGER clients_audience AFTER UPDATE ON clients FOR EACH ROW
    WHEN (OLD.operator_id IS DISTINCT FROM NEW.operator_id OR OLD.team_id IS DISTINCT FROM NEW.team_id)
    EXECUTE FUNCTION authz.audience_moved();
CREATE TRIGGER users_audience AFTER UPDATE ON users FOR EACH ROW
    WHEN (OLD.role IS DISTINCT FROM NEW.role OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at)
    EXECUTE FUNCTION authz.audience_moved();

-- ---------------------------------------------------------------- policies
ALTER TABLE conversations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (last_seq, head, last_message_at, updated_at) ON conversations TO guichet_app;
CREATE POLICY conversations_tenant ON conversations AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY conversations_select ON conversations FOR SELECT TO guichet_app
    USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY conversations_insert ON conversations FOR INSERT TO guichet_app
    WITH CHECK ((SELECT authz.provisions()) AND last_seq = 0 AND head = 0);
CREATE POLICY conversations_update ON conversations FOR UPDATE TO guichet_app
    USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY conversations_authz ON conversations TO guichet_authz USING (tenant_id = (SELECT authz.tenant()));

-- Numbers are taken one by one and never returned.
CREATE FUNCTION authz.guard_conversation() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF NEW.last_seq - OLD.last_seq NOT IN (0, 1) OR NEW.head - OLD.head NOT IN (0, 1) THEN
        RAISE EXCEPTION 'numbers of a conversation are taken one by one' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER conversations_guard BEFORE UPDATE ON conversations FOR EACH ROW EXECUTE FUNCTION authz.guard_conversation();

ALTER TABLE messages ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- A new message is unread, unedited and not deleted.
GRANT SELECT, INSERT (tenant_id, id, conversation_id, client_id, operator_id, seq, changed_seq, sender_id, sender_type, content,
    related_entity_type, related_entity_id, related_preview, client_message_id, created_at),
    UPDATE (changed_seq, content, related_entity_type, related_entity_id, related_preview,
    delivered_at, read_at, edited_at, deleted_at) ON messages TO guichet_app;
CREATE POLICY messages_tenant ON messages AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY messages_select ON messages FOR SELECT TO guichet_app
    USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY messages_insert ON messages FOR INSERT TO guichet_app WITH CHECK (
    sender_id = (SELECT authz.me())
    AND sender_type = CASE WHEN (SELECT authz.role()) = 'client' THEN 'client' ELSE 'operator' END
    AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients())));
CREATE POLICY messages_update ON messages FOR UPDATE TO guichet_app
    USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));

-- Which columns may change depends on the actor: only the author changes the content, only readers set receipts.
-- Numbers, receipts and deletions are never reverted.
CREATE FUNCTION authz.guard_message() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
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
CREATE TRIGGER messages_guard BEFORE UPDATE ON messages FOR EACH ROW EXECUTE FUNCTION authz.guard_message();

ALTER TABLE participants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (tenant_id, conversation_id, client_id, user_id, side, read_seq),
    UPDATE (read_seq, unread_count) ON participants TO guichet_app;
CREATE POLICY participants_tenant ON participants AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY participants_select ON participants FOR SELECT TO guichet_app USING (
    (SELECT authz.role()) = 'system'
    OR (user_id = (SELECT authz.me()) AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()))));
CREATE POLICY participants_insert ON participants FOR INSERT TO guichet_app WITH CHECK (
    user_id = (SELECT authz.me())
    AND side = CASE WHEN (SELECT authz.role()) = 'client' THEN 'client' ELSE 'operator' END
    AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients())));
CREATE POLICY participants_update ON participants FOR UPDATE TO guichet_app USING (
    (SELECT authz.role()) = 'system'
    OR (user_id = (SELECT authz.me()) AND ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()))));
CREATE POLICY participants_authz ON participants TO guichet_authz USING (tenant_id = (SELECT authz.tenant()));

-- ---------------------------------------------------------------- search
-- Ignores accents and case, in French and in English.
CREATE EXTENSION IF NOT EXISTS unaccent SCHEMA authz;
CREATE TEXT SEARCH CONFIGURATION authz.fr (COPY = pg_catalog.french);
ALTER TEXT SEARCH CONFIGURATION authz.fr ALTER MAPPING FOR hword, hword_part, word WITH authz.unaccent, french_stem;
CREATE TEXT SEARCH CONFIGURATION authz.en (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION authz.en ALTER MAPPING FOR hword, hword_part, word WITH authz.unaccent, english_stem;

-- A separator keeps the two languages apart, so that no phrase spans the end of one and the start of the other.
CREATE FUNCTION authz.words(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT ts_delete(to_tsvector('authz.fr'::regconfig, coalesce(content, '')) || '|:16'::tsvector
        || to_tsvector('authz.en'::regconfig, coalesce(content, '')), '|') $$;
GRANT EXECUTE ON FUNCTION authz.words(text) TO guichet_app, guichet_search;

-- Matches words in French or in English; excluded words must occur in neither. A query of excluded words only finds
-- nothing, since no index could answer it.
CREATE FUNCTION authz.wanted_words(q text) RETURNS tsquery LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT CASE WHEN querytree(query) NOT IN ('', 'T') THEN query END FROM (
        SELECT CASE WHEN strpos(concat(fr, en), '!') > 0 THEN fr && en ELSE fr || en END AS query FROM (
            SELECT websearch_to_tsquery('authz.fr'::regconfig, q) AS fr,
                   websearch_to_tsquery('authz.en'::regconfig, q) AS en) parsed) combined
$$;
GRANT EXECUTE ON FUNCTION authz.wanted_words(text) TO guichet_app, guichet_search;
CREATE INDEX messages_words ON messages USING gin (authz.words(content)) WHERE deleted_at IS NULL;

-- A full-text index cannot be used under a row policy, so all searches use this function. Its owner may read all
-- messages, and the function itself checks tenant and membership. Newest first.
CREATE FUNCTION authz.search_messages(q text, max_rows bigint, skip_rows bigint)
    RETURNS TABLE (id uuid, conversation_id uuid)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' ROWS 50 AS $$
    SELECT m.id, m.conversation_id FROM public.messages m
     WHERE authz.words(m.content) @@ (SELECT authz.wanted_words(q)) AND m.deleted_at IS NULL
       AND m.tenant_id = (SELECT authz.tenant())
       AND ((SELECT authz.sees_all_rooms()) OR m.client_id IN (SELECT authz.my_clients()))
     ORDER BY m.created_at DESC, m.id DESC LIMIT max_rows OFFSET skip_rows
$$;
GRANT SELECT ON messages TO guichet_search;
CREATE POLICY messages_search ON messages FOR SELECT TO guichet_search USING (true);
GRANT EXECUTE ON FUNCTION authz.search_messages(text, bigint, bigint) TO guichet_app;

GRANT CREATE ON SCHEMA authz TO guichet_authz, guichet_search;
ALTER FUNCTION authz.audience(uuid, uuid) OWNER TO guichet_authz;
ALTER FUNCTION authz.sync_audience(uuid, uuid) OWNER TO guichet_authz;
ALTER FUNCTION authz.follow(uuid, boolean) OWNER TO guichet_authz;
ALTER FUNCTION authz.room_people(uuid) OWNER TO guichet_authz;
ALTER FUNCTION authz.audience_moved() OWNER TO guichet_authz;
ALTER FUNCTION authz.search_messages(text, bigint, bigint) OWNER TO guichet_search;
-- Members also see the operators who wrote in their room.
SET LOCAL ROLE guichet_authz;
CREATE OR REPLACE FUNCTION authz.my_people() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 50 AS $$
BEGIN
    RETURN QUERY
    SELECT people.id FROM (SELECT authz.my_clients() AS id) mine, LATERAL (
        SELECT m.user_id AS id FROM public.client_members m
         WHERE m.tenant_id = authz.tenant() AND m.client_id = mine.id
        UNION ALL
        SELECT c.operator_id FROM public.clients c
         WHERE c.tenant_id = authz.tenant() AND c.id = mine.id AND c.operator_id IS NOT NULL
        UNION ALL
        SELECT p.user_id FROM public.participants p
         WHERE p.tenant_id = authz.tenant() AND p.client_id = mine.id AND p.follows) people;
END $$;
SET LOCAL ROLE guichet_owner;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz, guichet_search;
