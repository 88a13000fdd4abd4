-- Notification preferences of people, and operators' overrides for a client.

CREATE DOMAIN notification_category AS text CONSTRAINT notification_category_known CHECK (VALUE IN (
    'message', 'validation', 'alert', 'system', 'graduation', 'payment', 'ticket', 'meeting', 'mandat', 'organisation',
    'task', 'note', 'document', 'pipeline', 'report'));

CREATE TABLE notification_preferences (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    category notification_category NOT NULL,
    channel_inapp boolean,
    channel_email boolean,
    channel_sms boolean,
    channel_push boolean,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, user_id, category),
    CONSTRAINT notification_preferences_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
COMMENT ON TABLE notification_preferences IS 'A person''s own choice per category and channel; null means none.';
ALTER TABLE notification_preferences ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (channel_inapp, channel_email, channel_sms, channel_push) ON notification_preferences TO guichet_app;
CREATE POLICY notification_preferences_tenant ON notification_preferences AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_preferences_select ON notification_preferences FOR SELECT TO guichet_app
    USING (user_id = (SELECT authz.me()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_preferences_insert ON notification_preferences FOR INSERT TO guichet_app WITH CHECK (user_id = (SELECT authz.me()));
CREATE POLICY notification_preferences_update ON notification_preferences FOR UPDATE TO guichet_app USING (user_id = (SELECT authz.me()));
CREATE TRIGGER notification_preferences_touch BEFORE UPDATE ON notification_preferences FOR EACH ROW EXECUTE FUNCTION authz.touch();

CREATE TABLE notification_settings (
    tenant_id uuid NOT NULL,
    user_id uuid NOT NULL,
    digest_mode text NOT NULL DEFAULT 'off' CONSTRAINT notification_settings_digest_known CHECK (digest_mode IN ('off', 'daily', 'weekly')),
    digest_hour integer NOT NULL DEFAULT 8 CONSTRAINT notification_settings_digest_hour CHECK (digest_hour BETWEEN 0 AND 23),
    digest_timezone text CONSTRAINT notification_settings_digest_zone_length CHECK (char_length(digest_timezone) BETWEEN 1 AND 64),
    -- When the next digest is due; null with digest_mode off.
    digest_due_at timestamptz,
    -- Local hours without email, SMS and push; both or neither.
    quiet_from time,
    quiet_to time,
    quiet_timezone text CONSTRAINT notification_settings_quiet_zone_length CHECK (char_length(quiet_timezone) BETWEEN 1 AND 64),
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT notification_settings_quiet_whole CHECK ((quiet_from IS NULL) = (quiet_to IS NULL) AND (quiet_from IS NULL) = (quiet_timezone IS NULL)),
    CONSTRAINT notification_settings_digest_whole CHECK ((digest_mode = 'off') = (digest_due_at IS NULL)),
    CONSTRAINT notification_settings_user_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, id)
);
CREATE INDEX notification_settings_digest_due ON notification_settings (digest_due_at) WHERE digest_due_at IS NOT NULL;
COMMENT ON TABLE notification_settings IS 'A person''s digest and quiet hours. digest_timezone null means the person''s own timezone.';
ALTER TABLE notification_settings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (digest_mode, digest_hour, digest_timezone, digest_due_at, quiet_from, quiet_to, quiet_timezone) ON notification_settings TO guichet_app;
GRANT SELECT (tenant_id, user_id, digest_due_at) ON notification_settings TO guichet_worker;
CREATE POLICY notification_settings_tenant ON notification_settings AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_settings_select ON notification_settings FOR SELECT TO guichet_app
    USING (user_id = (SELECT authz.me()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_settings_insert ON notification_settings FOR INSERT TO guichet_app WITH CHECK (user_id = (SELECT authz.me()));
CREATE POLICY notification_settings_update ON notification_settings FOR UPDATE TO guichet_app
    USING (user_id = (SELECT authz.me()) OR (SELECT authz.role()) = 'system');
CREATE POLICY notification_settings_worker ON notification_settings FOR SELECT TO guichet_worker USING (true);
-- Only the person changes these settings: a digest that was sent only updates digest_due_at.
CREATE FUNCTION authz.guard_settings() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF authz.role() = 'system'
        AND (NEW.digest_mode, NEW.digest_hour, NEW.digest_timezone, NEW.quiet_from, NEW.quiet_to, NEW.quiet_timezone)
        IS DISTINCT FROM (OLD.digest_mode, OLD.digest_hour, OLD.digest_timezone, OLD.quiet_from, OLD.quiet_to, OLD.quiet_timezone) THEN
        RAISE EXCEPTION 'digest and quiet hours are the person''s own to set' USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER notification_settings_guard BEFORE UPDATE ON notification_settings FOR EACH ROW EXECUTE FUNCTION authz.guard_settings();
-- Sending a digest must not change the version of the settings.
CREATE TRIGGER notification_settings_touch BEFORE UPDATE OF digest_mode, digest_hour, digest_timezone, quiet_from, quiet_to, quiet_timezone
    ON notification_settings FOR EACH ROW EXECUTE FUNCTION authz.touch();

CREATE TABLE notification_overrides (
    tenant_id uuid NOT NULL,
    client_id uuid NOT NULL,
    category notification_category NOT NULL,
    channel_inapp boolean,
    channel_email boolean,
    channel_sms boolean,
    channel_push boolean,
    updated_by uuid,
    created_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    updated_at timestamptz NOT NULL DEFAULT authz.now_ms(),
    PRIMARY KEY (tenant_id, client_id, category),
    CONSTRAINT notification_overrides_client_fkey FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, id)
);
COMMENT ON TABLE notification_overrides IS 'Operators'' overrides for the members of one client: true means on, false off, null no override.';
ALTER TABLE notification_overrides ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (channel_inapp, channel_email, channel_sms, channel_push), DELETE ON notification_overrides TO guichet_app;
CREATE POLICY notification_overrides_tenant ON notification_overrides AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY notification_overrides_select ON notification_overrides FOR SELECT TO guichet_app USING (
    (SELECT authz.sees_all_rooms()) OR (SELECT authz.role()) = 'system' OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY notification_overrides_insert ON notification_overrides FOR INSERT TO guichet_app WITH CHECK (
    (SELECT authz.sees_all_rooms()) OR ((SELECT authz.role()) = 'employee' AND client_id IN (SELECT authz.my_clients())));
CREATE POLICY notification_overrides_update ON notification_overrides FOR UPDATE TO guichet_app USING (
    (SELECT authz.sees_all_rooms()) OR ((SELECT authz.role()) = 'employee' AND client_id IN (SELECT authz.my_clients())));
CREATE POLICY notification_overrides_delete ON notification_overrides FOR DELETE TO guichet_app USING (
    (SELECT authz.sees_all_rooms()) OR ((SELECT authz.role()) = 'employee' AND client_id IN (SELECT authz.my_clients())));
CREATE TRIGGER notification_overrides_touch BEFORE UPDATE ON notification_overrides FOR EACH ROW EXECUTE FUNCTION authz.touch_by();
