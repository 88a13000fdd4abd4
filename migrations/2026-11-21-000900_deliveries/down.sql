ALTER POLICY activity_logs_insert ON activity_logs
    WITH CHECK (user_id = (SELECT authz.me()) AND (SELECT authz.role()) IS NOT NULL);
DROP VIEW email_events;
DROP TABLE digests;
DROP TABLE deliveries;
