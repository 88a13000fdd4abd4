DROP TABLE notification_overrides;
DROP TABLE notification_settings;
DROP FUNCTION authz.guard_settings();
DROP TABLE notification_preferences;
DROP DOMAIN notification_category;
