//! Clauses of the deciding functions, each with its text when missing.

/// One place in a function's text, made wrong.
pub struct Clause {
    pub function: &'static str,
    /// The table whose cells most likely show it.
    pub table: &'static str,
    pub was: &'static str,
    pub becomes: &'static str,
}

const fn clause(
    function: &'static str,
    table: &'static str,
    was: &'static str,
    becomes: &'static str,
) -> Clause {
    Clause { function, table, was, becomes }
}

const MY_CLIENTS: &str = "authz.my_clients()";
const MY_PEOPLE: &str = "authz.my_people()";
const AUDIENCE: &str = "authz.audience(uuid,uuid)";
const FOLLOW: &str = "authz.follow(uuid,boolean)";
const ROOM_PEOPLE: &str = "authz.room_people(uuid)";
const MAY_WRITE: &str = "authz.may_write_to(uuid)";
const IN_DIRECT: &str = "authz.in_direct(uuid)";
const SEARCH: &str = "authz.search_messages(text,bigint,bigint)";
const USER: &str = "authz.guard_user()";
const CLIENT: &str = "authz.guard_client()";
const CONVERSATION: &str = "authz.guard_conversation()";
const MESSAGE: &str = "authz.guard_message()";
const SETTINGS: &str = "authz.guard_settings()";
const FEED: &str = "authz.guard_feed()";
const NOTIFICATION: &str = "authz.guard_notification()";
const TICKET: &str = "authz.redeem_ticket(bytea)";

pub const CLAUSES: [Clause; 104] = [
    clause(TICKET, "functions", "t.digest = wanted", "true"),
    clause(TICKET, "functions", "t.digest = wanted", "false"),
    clause(USER, "users", "NEW.sessions_valid_after IS NULL", "false"),
    clause(USER, "users", "NEW.sessions_valid_after < OLD.sessions_valid_after", "false"),
    clause(MY_CLIENTS, "functions", "authz.role() = 'client'", "true"),
    clause(MY_CLIENTS, "functions", "m.user_id = authz.me()", "true"),
    clause(MY_CLIENTS, "functions", "authz.role() = 'employee' AND c.tenant_id = authz.tenant()", "true"),
    clause(MY_CLIENTS, "functions", "c.operator_id = authz.me()", "true"),
    clause(MY_CLIENTS, "functions", "authz.role() = 'employee' AND t.tenant_id = authz.tenant()", "true"),
    clause(MY_CLIENTS, "functions", "t.user_id = authz.me()", "true"),
    clause(MY_CLIENTS, "functions", "AND c.team_id = t.team_id", ""),
    clause(MY_PEOPLE, "functions", "m.client_id = mine.id", "true"),
    clause(MY_PEOPLE, "functions", "c.id = mine.id", "true"),
    clause(MY_PEOPLE, "functions", "p.client_id = mine.id", "true"),
    clause(MY_PEOPLE, "functions", "AND p.follows", ""),
    clause(AUDIENCE, "functions", "m.client_id = of_client", "true"),
    clause(AUDIENCE, "functions", "c.id = of_client", "true"),
    clause(AUDIENCE, "functions", "p.client_id = of_client", "true"),
    clause(AUDIENCE, "functions", "p.follows", "true"),
    clause(AUDIENCE, "functions", "u.role IN ('owner', 'manager')", "true"),
    clause(FOLLOW, "functions", "authz.sees_all_rooms()", "true"),
    clause(FOLLOW, "functions", "authz.role() = 'employee'", "true"),
    clause(FOLLOW, "functions", "of_client IN (SELECT authz.my_clients())", "true"),
    clause(ROOM_PEOPLE, "functions", "p.conversation_id = of_conversation", "true"),
    clause(ROOM_PEOPLE, "functions", "p.counted", "true"),
    clause(ROOM_PEOPLE, "functions", "authz.sees_all_rooms()", "true"),
    clause(ROOM_PEOPLE, "functions", "p.client_id IN (SELECT authz.my_clients())", "true"),
    clause(ROOM_PEOPLE, "functions", "AND p.client_id IS NOT NULL", ""),
    clause(ROOM_PEOPLE, "functions", "authz.in_direct(of_conversation)", "true"),
    clause(MAY_WRITE, "functions", "u.id = other", "true"),
    clause(MAY_WRITE, "functions", "AND u.id <> authz.me()", ""),
    clause(MAY_WRITE, "functions", "AND u.deleted_at IS NULL", ""),
    clause(MAY_WRITE, "functions", "authz.role() IN ('owner', 'manager')", "true"),
    clause(MAY_WRITE, "functions", "u.role IN ('owner', 'manager', 'employee')", "true"),
    clause(MAY_WRITE, "functions", "authz.role() = 'employee'", "true"),
    clause(MAY_WRITE, "functions", "u.role IN ('manager', 'employee')", "true"),
    clause(IN_DIRECT, "functions", "authz.is_operator()", "true"),
    clause(IN_DIRECT, "functions", "c.id = of_conversation", "true"),
    clause(IN_DIRECT, "functions", "authz.me() IN (c.user_one_id, c.user_two_id)", "true"),
    clause(SEARCH, "functions", "AND m.client_id IS NOT NULL", ""),
    clause(SEARCH, "functions", "(SELECT authz.is_operator())", "true"),
    clause(SEARCH, "functions", "m.tenant_id = (SELECT authz.tenant())", "true"),
    clause(SEARCH, "functions", "(SELECT authz.sees_all_rooms())", "true"),
    clause(SEARCH, "functions", "m.client_id IN (SELECT authz.my_clients())", "true"),
    clause(SEARCH, "functions", "@@ (SELECT authz.wanted_words(q))", "IS NOT NULL"),
    clause(USER, "users", "authz.role() IN ('owner', 'service')", "true"),
    clause(USER, "users", "authz.role() = 'manager' AND NEW.id <> authz.me()", "authz.role() = 'manager'"),
    clause(USER, "users", "NEW.role IS DISTINCT FROM OLD.role", "false"),
    clause(USER, "users", "NEW.external_id IS DISTINCT FROM OLD.external_id", "false"),
    clause(USER, "users", "NEW.deleted_at IS DISTINCT FROM OLD.deleted_at", "false"),
    clause(CLIENT, "clients", "NOT authz.provisions()", "true"),
    clause(CLIENT, "clients", "NEW.operator_id IS DISTINCT FROM OLD.operator_id", "false"),
    clause(CLIENT, "clients", "NEW.team_id IS DISTINCT FROM OLD.team_id", "false"),
    clause(CONVERSATION, "conversations", "NEW.last_seq - OLD.last_seq NOT IN (0, 1)", "false"),
    clause(CONVERSATION, "conversations", "NEW.head - OLD.head NOT IN (0, 1)", "false"),
    clause(CONVERSATION, "conversations", "NEW.head - OLD.head NOT IN (0, 1)", "NEW.head < OLD.head"),
    clause(MESSAGE, "messages", "NEW.changed_seq < OLD.changed_seq", "false"),
    clause(MESSAGE, "messages", "reworded OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at", "reworded"),
    clause(
        MESSAGE,
        "messages",
        "reworded OR NEW.deleted_at IS DISTINCT FROM OLD.deleted_at",
        "NEW.deleted_at IS DISTINCT FROM OLD.deleted_at",
    ),
    clause(
        MESSAGE,
        "messages",
        "OLD.sender_id IS DISTINCT FROM authz.me() AND authz.role() IS DISTINCT FROM 'owner'",
        "false",
    ),
    clause(MESSAGE, "messages", "AND authz.role() IS DISTINCT FROM 'owner'", ""),
    clause(
        MESSAGE,
        "messages",
        "coalesce(NEW.related_entity_type, OLD.related_entity_type) IS DISTINCT FROM OLD.related_entity_type",
        "false",
    ),
    clause(
        MESSAGE,
        "messages",
        "coalesce(NEW.related_entity_id, OLD.related_entity_id) IS DISTINCT FROM OLD.related_entity_id",
        "false",
    ),
    clause(
        MESSAGE,
        "messages",
        "coalesce(NEW.related_preview, OLD.related_preview) IS DISTINCT FROM OLD.related_preview",
        "false",
    ),
    clause(MESSAGE, "messages", "reworded AND OLD.sender_id IS DISTINCT FROM authz.me()", "false"),
    clause(MESSAGE, "messages", "OLD.read_at IS NOT NULL", "false"),
    clause(
        MESSAGE,
        "messages",
        "OLD.sender_type = CASE WHEN authz.role() = 'client' THEN 'client' ELSE 'operator' END",
        "false",
    ),
    clause(
        MESSAGE,
        "messages",
        "CASE WHEN OLD.client_id IS NULL THEN OLD.sender_id = authz.me()",
        "CASE WHEN false THEN false",
    ),
    clause(MESSAGE, "messages", "THEN OLD.sender_id = authz.me()", "THEN false"),
    clause(MESSAGE, "messages", "OLD.delivered_at IS NOT NULL", "false"),
    clause(
        MESSAGE,
        "messages",
        "redelivered AND (OLD.delivered_at IS NOT NULL OR OLD.sender_id = authz.me())",
        "redelivered AND OLD.delivered_at IS NOT NULL",
    ),
    clause(SETTINGS, "notification_settings", "authz.role() = 'system'", "false"),
    clause(SETTINGS, "notification_settings", "authz.role() = 'system'", "true"),
    clause(SETTINGS, "notification_settings", "(NEW.digest_mode,", "(OLD.digest_mode,"),
    clause(SETTINGS, "notification_settings", "NEW.digest_hour,", "OLD.digest_hour,"),
    clause(SETTINGS, "notification_settings", "NEW.digest_timezone,", "OLD.digest_timezone,"),
    clause(SETTINGS, "notification_settings", "NEW.quiet_from,", "OLD.quiet_from,"),
    clause(SETTINGS, "notification_settings", "NEW.quiet_to,", "OLD.quiet_to,"),
    clause(SETTINGS, "notification_settings", "NEW.quiet_timezone)", "OLD.quiet_timezone)"),
    clause(FEED, "notification_feeds", "NEW.head - OLD.head NOT IN (0, 1)", "false"),
    clause(FEED, "notification_feeds", "NEW.head - OLD.head NOT IN (0, 1)", "NEW.head < OLD.head"),
    clause(FEED, "notification_feeds", "authz.role() IS DISTINCT FROM 'system'", "true"),
    clause(FEED, "notification_feeds", "authz.role() IS DISTINCT FROM 'system'", "false"),
    clause(FEED, "notification_feeds", "(NEW.pushes,", "(OLD.pushes,"),
    clause(FEED, "notification_feeds", "NEW.held,", "OLD.held,"),
    clause(FEED, "notification_feeds", "NEW.held_since,", "OLD.held_since,"),
    clause(FEED, "notification_feeds", "NEW.summary_due_at)", "OLD.summary_due_at)"),
    clause(NOTIFICATION, "notifications", "NEW.changed_seq < OLD.changed_seq", "false"),
    clause(NOTIFICATION, "notifications", "OLD.deleted_at IS NOT NULL", "false"),
    clause(NOTIFICATION, "notifications", "OLD.deleted_at IS NOT NULL", "true"),
    clause(NOTIFICATION, "notifications", "authz.role() IS DISTINCT FROM 'system'", "true"),
    clause(NOTIFICATION, "notifications", "authz.role() IS DISTINCT FROM 'system'", "false"),
    clause(NOTIFICATION, "notifications", "(NEW.event_id,", "(OLD.event_id,"),
    clause(NOTIFICATION, "notifications", "NEW.title,", "OLD.title,"),
    clause(NOTIFICATION, "notifications", "NEW.body,", "OLD.body,"),
    clause(NOTIFICATION, "notifications", "NEW.link,", "OLD.link,"),
    clause(NOTIFICATION, "notifications", "NEW.data,", "OLD.data,"),
    clause(NOTIFICATION, "notifications", "NEW.decision,", "OLD.decision,"),
    clause(NOTIFICATION, "notifications", "NEW.in_digest,", "OLD.in_digest,"),
    clause(NOTIFICATION, "notifications", "NEW.digest_id,", "OLD.digest_id,"),
    clause(NOTIFICATION, "notifications", "NEW.last_event_at,", "OLD.last_event_at,"),
    clause(NOTIFICATION, "notifications", "NEW.expires_at,", "OLD.expires_at,"),
    clause(NOTIFICATION, "notifications", "NEW.processed_at,", "OLD.processed_at,"),
    clause(NOTIFICATION, "notifications", "NEW.push_sent_at)", "OLD.push_sent_at)"),
];
