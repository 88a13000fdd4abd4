//! Payloads that are the same for every topic: joins and replies, errors, presence, row changes. The socket layer
//! builds them from text; these types exist for the description.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use guichet_base::Timestamp;
use guichet_base::id::{ConversationId, UserId};
use guichet_base::role::UserType;

/// The position of a durable event. In Phoenix it is `meta` of the broadcast, in plain frames `meta` of the frame, in
/// Socket.IO `meta` of the second argument. Ephemeral events have none.
#[derive(Serialize, ToSchema)]
pub struct EventMeta {
    /// The same on every topic that carries the event, and in replays: use it to drop duplicates.
    pub id: Uuid,
    /// The event's number in its topic: 1, 2, 3 … without gaps.
    #[schema(example = 57)]
    pub seq: i64,
    /// On `user:{id}`: the topic that numbers the event by `seq`.
    #[schema(nullable = false, example = "chat:room:0198c0de-0000-7000-8000-000000000002")]
    pub topic: Option<String>,
    /// True if the event was missed and comes from the log.
    #[schema(nullable = false)]
    pub replayed: Option<bool>,
}

/// All fields are optional and parsed leniently; unknown keys are ignored.
#[derive(Serialize, ToSchema)]
pub struct JoinPayload {
    pub config: Option<JoinConfig>,
    /// Takes precedence over the connection's own token.
    pub access_token: Option<String>,
    /// Plain and Socket.IO: like `config.broadcast.replay.after_seq`.
    pub after_seq: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct JoinConfig {
    pub broadcast: Option<BroadcastConfig>,
    pub presence: Option<PresenceConfig>,
    pub postgres_changes: Option<Vec<RowChangeBinding>>,
    /// Accepted; every topic is private.
    pub private: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct BroadcastConfig {
    /// Acknowledge each broadcast.
    pub ack: Option<bool>,
    /// Also receive one's own broadcasts.
    #[serde(rename = "self")]
    pub own: Option<bool>,
    pub replay: Option<ReplayRequest>,
}

/// The position to resume from. `after_seq` takes precedence over `since`.
#[derive(Serialize, ToSchema)]
#[schema(as = Replay)]
pub struct ReplayRequest {
    /// Everything after this number, at most 1,000 events.
    #[schema(example = 57)]
    pub after_seq: Option<i64>,
    /// The newest `limit` events since this time, in milliseconds of the epoch.
    #[schema(example = 1_767_348_000_000_i64)]
    pub since: Option<i64>,
    /// With `since`: 1–1,000; the default is 25.
    pub limit: Option<i64>,
    /// On `user:{id}`: when the client went offline.
    pub after: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
pub struct PresenceConfig {
    pub enabled: Option<bool>,
    /// Empty means the person's id. Another person's id is refused.
    pub key: Option<String>,
}

/// The row changes to subscribe to.
#[derive(Serialize, ToSchema)]
#[schema(as = Binding)]
pub struct RowChangeBinding {
    /// `INSERT`, `UPDATE`, `DELETE` or `*`.
    #[schema(example = "INSERT")]
    pub event: Option<String>,
    #[schema(example = "public")]
    pub schema: Option<String>,
    #[schema(example = "messages")]
    pub table: Option<String>,
    /// `column=op.value`, several joined by commas.
    #[schema(example = "conversation_id=eq.0198c0de-0000-7000-8000-000000000003")]
    pub filter: Option<String>,
    /// The columns to include; all if absent.
    pub select: Option<Vec<String>>,
    /// In the reply: the id of the binding, as changes name it.
    pub id: Option<i32>,
}

/// The result of resuming from an earlier position.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResumeOutcome {
    /// No resume was requested.
    None,
    /// Everything missed follows, then live events.
    Complete,
    /// Only the newest missed events follow: `limit` cut the rest.
    Truncated,
    /// Too much was missed, or too long ago: read it by REST.
    Reset,
}

/// The subscription is live when this is sent.
#[derive(Serialize, ToSchema)]
pub struct JoinReply {
    /// The requested bindings with their ids.
    pub postgres_changes: Vec<RowChangeBinding>,
    /// The number of the topic's last event; null on topics without numbers.
    #[schema(required, example = 57)]
    pub last_seq: Option<i64>,
    pub resume: ResumeOutcome,
    /// How many events follow from the log.
    #[schema(example = 3)]
    pub replayed: i64,
    /// With `reset`: the position to join from once the missed events were read by REST.
    pub head: Option<i64>,
    /// On chat topics.
    #[schema(nullable = false)]
    pub conversation_id: Option<ConversationId>,
    /// On `user:{id}`: the conversations whose head changed since `after`.
    #[schema(nullable = false)]
    pub conversations: Option<Vec<TopicHead>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TopicMoved)]
pub struct TopicHead {
    #[schema(example = "chat:room:0198c0de-0000-7000-8000-000000000002")]
    pub topic: String,
    #[schema(example = 57)]
    pub head: i64,
}

/// Why something was refused, ended or not understood: `CODE: sentence`, in the person's language.
#[derive(Serialize, ToSchema)]
#[schema(as = Reason)]
pub struct ReasonPayload {
    #[schema(example = "FORBIDDEN: Vous n’avez pas le droit d’effectuer cette action.")]
    pub reason: String,
}

/// A refused command, with the same codes as REST.
#[derive(Serialize, ToSchema)]
pub struct CommandError {
    #[schema(example = "VALIDATION_ERROR: Certaines valeurs sont invalides.")]
    pub reason: String,
    /// For programs; stable.
    #[schema(example = "VALIDATION_ERROR")]
    pub code: String,
    /// For people, in their language.
    pub message: String,
    /// A list of `{field, code, message}` for `VALIDATION_ERROR`, else an object that depends on `code`.
    pub details: Option<Value>,
}

/// An empty object.
#[derive(Serialize, ToSchema)]
#[schema(as = Empty)]
pub struct EmptyObject {}

/// Any object; its keys are the sender's.
#[derive(Serialize, ToSchema)]
#[schema(as = Anything)]
pub struct AnyObject(pub BTreeMap<String, Value>);

/// A reply in Phoenix and the plain dialect; Socket.IO's acknowledgement has the same content.
#[derive(Serialize, ToSchema)]
pub struct SocketReply {
    pub status: ReplyStatus,
    /// The payload of the reply's message.
    #[schema(value_type = Object)]
    pub response: Value,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReplyStatus {
    Ok,
    Error,
}

/// The payload of a Phoenix `broadcast`, around the event itself.
#[derive(Serialize, ToSchema)]
pub struct BroadcastFrame {
    /// `broadcast`; some clients omit it.
    #[serde(rename = "type")]
    #[schema(nullable = false, example = "broadcast")]
    pub kind: Option<String>,
    #[schema(example = "messaging:read")]
    pub event: String,
    #[schema(value_type = Object)]
    pub payload: Value,
    #[schema(nullable = false)]
    pub meta: Option<EventMeta>,
}

#[derive(Serialize, ToSchema)]
pub struct HeartbeatReply {
    /// For each joined topic with numbers, by its name as joined, the number of its last event.
    pub heads: BTreeMap<String, i64>,
}

#[derive(Serialize, ToSchema)]
pub struct TokenPush {
    /// For the same person. Null and Supabase's own keys (`sb_…`) are ignored.
    #[schema(required)]
    pub access_token: Option<String>,
}

/// `track` with the fields that others shall see, or `untrack`.
#[derive(Serialize, ToSchema)]
pub struct PresencePush {
    #[schema(example = "track")]
    pub event: String,
    #[schema(nullable = false, example = "presence")]
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// At most 4 KiB; the server's own fields take precedence.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Value>,
}

/// The presence status of a person.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = PresenceStatus)]
pub enum PresenceStatusPayload {
    Offline,
    Idle,
    Online,
}

/// One person on one topic; their tracked fields are added.
#[derive(Serialize, ToSchema)]
pub struct PresenceMeta {
    /// Changes with every update.
    #[schema(example = "g2a")]
    pub phx_ref: String,
    #[schema(nullable = false)]
    pub phx_ref_prev: Option<String>,
    pub user_id: UserId,
    pub user_type: UserType,
    #[schema(required)]
    pub online_at: Option<Timestamp>,
    pub status: PresenceStatusPayload,
    #[serde(flatten)]
    pub tracked: BTreeMap<String, Value>,
}

#[derive(Serialize, ToSchema)]
pub struct PresenceEntry {
    pub metas: Vec<PresenceMeta>,
}

/// Everyone present, by presence key.
#[derive(Serialize, ToSchema)]
#[schema(as = PresenceState)]
pub struct PresenceStatePayload(pub BTreeMap<String, PresenceEntry>);

/// Who joined, left, or changed (then in both).
#[derive(Serialize, ToSchema)]
pub struct PresenceDiff {
    pub joins: BTreeMap<String, PresenceEntry>,
    pub leaves: BTreeMap<String, PresenceEntry>,
}

/// `presence:update`: the status of a person changed.
#[derive(Serialize, ToSchema)]
pub struct PresenceUpdate {
    pub user_id: UserId,
    pub status: PresenceStatusPayload,
    /// Null while online.
    #[schema(required)]
    pub last_seen: Option<Timestamp>,
}

/// A change of a row that the subscriber may read.
#[derive(Serialize, ToSchema)]
#[schema(as = RowChange)]
pub struct RowChangePayload {
    /// The channel's bindings that match.
    pub ids: Vec<i32>,
    pub data: RowData,
}

#[derive(Serialize, ToSchema)]
pub struct RowData {
    #[schema(example = "public")]
    pub schema: String,
    #[schema(example = "messages")]
    pub table: String,
    pub commit_timestamp: Timestamp,
    #[serde(rename = "type")]
    pub kind: RowEvent,
    pub columns: Vec<RowColumn>,
    /// The current row, for `INSERT` and `UPDATE`.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub record: Option<Value>,
    /// The row's key, for `UPDATE` and `DELETE`.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub old_record: Option<Value>,
    #[schema(required)]
    pub errors: Option<Vec<String>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RowEvent {
    Insert,
    Update,
    Delete,
}

#[derive(Serialize, ToSchema)]
pub struct RowColumn {
    #[schema(example = "id")]
    pub name: String,
    /// PostgreSQL's name of the type.
    #[serde(rename = "type")]
    #[schema(example = "uuid")]
    pub kind: String,
}

/// A system message of a channel: its row changes are live, or its token is about to expire.
#[derive(Serialize, ToSchema)]
#[schema(as = SystemNews)]
pub struct SystemMessage {
    #[schema(example = "system")]
    pub extension: String,
    pub status: ReplyStatus,
    pub message: String,
    /// The topic, without prefix.
    pub channel: String,
}
