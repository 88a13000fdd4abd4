-- Tenants, their people, their clients. Keys are (tenant_id, id), and every foreign key between tenant tables
-- contains tenant_id: a row of one tenant cannot reference a row of another, even by a bug.

CREATE TABLE tenants (
    id uuid PRIMARY KEY,
    slug text NOT NULL CONSTRAINT tenants_slug_key UNIQUE
        CONSTRAINT tenants_slug_form CHECK (slug ~ '^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$'),
    name text NOT NULL CONSTRAINT tenants_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    settings jsonb NOT NULL DEFAULT '{}',
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms()
);
COMMENT ON TABLE tenants IS 'Businesses, fully isolated from each other. settings: features, branding, defaults.';

CREATE TABLE users (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    external_id text CONSTRAINT users_external_id_length CHECK (char_length(external_id) <= 400),
    role text NOT NULL CONSTRAINT users_role_known CHECK (role IN ('owner', 'manager', 'employee', 'client')),
    email text CONSTRAINT users_email_length CHECK (char_length(email) <= 320),
    phone text CONSTRAINT users_phone_length CHECK (char_length(phone) <= 40),
    display_name text NOT NULL CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 200),
    avatar_url text CONSTRAINT users_avatar_url_length CHECK (char_length(avatar_url) <= 2000),
    locale text NOT NULL DEFAULT 'fr' CONSTRAINT users_locale_known CHECK (locale IN ('fr', 'en')),
    timezone text NOT NULL DEFAULT 'Europe/Paris' CONSTRAINT users_timezone_length CHECK (char_length(timezone) <= 64),
    last_seen_at timestamptz,
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE users IS 'People: operators (owner, manager, employee) and members of clients (client). id is the sub of their tokens.';

CREATE TABLE teams (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CONSTRAINT teams_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, id)
);
COMMENT ON TABLE teams IS 'Groups of operators who share the charge of clients.';

CREATE TABLE team_members (
    tenant_id uuid NOT NULL,
    team_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, team_id, user_id),
    CONSTRAINT team_members_team_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id) ON DELETE CASCADE,
    CONSTRAINT team_members_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX team_members_user ON team_members (tenant_id, user_id);
COMMENT ON TABLE team_members IS 'The operators of each team.';

CREATE TABLE clients (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL CONSTRAINT clients_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    operator_id uuid,
    team_id uuid,
    status text NOT NULL DEFAULT 'active'
        CONSTRAINT clients_status_known CHECK (status IN ('active', 'inactive', 'archived')),
    details jsonb NOT NULL DEFAULT '{}',
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT clients_operator_fkey FOREIGN KEY (tenant_id, operator_id) REFERENCES users (tenant_id, id),
    CONSTRAINT clients_team_fkey FOREIGN KEY (tenant_id, team_id) REFERENCES teams (tenant_id, id)
);
CREATE INDEX clients_operator ON clients (tenant_id, operator_id);
CREATE INDEX clients_team ON clients (tenant_id, team_id);
CREATE INDEX clients_name ON clients (tenant_id, name, id);
COMMENT ON TABLE clients IS 'Customer accounts, each with an operator in charge, a team, both or neither.';

CREATE TABLE client_members (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, client_id, user_id),
    CONSTRAINT client_members_client_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id),
    CONSTRAINT client_members_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX client_members_user ON client_members (tenant_id, user_id);
COMMENT ON TABLE client_members IS 'The people of each client.';

CREATE TABLE projects (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    client_id uuid NOT NULL,
    name text NOT NULL CONSTRAINT projects_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT projects_client_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
CREATE INDEX projects_client ON projects (tenant_id, client_id);
COMMENT ON TABLE projects IS 'The projects of clients.';

-- ---------------------------------------------------------------- functions for policies

-- The clients that the actor may see individually; owners and managers see all of them and need no list.
-- Security definer, since a policy on client_members that reads client_members would recurse. In PL/pgSQL, which caches
-- plans: a SQL function would be planned at every call, and one statement calls this one several times.
CREATE FUNCTION authz.my_clients() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 50 AS $$
BEGIN
    RETURN QUERY
    SELECT m.client_id FROM public.client_members m
     WHERE authz.role() = 'client' AND m.tenant_id = authz.tenant() AND m.user_id = authz.me()
    UNION ALL
    SELECT c.id FROM public.clients c
     WHERE authz.role() = 'employee' AND c.tenant_id = authz.tenant() AND c.operator_id = authz.me()
    UNION ALL
    SELECT c.id FROM public.team_members t
      JOIN public.clients c ON c.tenant_id = t.tenant_id AND c.team_id = t.team_id
     WHERE authz.role() = 'employee' AND t.tenant_id = authz.tenant() AND t.user_id = authz.me();
END $$;

-- Whether the actor sees every client and every room of the tenant.
CREATE FUNCTION authz.sees_all_rooms() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(authz.role() IN ('owner', 'manager'), false) $$;

-- Whether the actor sees and provisions every client record.
CREATE FUNCTION authz.provisions() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(authz.role() IN ('owner', 'manager', 'service'), false) $$;

CREATE FUNCTION authz.is_operator() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT coalesce(authz.role() IN ('owner', 'manager', 'employee'), false) $$;

-- Looks up a tenant by its slug, before there is an actor. It reveals only the id.
CREATE FUNCTION authz.tenant_by_slug(wanted text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    AS $$ SELECT id FROM public.tenants WHERE slug = wanted $$;

-- Whether a tenant with this id exists, for tokens that contain the id.
CREATE FUNCTION authz.tenant_exists(wanted uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
    AS $$ SELECT EXISTS (SELECT FROM public.tenants WHERE id = wanted) $$;

GRANT EXECUTE ON FUNCTION authz.my_clients(), authz.sees_all_rooms(), authz.provisions(), authz.is_operator()
    TO guichet_app, guichet_authz, guichet_search;
GRANT EXECUTE ON FUNCTION authz.tenant_by_slug(text), authz.tenant_exists(uuid) TO guichet_app;

GRANT SELECT ON tenants, users, team_members, clients, client_members TO guichet_authz;

-- ---------------------------------------------------------------- tenants
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (name, settings) ON tenants TO guichet_app;
CREATE POLICY tenants_select ON tenants FOR SELECT TO guichet_app USING (id = (SELECT authz.tenant()));
CREATE POLICY tenants_insert ON tenants FOR INSERT TO guichet_app
    WITH CHECK (id = (SELECT authz.tenant()) AND (SELECT authz.role()) = 'platform');
CREATE POLICY tenants_update ON tenants FOR UPDATE TO guichet_app
    USING (id = (SELECT authz.tenant()) AND (SELECT authz.role()) IN ('owner', 'service'));
CREATE POLICY tenants_authz ON tenants FOR SELECT TO guichet_authz USING (true);
CREATE TRIGGER tenants_touch BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION authz.touch_by();

-- ---------------------------------------------------------------- users
-- The people that a member or an employee may see besides themselves; the chat migration adds the operators who wrote in a
-- member's room. Evaluated per client, so that its cost depends on the actor's clients, not on the size of the tenant.
CREATE FUNCTION authz.my_people() RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' ROWS 50 AS $$
BEGIN
    RETURN QUERY
    SELECT people.id FROM (SELECT authz.my_clients() AS id) mine, LATERAL (
        SELECT m.user_id AS id FROM public.client_members m
         WHERE m.tenant_id = authz.tenant() AND m.client_id = mine.id
        UNION ALL
        SELECT c.operator_id FROM public.clients c
         WHERE c.tenant_id = authz.tenant() AND c.id = mine.id AND c.operator_id IS NOT NULL) people;
END $$;
GRANT EXECUTE ON FUNCTION authz.my_people() TO guichet_app;

ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT,
    UPDATE (external_id, role, email, phone, display_name, avatar_url, locale, timezone, last_seen_at, deleted_at)
    ON users TO guichet_app;
CREATE POLICY users_tenant ON users AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY users_select ON users FOR SELECT TO guichet_app USING (
    (SELECT authz.provisions())
    OR id = (SELECT authz.me())
    OR ((SELECT authz.role()) = 'employee' AND role <> 'client')
    OR id IN (SELECT authz.my_people()));
CREATE POLICY users_insert ON users FOR INSERT TO guichet_app WITH CHECK (
    (SELECT authz.role()) IN ('owner', 'service') OR ((SELECT authz.role()) = 'manager' AND role <> 'owner'));
CREATE POLICY users_update ON users FOR UPDATE TO guichet_app USING (
    (SELECT authz.role()) IN ('owner', 'service')
    OR ((SELECT authz.role()) = 'manager' AND role <> 'owner')
    OR (id = (SELECT authz.me()) AND (SELECT authz.role()) IN ('employee', 'manager', 'client')));
CREATE POLICY users_authz ON users FOR SELECT TO guichet_authz USING (tenant_id = (SELECT authz.tenant()));

-- A row policy sees one version of the row only, so a trigger checks which columns may change.
CREATE FUNCTION authz.guard_user() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF authz.role() IN ('owner', 'service') OR (authz.role() = 'manager' AND NEW.id <> authz.me()) THEN
        RETURN NEW;
    END IF;
    IF NEW.role IS DISTINCT FROM OLD.role OR NEW.external_id IS DISTINCT FROM OLD.external_id
        OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN
        RAISE EXCEPTION 'only the profile of a person is theirs to change' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_guard BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION authz.guard_user();
-- Updating last_seen_at must not change the version of the record.
CREATE TRIGGER users_touch BEFORE UPDATE OF external_id, role, email, phone, display_name, avatar_url, locale, timezone, deleted_at
    ON users FOR EACH ROW EXECUTE FUNCTION authz.touch_by();

-- ---------------------------------------------------------------- teams
ALTER TABLE teams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (name), DELETE ON teams TO guichet_app;
CREATE POLICY teams_tenant ON teams AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY teams_select ON teams FOR SELECT TO guichet_app
    USING ((SELECT authz.is_operator()) OR (SELECT authz.role()) = 'service');
CREATE POLICY teams_insert ON teams FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.provisions()));
CREATE POLICY teams_update ON teams FOR UPDATE TO guichet_app USING ((SELECT authz.provisions()));
CREATE POLICY teams_delete ON teams FOR DELETE TO guichet_app USING ((SELECT authz.provisions()));
CREATE TRIGGER teams_touch BEFORE UPDATE ON teams FOR EACH ROW EXECUTE FUNCTION authz.touch();

ALTER TABLE team_members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON team_members TO guichet_app;
CREATE POLICY team_members_tenant ON team_members AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY team_members_select ON team_members FOR SELECT TO guichet_app
    USING ((SELECT authz.is_operator()) OR (SELECT authz.role()) = 'service');
CREATE POLICY team_members_insert ON team_members FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.provisions()));
CREATE POLICY team_members_delete ON team_members FOR DELETE TO guichet_app USING ((SELECT authz.provisions()));
CREATE POLICY team_members_authz ON team_members FOR SELECT TO guichet_authz USING (tenant_id = (SELECT authz.tenant()));

-- ---------------------------------------------------------------- clients
ALTER TABLE clients ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (name, operator_id, team_id, status, details) ON clients TO guichet_app;
CREATE POLICY clients_tenant ON clients AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY clients_select ON clients FOR SELECT TO guichet_app
    USING ((SELECT authz.provisions()) OR id IN (SELECT authz.my_clients()));
CREATE POLICY clients_insert ON clients FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.provisions()));
CREATE POLICY clients_update ON clients FOR UPDATE TO guichet_app USING (
    (SELECT authz.provisions()) OR ((SELECT authz.role()) = 'employee' AND id IN (SELECT authz.my_clients())));
CREATE POLICY clients_authz ON clients FOR SELECT TO guichet_authz USING (tenant_id = (SELECT authz.tenant()));

CREATE FUNCTION authz.guard_client() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF NOT authz.provisions()
        AND (NEW.operator_id IS DISTINCT FROM OLD.operator_id OR NEW.team_id IS DISTINCT FROM OLD.team_id) THEN
        RAISE EXCEPTION 'who is in charge of a client is for owners and managers to say' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER clients_guard BEFORE UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION authz.guard_client();
CREATE TRIGGER clients_touch BEFORE UPDATE ON clients FOR EACH ROW EXECUTE FUNCTION authz.touch_by();

ALTER TABLE client_members ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON client_members TO guichet_app;
CREATE POLICY client_members_tenant ON client_members AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY client_members_select ON client_members FOR SELECT TO guichet_app
    USING ((SELECT authz.provisions()) OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY client_members_insert ON client_members FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.provisions()));
CREATE POLICY client_members_delete ON client_members FOR DELETE TO guichet_app USING ((SELECT authz.provisions()));
CREATE POLICY client_members_authz ON client_members FOR SELECT TO guichet_authz USING (tenant_id = (SELECT authz.tenant()));

-- ---------------------------------------------------------------- projects
ALTER TABLE projects ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (name), DELETE ON projects TO guichet_app;
CREATE POLICY projects_tenant ON projects AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY projects_select ON projects FOR SELECT TO guichet_app
    USING ((SELECT authz.provisions()) OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY projects_insert ON projects FOR INSERT TO guichet_app WITH CHECK (
    (SELECT authz.provisions()) OR ((SELECT authz.role()) = 'employee' AND client_id IN (SELECT authz.my_clients())));
CREATE POLICY projects_update ON projects FOR UPDATE TO guichet_app USING (
    (SELECT authz.provisions()) OR ((SELECT authz.role()) = 'employee' AND client_id IN (SELECT authz.my_clients())));
CREATE POLICY projects_delete ON projects FOR DELETE TO guichet_app USING (
    (SELECT authz.provisions()) OR ((SELECT authz.role()) = 'employee' AND client_id IN (SELECT authz.my_clients())));
CREATE TRIGGER projects_touch BEFORE UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION authz.touch();

-- The definer functions run as guichet_authz, which owns nothing else. CREATE is granted only for the change of owner.
GRANT CREATE ON SCHEMA authz TO guichet_authz;
ALTER FUNCTION authz.my_clients() OWNER TO guichet_authz;
ALTER FUNCTION authz.my_people() OWNER TO guichet_authz;
ALTER FUNCTION authz.tenant_by_slug(text) OWNER TO guichet_authz;
ALTER FUNCTION authz.tenant_exists(uuid) OWNER TO guichet_authz;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz;
