DROP TABLE idempotency_keys, activity_logs;
