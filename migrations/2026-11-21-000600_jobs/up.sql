-- Jobs that run by the clock: one row each, so that of many processes one runs it, and a run that was missed is made up.

CREATE TABLE scheduled_jobs (
    name text PRIMARY KEY CONSTRAINT scheduled_jobs_name_length CHECK (char_length(name) BETWEEN 1 AND 80),
    -- The moment that the next run is for.
    due_at timestamptz NOT NULL,
    -- Whoever runs it holds it until then; a process that died mid-run loses it to another.
    lease_until timestamptz,
    lease_token uuid,
    started_at timestamptz,
    finished_at timestamptz,
    outcome text CONSTRAINT scheduled_jobs_outcome_known CHECK (outcome IN ('ok', 'error')),
    -- What the last run said: how much it did, or why it failed.
    said text CONSTRAINT scheduled_jobs_said_length CHECK (char_length(said) <= 500)
);
COMMENT ON TABLE scheduled_jobs IS 'When each job of the clock runs next, and who runs it now, under a lease. Of no tenant: the worker''s own.';
ALTER TABLE scheduled_jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (due_at, lease_until, lease_token, started_at, finished_at, outcome, said) ON scheduled_jobs TO guichet_worker;
CREATE POLICY scheduled_jobs_worker ON scheduled_jobs TO guichet_worker USING (true);

-- Which tenants there are, for jobs that go through them one by one, each in a transaction of that tenant.
GRANT SELECT (id) ON tenants TO guichet_worker;
CREATE POLICY tenants_worker ON tenants FOR SELECT TO guichet_worker USING (true);

-- The second phase of an action, and jobs, act as `system` of one tenant: they find out whom something concerns.
ALTER POLICY users_select ON users USING (
    (SELECT authz.provisions())
    OR (SELECT authz.role()) = 'system'
    OR id = (SELECT authz.me())
    OR ((SELECT authz.role()) = 'employee' AND role <> 'client')
    OR id IN (SELECT authz.my_people()));
ALTER POLICY teams_select ON teams USING ((SELECT authz.is_operator()) OR (SELECT authz.role()) IN ('service', 'system'));
ALTER POLICY team_members_select ON team_members
    USING ((SELECT authz.is_operator()) OR (SELECT authz.role()) IN ('service', 'system'));
ALTER POLICY clients_select ON clients
    USING ((SELECT authz.provisions()) OR (SELECT authz.role()) = 'system' OR id IN (SELECT authz.my_clients()));
ALTER POLICY client_members_select ON client_members
    USING ((SELECT authz.provisions()) OR (SELECT authz.role()) = 'system' OR client_id IN (SELECT authz.my_clients()));
