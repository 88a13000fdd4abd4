ALTER POLICY users_select ON users USING (
    (SELECT authz.provisions())
    OR id = (SELECT authz.me())
    OR ((SELECT authz.role()) = 'employee' AND role <> 'client')
    OR id IN (SELECT authz.my_people()));
ALTER POLICY teams_select ON teams USING ((SELECT authz.is_operator()) OR (SELECT authz.role()) = 'service');
ALTER POLICY team_members_select ON team_members
    USING ((SELECT authz.is_operator()) OR (SELECT authz.role()) = 'service');
ALTER POLICY clients_select ON clients
    USING ((SELECT authz.provisions()) OR id IN (SELECT authz.my_clients()));
ALTER POLICY client_members_select ON client_members
    USING ((SELECT authz.provisions()) OR client_id IN (SELECT authz.my_clients()));
DROP POLICY tenants_worker ON tenants;
REVOKE SELECT (id) ON tenants FROM guichet_worker;
DROP TABLE scheduled_jobs;
