//! The permissions on conversations: rooms by client, direct ones by their two people. Part of `spec`.

use super::rule::Rule::{
    self, All, Any, Anyone, Field, InDirect, MayWriteTo, Mine, MyClient, MySide, Not, Role,
};
use super::spec::{ALL_ROOMS, AUTHZ_READS, Access, Columns, NONE, PROVISIONS, TABLE, Table};

const OF_ROOM: Rule = Not(&Field("client_id", &[""]));
pub const SEES_ROOM: Rule = Any(&[All(&[ALL_ROOMS, OF_ROOM]), MyClient("client_id")]);
const OPERATOR: Rule = Role(&["owner", "manager", "employee"]);
const MY_PAIR: Rule = All(&[OPERATOR, Any(&[Mine("user_one_id"), Mine("user_two_id")])]);
/// Everyone sees only their own direct conversations, owners too.
const SEES: Rule = Any(&[SEES_ROOM, MY_PAIR]);
const WRITES_TO_COLLEAGUE: Rule = Any(&[
    All(&[Mine("user_one_id"), MayWriteTo("user_two_id")]),
    All(&[Mine("user_two_id"), MayWriteTo("user_one_id")]),
]);
const OWN_PLACE: Rule =
    Any(&[Role(&["system"]), All(&[Mine("user_id"), Any(&[SEES_ROOM, All(&[OPERATOR, Not(&OF_ROOM)])])])]);

pub const CONVERSATIONS: Table = Table {
    name: "conversations",
    blind: "last_message_at = now()",
    app: Access {
        select: Columns::All,
        insert: Columns::All,
        update: Columns::Only(&["last_seq", "head", "last_message_at", "updated_at"]),
        may_select: SEES,
        may_update: SEES,
        may_insert: All(&[
            Any(&[All(&[PROVISIONS, OF_ROOM]), WRITES_TO_COLLEAGUE]),
            Field("last_seq", &["0"]),
            Field("head", &["0"]),
        ]),
        ..NONE
    },
    authz: Access { update: Columns::All, may_update: Anyone, ..AUTHZ_READS },
    ..TABLE
};

pub const MESSAGES: Table = Table {
    name: "messages",
    blind: "changed_seq = 1000",
    app: Access {
        select: Columns::All,
        insert: Columns::Only(&[
            "tenant_id",
            "id",
            "conversation_id",
            "client_id",
            "user_one_id",
            "user_two_id",
            "operator_id",
            "seq",
            "changed_seq",
            "sender_id",
            "sender_type",
            "content",
            "related_entity_type",
            "related_entity_id",
            "related_preview",
            "client_message_id",
            "created_at",
        ]),
        update: Columns::Only(&[
            "changed_seq",
            "content",
            "related_entity_type",
            "related_entity_id",
            "related_preview",
            "delivered_at",
            "read_at",
            "edited_at",
            "deleted_at",
        ]),
        may_select: SEES,
        may_update: SEES,
        may_insert: All(&[Mine("sender_id"), MySide("sender_type"), Any(&[SEES_ROOM, WRITES_TO_COLLEAGUE])]),
        ..NONE
    },
    search: Access { select: Columns::All, tenant: None, may_select: Anyone, ..NONE },
    ..TABLE
};

pub const PARTICIPANTS: Table = Table {
    name: "participants",
    key: &["tenant_id", "conversation_id", "user_id"],
    blind: "read_seq = 1",
    app: Access {
        select: Columns::All,
        insert: Columns::Only(&["tenant_id", "conversation_id", "client_id", "user_id", "side", "read_seq"]),
        update: Columns::Only(&["read_seq", "unread_count"]),
        may_select: OWN_PLACE,
        may_update: OWN_PLACE,
        may_insert: All(&[
            Mine("user_id"),
            MySide("side"),
            Any(&[SEES_ROOM, All(&[Not(&OF_ROOM), InDirect("conversation_id")])]),
        ]),
        ..NONE
    },
    authz: Access {
        insert: Columns::All,
        update: Columns::All,
        may_insert: Anyone,
        may_update: Anyone,
        ..AUTHZ_READS
    },
    ..TABLE
};
