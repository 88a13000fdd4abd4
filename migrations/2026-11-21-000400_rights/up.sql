-- Changes of rights: the transaction of the change writes the people who may lose a right to the outbox, from where the
-- tail informs every process. Also revocation of tokens, and one-time connect tokens.

ALTER TABLE users ADD COLUMN sessions_valid_after timestamptz;
COMMENT ON COLUMN users.sessions_valid_after IS 'Tokens issued in this second or earlier are invalid. Never decreases.';
GRANT UPDATE (sessions_valid_after) ON users TO guichet_app;

CREATE OR REPLACE FUNCTION authz.guard_user() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF NEW.sessions_valid_after IS NULL AND OLD.sessions_valid_after IS NOT NULL
        OR NEW.sessions_valid_after < OLD.sessions_valid_after THEN
        RAISE EXCEPTION 'what was revoked stays revoked' USING ERRCODE = '42501';
    END IF;
    IF authz.role() IN ('owner', 'service') OR (authz.role() = 'manager' AND NEW.id <> authz.me()) THEN
        RETURN NEW;
    END IF;
    IF NEW.role IS DISTINCT FROM OLD.role OR NEW.external_id IS DISTINCT FROM OLD.external_id
        OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN
        RAISE EXCEPTION 'only the profile of a person is theirs to change' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;

-- ---------------------------------------------------------------- people who may have lost a right
-- One row per person and transaction. These topics have no numbers of their own, so the transaction's number is used.
-- Only losses are published: gained rights take effect at the next join.
CREATE FUNCTION authz.rights_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    moved uuid[];
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'client_members', 'team_members' THEN
        moved := ARRAY[OLD.user_id];
    WHEN 'users' THEN
        moved := ARRAY[OLD.id];
    WHEN 'clients' THEN
        -- The old operator, the old team, and the members, who may hear the operators in charge of them.
        moved := ARRAY[OLD.operator_id]
            || ARRAY(SELECT t.user_id FROM public.team_members t
                      WHERE t.tenant_id = OLD.tenant_id AND t.team_id = OLD.team_id)
            || ARRAY(SELECT m.user_id FROM public.client_members m
                      WHERE m.tenant_id = OLD.tenant_id AND m.client_id = OLD.id);
    END CASE;
    INSERT INTO public.outbox (tenant_id, topic, seq, id, event, payload, fanout)
    SELECT OLD.tenant_id, 'rights:' || person.id, pg_current_xact_id()::text::bigint, gen_random_uuid(),
           'rights:changed', '{}', '{}'
      FROM unnest(moved) AS person (id) WHERE person.id IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER client_members_rights AFTER DELETE ON client_members FOR EACH ROW EXECUTE FUNCTION authz.rights_moved();
CREATE TRIGGER team_members_rights AFTER DELETE ON team_members FOR EACH ROW EXECUTE FUNCTION authz.rights_moved();
CREATE TRIGGER clients_rights AFTER UPDATE ON clients FOR EACH ROW
    WHEN (OLD.operator_id IS DISTINCT FROM NEW.operator_id OR OLD.team_id IS DISTINCT FROM NEW.team_id)
    EXECUTE FUNCTION authz.rights_moved();
CREATE TRIGGER users_rights AFTER UPDATE ON users FOR EACH ROW
    WHEN (OLD.role IS DISTINCT FROM NEW.role OR OLD.deleted_at IS DISTINCT FROM NEW.deleted_at
        OR OLD.sessions_valid_after IS DISTINCT FROM NEW.sessions_valid_after)
    EXECUTE FUNCTION authz.rights_moved();

-- These rows have neither a client nor user_ids: only the tail, which reads as the worker, sees them.
GRANT INSERT ON outbox TO guichet_authz;
CREATE POLICY outbox_authz ON outbox FOR INSERT TO guichet_authz
    WITH CHECK (tenant_id = (SELECT authz.tenant()) AND left(topic, 7) = 'rights:');

-- ---------------------------------------------------------------- connect tokens
CREATE TABLE connect_tickets (
    tenant_id uuid NOT NULL,
    digest bytea NOT NULL CONSTRAINT connect_tickets_digest_length CHECK (octet_length(digest) = 32),
    user_id uuid NOT NULL,
    -- Of the access token that requested it: the socket ends with that token, and is revoked with it.
    authenticated_at timestamptz,
    token_expires_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, digest),
    CONSTRAINT connect_tickets_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- A connect token does not name its tenant.
CREATE INDEX connect_tickets_digest ON connect_tickets (digest);
CREATE INDEX connect_tickets_person ON connect_tickets (tenant_id, user_id, created_at DESC);
CREATE INDEX connect_tickets_age ON connect_tickets (expires_at);
COMMENT ON TABLE connect_tickets IS 'One-time connect tokens for sockets, by their SHA-256; deleted when they are used, or some minutes after they expired.';

ALTER TABLE connect_tickets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON connect_tickets TO guichet_app;
GRANT SELECT, DELETE ON connect_tickets TO guichet_worker, guichet_authz;
CREATE POLICY connect_tickets_tenant ON connect_tickets AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY connect_tickets_select ON connect_tickets FOR SELECT TO guichet_app USING (user_id = (SELECT authz.me()));
CREATE POLICY connect_tickets_insert ON connect_tickets FOR INSERT TO guichet_app WITH CHECK (user_id = (SELECT authz.me()));
CREATE POLICY connect_tickets_delete ON connect_tickets FOR DELETE TO guichet_app USING (user_id = (SELECT authz.me()));
CREATE POLICY connect_tickets_worker ON connect_tickets TO guichet_worker USING (true);
CREATE POLICY connect_tickets_authz ON connect_tickets TO guichet_authz USING (true);

-- Redeems a connect token, before there is an actor. The second of two concurrent calls waits for the row and finds it gone.
CREATE FUNCTION authz.redeem_ticket(wanted bytea)
    RETURNS TABLE (tenant_id uuid, user_id uuid, authenticated_at timestamptz, token_expires_at timestamptz, expires_at timestamptz)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = '' ROWS 1 AS $$
    DELETE FROM public.connect_tickets t WHERE t.digest = wanted
    RETURNING t.tenant_id, t.user_id, t.authenticated_at, t.token_expires_at, t.expires_at
$$;
GRANT EXECUTE ON FUNCTION authz.redeem_ticket(bytea) TO guichet_app;

GRANT CREATE ON SCHEMA authz TO guichet_authz;
ALTER FUNCTION authz.rights_moved() OWNER TO guichet_authz;
ALTER FUNCTION authz.redeem_ticket(bytea) OWNER TO guichet_authz;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz;
