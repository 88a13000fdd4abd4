DROP TABLE outbox_readers;

ALTER TABLE activity_logs RENAME TO activity_logs_parted;
ALTER INDEX activity_logs_pkey RENAME TO activity_logs_parted_pkey;
ALTER INDEX activity_logs_newest RENAME TO activity_logs_parted_newest;

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

ALTER TABLE activity_logs_parted NO FORCE ROW LEVEL SECURITY;
INSERT INTO activity_logs SELECT * FROM activity_logs_parted;
DROP TABLE activity_logs_parted;
DROP FUNCTION authz.keep_activity_logs(timestamptz, integer, integer);

ALTER TABLE activity_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON activity_logs TO guichet_app;
CREATE POLICY activity_logs_tenant ON activity_logs AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY activity_logs_select ON activity_logs FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'owner');
CREATE POLICY activity_logs_insert ON activity_logs FOR INSERT TO guichet_app
    WITH CHECK (user_id = (SELECT authz.me()) AND (SELECT authz.role()) IS NOT NULL);
