DROP VIEW email_events;
DROP TABLE digests;
DROP TABLE deliveries;
