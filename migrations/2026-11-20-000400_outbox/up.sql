-- The outbox is the replay log: one row per durable event, written in the transaction of its cause.

CREATE TABLE outbox (
    tenant_id uuid NOT NULL,
    topic text NOT NULL,
    seq bigint NOT NULL,
    id uuid NOT NULL,
    event text NOT NULL,
    payload json NOT NULL,
    -- Effects besides the event itself: {"copies": [topic…], "also": [{"topic", "event", "payload"}…]}. "log" is its entry
    -- for the activity log.
    fanout json NOT NULL,
    client_id uuid,
    -- Transactions below pg_snapshot_xmin are complete: the tail reads up to it and skips no row.
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, topic, seq, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX outbox_tail ON outbox (txid);
COMMENT ON TABLE outbox IS 'Durable realtime events, numbered per topic, kept for resume (REPLAY_RETENTION_DAYS) in daily partitions that are dropped whole.';

ALTER TABLE outbox ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT (tenant_id, topic, seq, id, event, payload, client_id, created_at), INSERT ON outbox TO guichet_app;
GRANT SELECT ON outbox TO guichet_worker;
CREATE POLICY outbox_tenant ON outbox AS RESTRICTIVE TO guichet_app USING (tenant_id = (SELECT authz.tenant()));
CREATE POLICY outbox_select ON outbox FOR SELECT TO guichet_app
    USING ((SELECT authz.sees_all_rooms()) OR client_id IN (SELECT authz.my_clients()));
CREATE POLICY outbox_insert ON outbox FOR INSERT TO guichet_app WITH CHECK ((SELECT authz.role()) = 'system');
CREATE POLICY outbox_worker ON outbox FOR SELECT TO guichet_worker USING (true);

-- Creates the partitions of today and the days ahead, and drops those older than keep_days. Each has forced row-level
-- security and no grants: rows are accessible through the parent only. Only the worker may call it.
CREATE FUNCTION authz.keep_outbox(ahead_days integer, keep_days integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    day date;
    part record;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('guichet.keep_outbox'));
    FOR day IN SELECT generate_series((now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date + ahead_days, '1 day')::date LOOP
        IF to_regclass(format('public.outbox_%s', to_char(day, 'YYYYMMDD'))) IS NULL THEN
            EXECUTE format('CREATE TABLE public.%I PARTITION OF public.outbox FOR VALUES FROM (%L) TO (%L)',
                'outbox_' || to_char(day, 'YYYYMMDD'), day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
            EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY',
                'outbox_' || to_char(day, 'YYYYMMDD'));
            EXECUTE format('COMMENT ON TABLE public.%I IS %L', 'outbox_' || to_char(day, 'YYYYMMDD'), 'Events of ' || day::text);
        END IF;
    END LOOP;
    FOR part IN SELECT c.relname FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'public.outbox'::regclass
                   AND c.relname < 'outbox_' || to_char((now() AT TIME ZONE 'UTC')::date - keep_days, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE public.%I', part.relname);
    END LOOP;
END $$;
SELECT authz.keep_outbox(14, 7);
GRANT EXECUTE ON FUNCTION authz.keep_outbox(integer, integer) TO guichet_worker;
