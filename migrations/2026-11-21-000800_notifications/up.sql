-- Notifications: business events, tenants' changes of templates, and the feed of each person.

-- ---------------------------------------------------------------- templates
CREATE TABLE notification_templates (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    code text NOT NULL CONSTRAINT notification_templates_code_length CHECK (char_length(code) BETWEEN 1 AND 80),
    -- Only the fields that differ from the built-in template.
    fields jsonb NOT NULL CONSTRAINT notification_templates_fields_object CHECK (jsonb_typeof(fields) = 'object'),
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, code)
);
COMMENT ON TABLE notification_templates IS 'Tenants'' changes of the built-in templates, which are part of the program.';
ALTER TABLE notification_templates ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (fields, updated_by), DELETE ON notification_templates TO guichet_app;
CREATE POLICY notification_templates_tenant ON notification_templates AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_templates_select ON notification_templates FOR SELECT TO guichet_app
    USING ((SELECT authz.sees_all_rooms()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_templates_insert ON notification_templates FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.sees_all_rooms()));
CREATE POLICY notification_templates_update ON notification_templates FOR UPDATE TO guichet_app USING ((SELECT authz.sees_all_rooms()));
CREATE POLICY notification_templates_delete ON notification_templates FOR DELETE TO guichet_app USING ((SELECT authz.sees_all_rooms()));
CREATE TRIGGER notification_templates_touch BEFORE UPDATE ON notification_templates FOR EACH ROW EXECUTE FUNCTION authz.touch_by();

-- ---------------------------------------------------------------- events
CREATE TABLE notification_events (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    event text NOT NULL CONSTRAINT notification_events_event_length CHECK (char_length(event) BETWEEN 1 AND 80),
    source text NOT NULL CONSTRAINT notification_events_source_known CHECK (source IN ('http', 'channel', 'stream', 'internal', 'manual')),
    payload jsonb NOT NULL,
    -- The resolved audience: {"users": [], "teams": [], "roles": [], "clients": [], "operators_of": [], "everyone": false}.
    audience jsonb NOT NULL,
    -- The plan for all recipients: texts rendered by language and user type, channels, category, defaults of the tenant.
    plan jsonb NOT NULL,
    priority text NOT NULL CONSTRAINT notification_events_priority_known CHECK (priority IN ('low', 'normal', 'high', 'critical')),
    actor_id uuid,
    occurred_at timestamptz NOT NULL,
    status text NOT NULL CONSTRAINT notification_events_status_known CHECK (status IN ('running', 'done')),
    planned integer NOT NULL CONSTRAINT notification_events_planned_from_zero CHECK (planned >= 0),
    written integer NOT NULL DEFAULT 0 CONSTRAINT notification_events_written_from_zero CHECK (written >= 0),
    skipped integer NOT NULL DEFAULT 0 CONSTRAINT notification_events_skipped_from_zero CHECK (skipped >= 0),
    -- The last recipient that was processed, in the order of ids.
    up_to uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX notification_events_running ON notification_events (updated_at) WHERE status = 'running';
CREATE INDEX notification_events_age ON notification_events (created_at);
COMMENT ON TABLE notification_events IS 'Accepted business events, and the progress of their notifications.';
ALTER TABLE notification_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (status, planned, written, skipped, up_to, updated_at, finished_at) ON notification_events TO guichet_app;
GRANT SELECT (tenant_id, id, priority, status, updated_at, created_at), DELETE ON notification_events TO guichet_worker;
CREATE POLICY notification_events_tenant ON notification_events AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
-- Payload and plan may quote conversations: a query for the progress of an event returns its numbers only.
CREATE POLICY notification_events_select ON notification_events FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY notification_events_insert ON notification_events FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY notification_events_update ON notification_events FOR UPDATE TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY notification_events_worker ON notification_events TO guichet_worker USING (true);

CREATE TABLE notification_event_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    key text NOT NULL CONSTRAINT notification_event_keys_key_length CHECK (char_length(key) BETWEEN 1 AND 300),
    event_id uuid NOT NULL,
    body_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, key)
);
CREATE INDEX notification_event_keys_age ON notification_event_keys (created_at);
COMMENT ON TABLE notification_event_keys IS 'The identities of an event, its idempotency key and the hash of its content, kept for 24 h: a copy takes effect once.';
ALTER TABLE notification_event_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (event_id, body_hash, created_at) ON notification_event_keys TO guichet_app;
GRANT SELECT (created_at), DELETE ON notification_event_keys TO guichet_worker;
CREATE POLICY notification_event_keys_tenant ON notification_event_keys AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_event_keys_select ON notification_event_keys FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY notification_event_keys_insert ON notification_event_keys FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
-- An expired key can be used by another event.
CREATE POLICY notification_event_keys_update ON notification_event_keys FOR UPDATE TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY notification_event_keys_worker ON notification_event_keys TO guichet_worker USING (true);

CREATE TABLE rejected_events (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    source text NOT NULL CONSTRAINT rejected_events_source_known CHECK (source IN ('channel', 'stream')),
    -- The body as received.
    body jsonb NOT NULL,
    code text NOT NULL CONSTRAINT rejected_events_code_length CHECK (char_length(code) BETWEEN 1 AND 80),
    reason text NOT NULL CONSTRAINT rejected_events_reason_length CHECK (char_length(reason) <= 2000),
    retries integer NOT NULL DEFAULT 0,
    -- The event that a retry created.
    event_id uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX rejected_events_newest ON rejected_events (tenant_id, created_at DESC, id DESC);
CREATE INDEX rejected_events_age ON rejected_events (created_at);
COMMENT ON TABLE rejected_events IS 'Events from Redis that could not be accepted, with the reason, to be corrected and retried.';
ALTER TABLE rejected_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (code, reason, retries, event_id, updated_at) ON rejected_events TO guichet_app;
GRANT SELECT (created_at), DELETE ON rejected_events TO guichet_worker;
CREATE POLICY rejected_events_tenant ON rejected_events AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY rejected_events_select ON rejected_events FOR SELECT TO guichet_app
    USING ((SELECT authz.provisions()) OR (SELECT authz.role()) = 'system');
CREATE POLICY rejected_events_insert ON rejected_events FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY rejected_events_update ON rejected_events FOR UPDATE TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY rejected_events_worker ON rejected_events TO guichet_worker USING (true);

-- ---------------------------------------------------------------- feeds
CREATE TABLE notification_feeds (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- The number of the last durable event on client:notifications:{user}.
    head bigint NOT NULL DEFAULT 0 CONSTRAINT notification_feeds_head_from_zero CHECK (head >= 0),
    -- The number of notifications that are visible, unread, and neither deleted nor snoozed.
    unread integer NOT NULL DEFAULT 0 CONSTRAINT notification_feeds_unread_from_zero CHECK (unread >= 0),
    -- Times of the pushes of the last minute, oldest first; at most NOTIFICATION_RATE_PER_MIN.
    pushes timestamptz[] NOT NULL DEFAULT '{}',
    -- The number of notifications written without a push, until a summary is sent.
    held integer NOT NULL DEFAULT 0,
    held_since timestamptz,
    summary_due_at timestamptz,
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT notification_feeds_held_whole CHECK ((held > 0) = (held_since IS NOT NULL) AND (held > 0) = (summary_due_at IS NOT NULL)),
    CONSTRAINT notification_feeds_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
-- Updated often: free space in the page keeps the new row versions on it.
ALTER TABLE notification_feeds SET (fillfactor = 50);
CREATE INDEX notification_feeds_summary_due ON notification_feeds (summary_due_at) WHERE summary_due_at IS NOT NULL;
COMMENT ON TABLE notification_feeds IS 'One row per person. Every change of their notifications happens under its lock. It has the topic''s number, the unread counter and the push limit.';
ALTER TABLE notification_feeds ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE (head, unread, pushes, held, held_since, summary_due_at) ON notification_feeds TO guichet_app;
GRANT SELECT (tenant_id, user_id, summary_due_at) ON notification_feeds TO guichet_worker;
GRANT INSERT (tenant_id, user_id) ON notification_feeds TO guichet_authz;
CREATE POLICY notification_feeds_tenant ON notification_feeds AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_feeds_select ON notification_feeds FOR SELECT TO guichet_app
    USING (user_id = (SELECT authz.me()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_feeds_update ON notification_feeds FOR UPDATE TO guichet_app
    USING (user_id = (SELECT authz.me()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_feeds_worker ON notification_feeds FOR SELECT TO guichet_worker USING (true);
CREATE POLICY notification_feeds_authz ON notification_feeds FOR INSERT TO guichet_authz WITH CHECK (tenant_id = (SELECT authz.tenant()));

CREATE FUNCTION authz.guard_feed() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF NEW.head - OLD.head NOT IN (0, 1) THEN
        RAISE EXCEPTION 'numbers of a feed are taken one by one' USING ERRCODE = '42501';
    END IF;
    IF authz.role() IS DISTINCT FROM 'system' AND (NEW.pushes, NEW.held, NEW.held_since, NEW.summary_due_at)
        IS DISTINCT FROM (OLD.pushes, OLD.held, OLD.held_since, OLD.summary_due_at) THEN
        RAISE EXCEPTION 'the throttle of a feed is not its reader''s to set' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notification_feeds_guard BEFORE UPDATE ON notification_feeds FOR EACH ROW EXECUTE FUNCTION authz.guard_feed();

-- Every new person gets a feed.
CREATE FUNCTION authz.open_feed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO public.notification_feeds (tenant_id, user_id) VALUES (NEW.tenant_id, NEW.id);
    RETURN NULL;
END $$;
CREATE TRIGGER users_feed AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION authz.open_feed();
ALTER TABLE users NO FORCE ROW LEVEL SECURITY;
ALTER TABLE notification_feeds NO FORCE ROW LEVEL SECURITY;
INSERT INTO notification_feeds (tenant_id, user_id) SELECT tenant_id, id FROM users;
ALTER TABLE notification_feeds FORCE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;

CREATE TABLE notifications (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    recipient_type text NOT NULL CONSTRAINT notifications_recipient_type_known CHECK (recipient_type IN ('client', 'operator')),
    recipient_id uuid NOT NULL,
    team_id uuid,
    -- The numbers of the first and the last event about it on client:notifications:{recipient}; seq is 0 if there was none.
    seq bigint NOT NULL,
    changed_seq bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL CONSTRAINT notifications_type_length CHECK (char_length(type) BETWEEN 1 AND 80),
    category notification_category NOT NULL,
    title text NOT NULL CONSTRAINT notifications_title_length CHECK (char_length(title) BETWEEN 1 AND 150),
    body text NOT NULL CONSTRAINT notifications_body_length CHECK (char_length(body) <= 10000),
    link text CONSTRAINT notifications_link_relative CHECK (link ~ '^/(?![/\\])' AND char_length(link) <= 2000),
    data jsonb NOT NULL,
    priority text NOT NULL CONSTRAINT notifications_priority_known CHECK (priority IN ('low', 'normal', 'high', 'critical')),
    -- The channel that the template prefers.
    channel text NOT NULL CONSTRAINT notifications_channel_known CHECK (channel IN ('inapp', 'email', 'sms', 'push')),
    status text NOT NULL DEFAULT 'unread' CONSTRAINT notifications_status_known CHECK (status IN ('unread', 'read', 'archived')),
    -- Whether in-app was on. If not, the row exists only for its deliveries, and its recipient never sees it.
    visible boolean NOT NULL,
    -- The decision for each channel: {"inapp": {"sent": true, "rule": "preference", "level": "default"}, …}.
    decision jsonb NOT NULL,
    -- A person has at most one unread notification with the same key: a further event raises it.
    group_key text CONSTRAINT notifications_group_length CHECK (char_length(group_key) BETWEEN 1 AND 200),
    -- Whether it waits for the person's digest, and the digest that included it.
    in_digest boolean NOT NULL DEFAULT false,
    digest_id uuid,
    last_event_at timestamptz NOT NULL,
    read_at timestamptz,
    archived_at timestamptz,
    snoozed_until timestamptz,
    expires_at timestamptz,
    -- When its recipient deleted it, or it expired: no longer in the feed; retention deletes the row.
    deleted_at timestamptz,
    -- When it was published; null while its summary is pending.
    processed_at timestamptz,
    push_sent_at timestamptz,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT notifications_event_key UNIQUE (tenant_id, event_id, recipient_id),
    CONSTRAINT notifications_recipient_fkey FOREIGN KEY (tenant_id, recipient_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX notifications_recent ON notifications (tenant_id, recipient_id, last_event_at DESC, id DESC) WHERE visible AND deleted_at IS NULL;
CREATE INDEX notifications_status ON notifications (tenant_id, recipient_id, status, last_event_at DESC, id DESC) WHERE visible AND deleted_at IS NULL;
-- A visible one and a hidden one of the same group may coexist, since preferences change.
CREATE UNIQUE INDEX notifications_group_key ON notifications (tenant_id, recipient_id, group_key, visible)
    WHERE group_key IS NOT NULL AND status = 'unread' AND deleted_at IS NULL;
CREATE INDEX notifications_snoozed ON notifications (snoozed_until) WHERE snoozed_until IS NOT NULL;
CREATE INDEX notifications_expiring ON notifications (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
-- Expired notifications that the counter still includes until the job runs: few, and read with every response that has a
-- counter.
CREATE INDEX notifications_unread_expiring ON notifications (tenant_id, recipient_id, expires_at)
    WHERE visible AND status = 'unread' AND deleted_at IS NULL AND snoozed_until IS NULL AND expires_at IS NOT NULL;
CREATE INDEX notifications_for_digest ON notifications (tenant_id, recipient_id) WHERE in_digest AND digest_id IS NULL;
CREATE INDEX notifications_unannounced ON notifications (created_at) WHERE processed_at IS NULL;
CREATE INDEX notifications_type ON notifications (tenant_id, type, created_at);
-- The rows that an event concerns without naming them.
CREATE INDEX notifications_changed ON notifications (tenant_id, recipient_id, changed_seq) WHERE visible;
-- For retention: rows that were read, archived or never visible; and deleted rows.
CREATE INDEX notifications_age ON notifications (updated_at) WHERE status <> 'unread' OR NOT visible;
CREATE INDEX notifications_deleted ON notifications (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON TABLE notifications IS 'The notifications of each person, one row per person and event. Deleted rows stay until retention deletes them.';
ALTER TABLE notifications ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (changed_seq, event_id, title, body, link, data, status, decision, in_digest, digest_id, last_event_at,
    read_at, archived_at, snoozed_until, expires_at, deleted_at, processed_at, push_sent_at, updated_at) ON notifications TO guichet_app;
GRANT SELECT (tenant_id, id, recipient_id, status, visible, snoozed_until, expires_at, deleted_at, processed_at, created_at, updated_at), DELETE
    ON notifications TO guichet_worker;
CREATE POLICY notifications_tenant ON notifications AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
-- The comparison is inside the SELECT: for a boolean, PostgreSQL expects half of the rows to match; for a comparison with an
-- unknown text, one in two hundred, so that it would read and sort a whole feed for the first page.
CREATE POLICY notifications_select ON notifications FOR SELECT TO guichet_app
    USING ((recipient_id = (SELECT authz.me()) AND visible) OR (SELECT authz.role() = 'system'));
CREATE POLICY notifications_insert ON notifications FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY notifications_update ON notifications FOR UPDATE TO guichet_app
    USING ((recipient_id = (SELECT authz.me()) AND visible) OR (SELECT authz.role() = 'system'));
CREATE POLICY notifications_worker ON notifications TO guichet_worker USING (true);

CREATE FUNCTION authz.guard_notification() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF NEW.changed_seq < OLD.changed_seq THEN
        RAISE EXCEPTION 'the number of a change is never given back' USING ERRCODE = '42501';
    END IF;
    IF OLD.deleted_at IS NOT NULL AND NEW.deleted_at IS DISTINCT FROM OLD.deleted_at THEN
        RAISE EXCEPTION 'a deleted notification stays deleted' USING ERRCODE = '42501';
    END IF;
    IF authz.role() IS DISTINCT FROM 'system' AND (NEW.event_id, NEW.title, NEW.body, NEW.link, NEW.data, NEW.decision, NEW.in_digest, NEW.digest_id,
            NEW.last_event_at, NEW.expires_at, NEW.processed_at, NEW.push_sent_at)
        IS DISTINCT FROM (OLD.event_id, OLD.title, OLD.body, OLD.link, OLD.data, OLD.decision, OLD.in_digest, OLD.digest_id,
            OLD.last_event_at, OLD.expires_at, OLD.processed_at, OLD.push_sent_at) THEN
        RAISE EXCEPTION 'what a notification says is not its reader''s to change' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notifications_guard BEFORE UPDATE ON notifications FOR EACH ROW EXECUTE FUNCTION authz.guard_notification();

-- People that an event named but did not notify, and the rule and level that decided. Written with the event.
CREATE TABLE notification_skips (
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    user_id uuid NOT NULL,
    decision jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, event_id, user_id),
    CONSTRAINT notification_skips_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX notification_skips_age ON notification_skips (created_at);
COMMENT ON TABLE notification_skips IS 'Recipients without a notification for an event, and the reason: the source of explain.';
ALTER TABLE notification_skips ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON notification_skips TO guichet_app;
GRANT SELECT (created_at), DELETE ON notification_skips TO guichet_worker;
CREATE POLICY notification_skips_tenant ON notification_skips AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_skips_select ON notification_skips FOR SELECT TO guichet_app
    USING (user_id = (SELECT authz.me()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_skips_insert ON notification_skips FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY notification_skips_worker ON notification_skips TO guichet_worker USING (true);

-- ---------------------------------------------------------------- inactive clients
CREATE TABLE client_silences (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    -- When a member was last seen, or the creation of the client.
    since timestamptz NOT NULL,
    raised_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, client_id),
    CONSTRAINT client_silences_client_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
COMMENT ON TABLE client_silences IS 'The period of inactivity for which client.inactive was last raised: once per period.';
ALTER TABLE client_silences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (since, raised_at) ON client_silences TO guichet_app;
CREATE POLICY client_silences_tenant ON client_silences AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY client_silences_select ON client_silences FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'system');
CREATE POLICY client_silences_insert ON client_silences FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY client_silences_update ON client_silences FOR UPDATE TO guichet_app USING ((SELECT authz.role()) = 'system');

GRANT CREATE ON SCHEMA authz TO guichet_authz;
ALTER FUNCTION authz.open_feed() OWNER TO guichet_authz;
REVOKE CREATE ON SCHEMA authz FROM guichet_authz;

-- Operators are few: an audience by role finds them without scanning all users.
CREATE INDEX users_role ON users (tenant_id, role, id) WHERE role <> 'client';
