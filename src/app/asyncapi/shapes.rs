//! What travels for every topic alike: joins and their replies, errors, presence, changes of rows. The socket layer
//! puts these together from text; here they have types, for the description alone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use guichet_base::Timestamp;
use guichet_base::id::{ConversationId, UserId};
use guichet_base::role::UserType;

/// Where a durable event stands. In Phoenix it is `meta` of the broadcast, in plain frames `meta` of the frame, in
/// Socket.IO `meta` of the second argument. Events of the moment have none.
#[derive(Serialize, ToSchema)]
pub struct EventMeta {
    /// The same on every topic that tells of the event, and when it is replayed: drop doubles by it.
    pub id: Uuid,
    /// The event's number in its topic: 1, 2, 3 … without gaps.
    #[schema(example = 57)]
    pub seq: i64,
    /// On `user:{id}`: the topic where the event lives, whose number `seq` is.
    #[schema(nullable = false, example = "chat:room:0198c0de-0000-7000-8000-000000000002")]
    pub topic: Option<String>,
    /// True where the event was missed and comes from the log.
    #[schema(nullable = false)]
    pub replayed: Option<bool>,
}

/// All of it optional, read leniently; clients' own keys are ignored.
#[derive(Serialize, ToSchema)]
pub struct JoinPayload {
    pub config: Option<JoinConfig>,
    /// Counts before the connection's own token.
    pub access_token: Option<String>,
    /// Plain and Socket.IO: like `config.broadcast.replay.after_seq`.
    pub after_seq: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct JoinConfig {
    pub broadcast: Option<BroadcastConfig>,
    pub presence: Option<PresenceConfig>,
    pub postgres_changes: Option<Vec<Binding>>,
    /// Accepted; every topic is private.
    pub private: Option<bool>,
}

#[derive(Serialize, ToSchema)]
pub struct BroadcastConfig {
    /// Answer each broadcast.
    pub ack: Option<bool>,
    /// Also hear one's own broadcasts.
    #[serde(rename = "self")]
    pub own: Option<bool>,
    pub replay: Option<Replay>,
}

/// From where to resume. `after_seq` wins over `since`.
#[derive(Serialize, ToSchema)]
pub struct Replay {
    /// Everything after this number, at most 1,000 events.
    #[schema(example = 57)]
    pub after_seq: Option<i64>,
    /// The newest `limit` events since this time, in milliseconds of the epoch.
    #[schema(example = 1_767_348_000_000_i64)]
    pub since: Option<i64>,
    /// With `since`: 1–1,000, 25 when absent.
    pub limit: Option<i64>,
    /// On `user:{id}`: since when the person was away.
    pub after: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
pub struct PresenceConfig {
    pub enabled: Option<bool>,
    /// Empty: the person's id. Another person's id is refused.
    pub key: Option<String>,
}

/// Which changes of rows to hear.
#[derive(Serialize, ToSchema)]
pub struct Binding {
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
    /// Columns to tell of; all when absent.
    pub select: Option<Vec<String>>,
    /// In the reply: the number that changes name the binding by.
    pub id: Option<i32>,
}

/// How far an earlier stand was made up for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResumeOutcome {
    /// Nothing was asked for.
    None,
    /// Everything missed follows, then what is live.
    Complete,
    /// The newest of it follows: `limit` cut the rest.
    Truncated,
    /// Too much, or too long ago: read on by REST.
    Reset,
}

/// The subscription is live when this is sent.
#[derive(Serialize, ToSchema)]
pub struct JoinReply {
    /// The bindings as asked for, with their ids.
    pub postgres_changes: Vec<Binding>,
    /// The number of the topic's last event; null on topics without numbers.
    #[schema(required, example = 57)]
    pub last_seq: Option<i64>,
    pub resume: ResumeOutcome,
    /// How many events follow from the log.
    #[schema(example = 3)]
    pub replayed: i64,
    /// With `reset`: where to join again once the missed was read by REST.
    pub head: Option<i64>,
    /// Of chat topics.
    #[schema(nullable = false)]
    pub conversation_id: Option<ConversationId>,
    /// On `user:{id}`: the conversations whose head moved since `after`.
    #[schema(nullable = false)]
    pub conversations: Option<Vec<TopicMoved>>,
}

#[derive(Serialize, ToSchema)]
pub struct TopicMoved {
    #[schema(example = "chat:room:0198c0de-0000-7000-8000-000000000002")]
    pub topic: String,
    #[schema(example = 57)]
    pub head: i64,
}

/// Why something was refused, ended or not understood: `CODE: sentence`, the sentence in the person's language.
#[derive(Serialize, ToSchema)]
pub struct Reason {
    #[schema(example = "FORBIDDEN: Vous n’avez pas le droit d’effectuer cette action.")]
    pub reason: String,
}

/// A refused command: the same codes as in REST.
#[derive(Serialize, ToSchema)]
pub struct CommandError {
    #[schema(example = "VALIDATION_ERROR: Certaines valeurs sont invalides.")]
    pub reason: String,
    /// For programs; never changes.
    #[schema(example = "VALIDATION_ERROR")]
    pub code: String,
    /// For people, in their language.
    pub message: String,
    /// A list of `{field, code, message}` for `VALIDATION_ERROR`, else an object that depends on `code`.
    pub details: Option<Value>,
}

/// No more to say.
#[derive(Serialize, ToSchema)]
pub struct Empty {}

/// Whatever the sender likes: its keys are theirs.
#[derive(Serialize, ToSchema)]
pub struct Anything(pub BTreeMap<String, Value>);

/// A reply of Phoenix and of the plain dialects; Socket.IO's acknowledgement holds the same.
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
    /// `broadcast`; some clients leave it out.
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
    /// Of the same person. Null and keys of Supabase's (`sb_…`) are ignored.
    #[schema(required)]
    pub access_token: Option<String>,
}

/// `track` with what others shall see, or `untrack`.
#[derive(Serialize, ToSchema)]
pub struct PresencePush {
    #[schema(example = "track")]
    pub event: String,
    #[schema(nullable = false, example = "presence")]
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// At most 4 KiB; the server's own fields win over it.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Value>,
}

/// How much somebody is there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PresenceStatus {
    Offline,
    Idle,
    Online,
}

/// One person on one topic; what they tracked stands beside.
#[derive(Serialize, ToSchema)]
pub struct PresenceMeta {
    /// New with every change.
    #[schema(example = "g2a")]
    pub phx_ref: String,
    #[schema(nullable = false)]
    pub phx_ref_prev: Option<String>,
    pub user_id: UserId,
    pub user_type: UserType,
    #[schema(required)]
    pub online_at: Option<Timestamp>,
    pub status: PresenceStatus,
    #[serde(flatten)]
    pub tracked: BTreeMap<String, Value>,
}

#[derive(Serialize, ToSchema)]
pub struct PresenceEntry {
    pub metas: Vec<PresenceMeta>,
}

/// Everybody who is there, by presence key.
#[derive(Serialize, ToSchema)]
pub struct PresenceState(pub BTreeMap<String, PresenceEntry>);

/// Who came, went, or changed (then in both).
#[derive(Serialize, ToSchema)]
pub struct PresenceDiff {
    pub joins: BTreeMap<String, PresenceEntry>,
    pub leaves: BTreeMap<String, PresenceEntry>,
}

/// `presence:update`: somebody's state changed.
#[derive(Serialize, ToSchema)]
pub struct PresenceUpdate {
    pub user_id: UserId,
    pub status: PresenceStatus,
    /// Null while online.
    #[schema(required)]
    pub last_seen: Option<Timestamp>,
}

/// A change of a row that the subscriber may read.
#[derive(Serialize, ToSchema)]
pub struct RowChange {
    /// The channel's bindings that it fits.
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
    /// The row as it is now: of `INSERT` and `UPDATE`.
    #[schema(nullable = false, value_type = Option<Object>)]
    pub record: Option<Value>,
    /// The row's key: of `UPDATE` and `DELETE`.
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

/// News of a channel: its changes of rows are live, or its token is about to end.
#[derive(Serialize, ToSchema)]
pub struct SystemNews {
    #[schema(example = "system")]
    pub extension: String,
    pub status: ReplyStatus,
    pub message: String,
    /// The topic, without prefix.
    pub channel: String,
}
