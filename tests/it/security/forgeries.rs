//! Changes that grants and policies permit, and that only some people may make: the purpose of the triggers.

use super::rule::Rule::{self, All, Any, Anyone, Field, Mine, MySide, Nobody, Not, Role};

const PROVISIONS: Rule = Role(&["owner", "manager", "service"]);
const LIVING: Rule = Field("deleted_at", &[""]);
const AUTHOR: Rule = All(&[Mine("sender_id"), LIVING]);
/// In a room the other side is the client or the operators; in a direct conversation it is the other person.
const OTHER_SIDES: Rule = Any(&[
    All(&[Not(&Field("client_id", &[""])), Not(&MySide("sender_type"))]),
    All(&[Field("client_id", &[""]), Not(&Mine("sender_id"))]),
]);
const SYSTEM: Rule = Role(&["system"]);
const OWNER_OR_SERVICE: Rule = Role(&["owner", "service"]);
const MANAGES_PERSON: Rule = Any(&[OWNER_OR_SERVICE, All(&[Role(&["manager"]), Not(&Mine("id"))])]);

/// A change of a granted column that only some people may make: a table, the SET clause, and on which of the rows
/// that they may update. Everyone else is refused by name (42501). `{b.emma}` stands for an id of tenant b, which a
/// foreign key refuses to everyone in another tenant (23503).
pub struct Forgery {
    pub table: &'static str,
    pub set: &'static str,
    pub may: Rule,
}

const fn forgery(table: &'static str, set: &'static str, may: Rule) -> Forgery {
    Forgery { table, set, may }
}

pub const FORGERIES: [Forgery; 66] = [
    Forgery {
        table: "users",
        set: "role = 'owner'",
        may: Any(&[OWNER_OR_SERVICE, Field("role", &["owner"])]),
    },
    Forgery {
        table: "users",
        set: "role = 'manager'",
        may: Any(&[MANAGES_PERSON, Field("role", &["manager"])]),
    },
    Forgery {
        table: "users",
        set: "role = 'employee'",
        may: Any(&[MANAGES_PERSON, Field("role", &["employee"])]),
    },
    Forgery { table: "users", set: "external_id = 'someone else'", may: MANAGES_PERSON },
    Forgery { table: "users", set: "deleted_at = now()", may: MANAGES_PERSON },
    // One's own too: log out everywhere. A revocation cannot be undone.
    Forgery { table: "users", set: "sessions_valid_after = now()", may: Anyone },
    Forgery { table: "users", set: "sessions_valid_after = NULL", may: Field("sessions_valid_after", &[""]) },
    Forgery {
        table: "users",
        set: "sessions_valid_after = '2020-01-01'",
        may: Field("sessions_valid_after", &[""]),
    },
    Forgery {
        table: "users",
        set: "display_name = 'x', email = 'x@x.example', last_seen_at = now()",
        may: Anyone,
    },
    Forgery {
        table: "clients",
        set: "operator_id = NULL",
        may: Any(&[PROVISIONS, Field("operator_id", &[""])]),
    },
    Forgery { table: "clients", set: "team_id = NULL", may: Any(&[PROVISIONS, Field("team_id", &[""])]) },
    Forgery { table: "clients", set: "operator_id = '{b.emma}'", may: PROVISIONS },
    Forgery { table: "clients", set: "team_id = '{b.desk}'", may: PROVISIONS },
    Forgery { table: "clients", set: "status = 'archived'", may: Anyone },
    Forgery { table: "conversations", set: "last_seq = last_seq + 1, head = head + 1", may: Anyone },
    Forgery { table: "conversations", set: "last_seq = last_seq + 2", may: Nobody },
    Forgery { table: "conversations", set: "last_seq = last_seq - 1", may: Nobody },
    Forgery { table: "conversations", set: "head = head + 2", may: Nobody },
    Forgery { table: "conversations", set: "head = 0", may: Nobody },
    Forgery { table: "messages", set: "content = 'forged', edited_at = now()", may: AUTHOR },
    Forgery { table: "messages", set: "edited_at = now()", may: AUTHOR },
    Forgery { table: "messages", set: "related_preview = '{\"title\": \"forged\"}'", may: AUTHOR },
    Forgery {
        table: "messages",
        set: "related_entity_type = 'forged', related_entity_id = 'x'",
        may: AUTHOR,
    },
    Forgery {
        table: "messages",
        set: "content = NULL, deleted_at = now()",
        may: Any(&[AUTHOR, All(&[Role(&["owner"]), LIVING])]),
    },
    Forgery {
        table: "messages",
        set: "content = NULL, deleted_at = now(), related_entity_type = 'forged'",
        may: Nobody,
    },
    Forgery {
        table: "messages",
        set: "content = NULL, deleted_at = now(), related_entity_id = 'forged'",
        may: Nobody,
    },
    Forgery {
        table: "messages",
        set: "content = NULL, deleted_at = now(), related_preview = '{\"title\": \"forged\"}'",
        may: Nobody,
    },
    Forgery { table: "messages", set: "content = 'back', deleted_at = NULL", may: AUTHOR },
    Forgery { table: "messages", set: "read_at = now()", may: All(&[OTHER_SIDES, Field("read_at", &[""])]) },
    Forgery { table: "messages", set: "read_at = NULL", may: Field("read_at", &[""]) },
    Forgery {
        table: "messages",
        set: "delivered_at = now()",
        may: All(&[Not(&Mine("sender_id")), Field("delivered_at", &[""])]),
    },
    Forgery { table: "messages", set: "delivered_at = NULL", may: Field("delivered_at", &[""]) },
    Forgery { table: "messages", set: "changed_seq = 0", may: Nobody },
    forgery("notification_settings", "digest_mode = 'weekly'", Not(&SYSTEM)),
    forgery("notification_settings", "digest_hour = 7", Not(&SYSTEM)),
    forgery("notification_settings", "digest_timezone = 'UTC'", Not(&SYSTEM)),
    forgery("notification_settings", "quiet_from = '01:00'", Not(&SYSTEM)),
    forgery("notification_settings", "quiet_to = '02:00'", Not(&SYSTEM)),
    forgery("notification_settings", "quiet_timezone = 'UTC'", Not(&SYSTEM)),
    forgery("notification_settings", "digest_due_at = '2027-01-01T00:00:00Z'", Anyone),
    forgery("notification_feeds", "head = head + 1, unread = 3", Anyone),
    forgery("notification_feeds", "head = head + 2", Nobody),
    forgery("notification_feeds", "head = head - 1", Nobody),
    forgery("notification_feeds", "pushes = '{2026-01-01}'", SYSTEM),
    forgery("notification_feeds", "held = held + sign(held)", Any(&[SYSTEM, Field("held", &["0"])])),
    forgery(
        "notification_feeds",
        "held_since = held_since + interval '1 s'",
        Any(&[SYSTEM, Field("held_since", &[""])]),
    ),
    forgery(
        "notification_feeds",
        "summary_due_at = summary_due_at + interval '1 s'",
        Any(&[SYSTEM, Field("summary_due_at", &[""])]),
    ),
    forgery("notifications", "status = 'read', read_at = now()", Anyone),
    forgery("notifications", "status = 'archived', archived_at = now()", Anyone),
    forgery("notifications", "snoozed_until = now(), updated_at = now()", Anyone),
    forgery("notifications", "changed_seq = changed_seq + 1", Anyone),
    forgery("notifications", "changed_seq = changed_seq - 1", Nobody),
    forgery("notifications", "deleted_at = now()", LIVING),
    forgery("notifications", "deleted_at = NULL", LIVING),
    forgery("notifications", "event_id = gen_random_uuid()", SYSTEM),
    forgery("notifications", "title = 'forged'", SYSTEM),
    forgery("notifications", "body = 'forged'", SYSTEM),
    forgery("notifications", "link = '/forged'", SYSTEM),
    forgery("notifications", "data = '{\"forged\": 1}'", SYSTEM),
    forgery("notifications", "decision = '{\"forged\": 1}'", SYSTEM),
    forgery("notifications", "in_digest = NOT in_digest", SYSTEM),
    forgery("notifications", "digest_id = gen_random_uuid()", SYSTEM),
    forgery("notifications", "last_event_at = now()", SYSTEM),
    forgery("notifications", "expires_at = now()", SYSTEM),
    forgery("notifications", "processed_at = now()", SYSTEM),
    forgery("notifications", "push_sent_at = now()", SYSTEM),
];
