-- The activity log, and the first responses to repeated requests.

CREATE TABLE activity_logs (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    user_id uuid,
    action text NOT NULL CONSTRAINT activity_logs_action_length CHECK (char_length(action) BETWEEN 1 AND 80),
    entity_type text CONSTRAINT activity_logs_entity_type_length CHECK (char_length(entity_type) <= 80),
    entity_id text CONSTRAINT activity_logs_entity_id_length CHECK (char_length(entity_id) <= 200),
    details jsonb NOT NULL DEFAULT '{}',
    ip_address inet,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX activity_logs_newest ON activity_logs (tenant_id, created_at DESC);
COMMENT ON TABLE activity_logs IS 'Who did what, to what, from where. Rows are only inserted; retention deletes them.';

ALTER TABLE activity_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON activity_logs TO guichet_app;
CREATE POLICY activity_logs_tenant ON activity_logs AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY activity_logs_select ON activity_logs FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'owner');
CREATE POLICY activity_logs_insert ON activity_logs FOR INSERT TO guichet_app
    WITH CHECK (user_id = (SELECT authz.me()) AND (SELECT authz.role()) IS NOT NULL);

CREATE TABLE idempotency_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    user_id uuid NOT NULL,
    key text NOT NULL CONSTRAINT idempotency_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 200),
    route text NOT NULL,
    body_hash bytea NOT NULL,
    answer json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, user_id, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS 'The first response to a request with an Idempotency-Key, kept for 24 h; written in the transaction of its effect.';

ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON idempotency_keys TO guichet_app;
GRANT SELECT, DELETE ON idempotency_keys TO guichet_worker;
CREATE POLICY idempotency_keys_tenant ON idempotency_keys AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY idempotency_keys_select ON idempotency_keys FOR SELECT TO guichet_app USING (user_id = (SELECT authz.me()));
CREATE POLICY idempotency_keys_insert ON idempotency_keys FOR INSERT TO guichet_app WITH CHECK (user_id = (SELECT authz.me()));
CREATE POLICY idempotency_keys_worker ON idempotency_keys TO guichet_worker USING (true);
