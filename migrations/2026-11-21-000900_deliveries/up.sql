-- Deliveries outside the app: one row per notification, channel and address, written with the notification and sent by
-- workers.

CREATE TABLE deliveries (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    -- Null for a digest, which includes many.
    notification_id uuid,
    event_id uuid,
    ticket_id uuid,
    user_id uuid NOT NULL,
    channel text NOT NULL CONSTRAINT deliveries_channel_known CHECK (channel IN ('email', 'sms', 'push')),
    type text NOT NULL CONSTRAINT deliveries_type_length CHECK (char_length(type) BETWEEN 1 AND 80),
    to_address text NOT NULL CONSTRAINT deliveries_address_length CHECK (char_length(to_address) BETWEEN 1 AND 2000),
    -- 0 critical, 1 normal, 2 bulk: a broadcast never delays an alert.
    lane smallint NOT NULL CONSTRAINT deliveries_lane_known CHECK (lane BETWEEN 0 AND 2),
    status text NOT NULL DEFAULT 'queued' CONSTRAINT deliveries_status_known
        CHECK (status IN ('queued', 'sending', 'sent', 'delivered', 'opened', 'bounced', 'failed', 'skipped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL,
    -- No attempt begins after it.
    deadline_at timestamptz NOT NULL,
    -- The worker that sends it holds it until then; a late worker finds its token replaced.
    lease_until timestamptz,
    lease_token uuid,
    -- The content, stored at the first claim and never rendered again.
    rendered jsonb,
    payload_excerpt text CONSTRAINT deliveries_excerpt_length CHECK (char_length(payload_excerpt) <= 300),
    provider text,
    provider_id text,
    last_error text CONSTRAINT deliveries_error_length CHECK (char_length(last_error) <= 1000),
    sent_at timestamptz,
    delivered_at timestamptz,
    opened_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT deliveries_once UNIQUE (tenant_id, notification_id, channel, to_address),
    CONSTRAINT deliveries_notification_fkey FOREIGN KEY (tenant_id, notification_id) REFERENCES notifications (tenant_id, id) ON DELETE SET NULL (notification_id),
    CONSTRAINT deliveries_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX deliveries_due ON deliveries (channel, lane, next_attempt_at) WHERE status IN ('queued', 'sending');
CREATE INDEX deliveries_newest ON deliveries (tenant_id, created_at DESC, id DESC);
CREATE INDEX deliveries_status ON deliveries (tenant_id, status, created_at DESC, id DESC);
CREATE INDEX deliveries_person ON deliveries (tenant_id, user_id, created_at DESC, id DESC);
-- Recent results of emails, for the failure alert.
CREATE INDEX deliveries_ended ON deliveries (updated_at, tenant_id)
    WHERE channel = 'email' AND status IN ('sent', 'delivered', 'opened', 'failed', 'bounced');
CREATE INDEX deliveries_event ON deliveries (tenant_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX deliveries_age ON deliveries (created_at);
COMMENT ON TABLE deliveries IS 'Emails, SMS and pushes: planned with their notification, claimed under a lease, sent once.';
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (status, attempts, next_attempt_at, deadline_at, lease_until, lease_token, rendered, payload_excerpt, provider, provider_id,
    last_error, sent_at, delivered_at, opened_at, updated_at) ON deliveries TO guichet_app;
GRANT SELECT (tenant_id, id, channel, lane, status, next_attempt_at, lease_until, lease_token, attempts, created_at, updated_at),
    UPDATE (status, attempts, lease_until, lease_token, updated_at, next_attempt_at), DELETE ON deliveries TO guichet_worker;
CREATE POLICY deliveries_tenant ON deliveries AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
-- The content equals that of the notification, which only its recipient may read. Lists of deliveries are read as the
-- system, from columns without content.
CREATE POLICY deliveries_select ON deliveries FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY deliveries_insert ON deliveries FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY deliveries_update ON deliveries FOR UPDATE TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY deliveries_worker ON deliveries TO guichet_worker USING (true);

CREATE TABLE digests (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    items integer NOT NULL CONSTRAINT digests_never_empty CHECK (items > 0),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT digests_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX digests_age ON digests (created_at);
COMMENT ON TABLE digests IS 'Digest mails. Each took its notifications in the transaction that created it, so that none is in two digests.';
ALTER TABLE digests ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON digests TO guichet_app;
GRANT SELECT (created_at), DELETE ON digests TO guichet_worker;
CREATE POLICY digests_tenant ON digests AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY digests_select ON digests FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY digests_insert ON digests FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY digests_worker ON digests TO guichet_worker USING (true);

-- Deliveries by email, under the name that the products use.
CREATE VIEW email_events WITH (security_invoker = true) AS
    SELECT tenant_id, id, notification_id, ticket_id, user_id, type, to_address, status, attempts, next_attempt_at, provider, provider_id,
           payload_excerpt, last_error, created_at, updated_at
      FROM deliveries WHERE channel = 'email';
COMMENT ON VIEW email_events IS 'Deliveries by email.';
GRANT SELECT ON email_events TO guichet_app;

-- Actions of the service itself, without a user: a delivery that failed for good.
ALTER POLICY activity_logs_insert ON activity_logs WITH CHECK (
    (user_id = (SELECT authz.me()) AND (SELECT authz.role()) IS NOT NULL)
    OR (user_id IS NULL AND (SELECT authz.role()) = 'system'));
