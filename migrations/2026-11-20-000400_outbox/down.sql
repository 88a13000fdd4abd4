DROP FUNCTION authz.keep_outbox(integer, integer);
DROP TABLE outbox;
