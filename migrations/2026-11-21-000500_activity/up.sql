-- The activity log in monthly partitions, with indexes for its filters; and the positions of outbox readers. The first
-- reader copies the log entries from the outbox, so that a send does not wait for them.

ALTER TABLE activity_logs RENAME TO activity_logs_before;
ALTER INDEX activity_logs_pkey RENAME TO activity_logs_before_pkey;
ALTER INDEX activity_logs_newest RENAME TO activity_logs_before_newest;

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
    PRIMARY KEY (tenant_id, id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX activity_logs_newest ON activity_logs (tenant_id, created_at DESC, id DESC);
CREATE INDEX activity_logs_action ON activity_logs (tenant_id, action, created_at DESC, id DESC);
CREATE INDEX activity_logs_person ON activity_logs (tenant_id, user_id, created_at DESC, id DESC);
CREATE INDEX activity_logs_entity ON activity_logs (tenant_id, entity_type, entity_id, created_at DESC, id DESC);
COMMENT ON TABLE activity_logs IS 'Who did what, to what, from where. Rows are only inserted; monthly partitions are dropped whole (AUDIT_RETENTION_DAYS).';

ALTER TABLE activity_logs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT ON activity_logs TO guichet_app;
GRANT INSERT ON activity_logs TO guichet_worker;
CREATE POLICY activity_logs_tenant ON activity_logs AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY activity_logs_select ON activity_logs FOR SELECT TO guichet_app USING ((SELECT authz.role()) = 'owner');
CREATE POLICY activity_logs_insert ON activity_logs FOR INSERT TO guichet_app
    WITH CHECK (user_id = (SELECT authz.me()) AND (SELECT authz.role()) IS NOT NULL);
CREATE POLICY activity_logs_worker ON activity_logs FOR INSERT TO guichet_worker WITH CHECK (true);

-- Creates the partitions from the month of `since` to some months ahead, and drops those that ended more than keep_days
-- ago. Each has forced row-level security and no grants. Only the worker may call it.
CREATE FUNCTION authz.keep_activity_logs(since timestamptz, ahead_months integer, keep_days integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    month date;
    part record;
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('guichet.keep_activity_logs'));
    FOR month IN SELECT generate_series(date_trunc('month', since AT TIME ZONE 'UTC'),
                 date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead_months), '1 month')::date LOOP
        name := 'activity_logs_' || to_char(month, 'YYYYMM');
        CONTINUE WHEN to_regclass('public.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.activity_logs FOR VALUES FROM (%L) TO (%L)',
            name, month::text || ' 00:00:00+00', (month + interval '1 month')::date::text || ' 00:00:00+00');
        EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('COMMENT ON TABLE public.%I IS %L', name, 'Activity of ' || to_char(month, 'YYYY-MM'));
    END LOOP;
    FOR part IN SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'public.activity_logs'::regclass
                   AND to_date(right(c.relname, 6), 'YYYYMM') + interval '1 month'
                       <= (now() AT TIME ZONE 'UTC') - make_interval(days => keep_days) LOOP
        EXECUTE format('DROP TABLE public.%I', part.relname);
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION authz.keep_activity_logs(timestamptz, integer, integer) TO guichet_worker;

-- FORCE binds the owner too, so it is lifted while rows are moved.
ALTER TABLE activity_logs_before NO FORCE ROW LEVEL SECURITY;
SELECT authz.keep_activity_logs(least(now() - interval '1 month', coalesce(
    (SELECT min(created_at) FROM activity_logs_before), now())), 3, 365);
ALTER TABLE activity_logs NO FORCE ROW LEVEL SECURITY;
INSERT INTO activity_logs SELECT * FROM activity_logs_before;
ALTER TABLE activity_logs FORCE ROW LEVEL SECURITY;
DROP TABLE activity_logs_before;

CREATE TABLE outbox_readers (
    reader text PRIMARY KEY CONSTRAINT outbox_readers_reader_length CHECK (char_length(reader) BETWEEN 1 AND 80),
    txid xid8 NOT NULL
);
COMMENT ON TABLE outbox_readers IS 'The position of each task that reads the whole outbox, as a transaction id: no partition is dropped before it was read. Belongs to no tenant; only the worker uses it.';
ALTER TABLE outbox_readers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, UPDATE (txid) ON outbox_readers TO guichet_worker;
CREATE POLICY outbox_readers_worker ON outbox_readers TO guichet_worker USING (true);
-- Events from before this version have their log rows already.
ALTER TABLE outbox_readers NO FORCE ROW LEVEL SECURITY;
INSERT INTO outbox_readers (reader, txid) VALUES ('activity', pg_snapshot_xmin(pg_current_snapshot()));
ALTER TABLE outbox_readers FORCE ROW LEVEL SECURITY;
