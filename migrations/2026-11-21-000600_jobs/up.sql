-- Scheduled jobs: one row each, so that one of many processes runs it, and one run makes up for missed ones.

CREATE TABLE scheduled_jobs (
    name text PRIMARY KEY CONSTRAINT scheduled_jobs_name_length CHECK (char_length(name) BETWEEN 1 AND 80),
    -- When the next run is due.
    due_at timestamptz NOT NULL,
    -- The process that runs the job holds it until then; if it dies, another process takes over.
    lease_until timestamptz,
    lease_token uuid,
    started_at timestamptz,
    finished_at timestamptz,
    outcome text CONSTRAINT scheduled_jobs_outcome_known CHECK (outcome IN ('ok', 'error')),
    -- The result of the last run: how much it processed, or why it failed.
    said text CONSTRAINT scheduled_jobs_said_length CHECK (char_length(said) <= 500)
);
COMMENT ON TABLE scheduled_jobs IS 'When each scheduled job is due, and the lease of its current run. Belongs to no tenant; only the worker uses it.';
ALTER TABLE scheduled_jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (due_at, lease_until, lease_token, started_at, finished_at, outcome, said) ON scheduled_jobs TO guichet_worker;
CREATE POLICY scheduled_jobs_worker ON scheduled_jobs TO guichet_worker USING (true);

-- For jobs that process the tenants one by one, each in a transaction of that tenant.
GRANT SELECT (id) ON tenants TO guichet_worker;
CREATE POLICY tenants_worker ON tenants FOR SELECT TO guichet_worker USING (true);

-- The second phase of an action, and jobs, act as `system` of one tenant: they determine recipients.
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
