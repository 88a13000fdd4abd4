DROP TRIGGER users_audience ON users;
DROP TRIGGER clients_audience ON clients;
DROP TRIGGER team_members_audience ON team_members;
DROP TRIGGER client_members_audience ON client_members;
DROP TABLE participants, messages, conversations;
GRANT CREATE ON SCHEMA authz TO guichet_authz;
SET LOCAL ROLE guichet_authz;
DROP FUNCTION authz.audience_moved(), authz.room_people(uuid), authz.follow(uuid, boolean),
    authz.sync_audience(uuid, uuid), authz.audience(uuid, uuid);
CREATE OR REPLACE FUNCTION authz.my_people() RETURNS SETOF uuid
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
SET LOCAL ROLE guichet_search;
DROP FUNCTION authz.search_messages(text, bigint, bigint);
SET LOCAL ROLE guichet_owner;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz;
DROP FUNCTION authz.guard_message(), authz.guard_conversation(), authz.wanted_words(text), authz.words(text);
DROP TEXT SEARCH CONFIGURATION authz.en, authz.fr;
DROP EXTENSION unaccent;
