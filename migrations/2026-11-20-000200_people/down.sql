DROP TABLE projects, client_members, clients, team_members, teams, users, tenants;
DROP FUNCTION authz.guard_client(), authz.guard_user(), authz.is_operator(), authz.provisions(), authz.sees_all_rooms();
SET LOCAL ROLE guichet_authz;
DROP FUNCTION authz.my_people(), authz.my_clients(), authz.tenant_by_slug(text), authz.tenant_exists(uuid);
SET LOCAL ROLE guichet_owner;
