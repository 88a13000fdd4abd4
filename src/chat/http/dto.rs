//! Requests of REST bodies and socket commands, and their conversion to commands.

use guichet_base::id::{ClientId, ConversationId, MessageId, UserId};
use guichet_base::{Error, Fault, Result};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::chat::model::{MessageBody, RelatedEntity, RoomRef};
use crate::chat::service::SendMessage;
use crate::chat::store::HistoryRange;
use crate::web::Validator;

/// A message for the room in the path.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"content": "Bonjour, où en est ma commande ?",
    "client_message_id": "0198c0de-0000-7000-8000-000000000001"}))]
pub struct SendBody {
    /// 1–10,000 characters after trimming; kept as sent.
    pub content: String,
    #[serde(default)]
    pub related: Option<RelatedEntity>,
    /// A UUID chosen by the sender. Sending it again returns the first message (200).
    #[serde(default)]
    pub client_message_id: Option<Uuid>,
}

impl SendBody {
    pub fn into_command(self, room: RoomRef) -> Result<SendMessage> {
        self.into_send(Ok(room))
    }

    /// Collects all faults, including that of the room.
    fn into_send(self, room: Result<RoomRef, Fault>) -> Result<SendMessage> {
        let related_faults = self.related.as_ref().map(RelatedEntity::faults).unwrap_or_default();
        match (room, MessageBody::parse(self.content)) {
            (Ok(room), Ok(body)) if related_faults.is_empty() => Ok(SendMessage {
                room,
                body,
                related: self.related,
                client_message_id: self.client_message_id,
            }),
            (room, body) => {
                let own = room.err().into_iter().chain(body.err());
                Err(Error::validation(own.chain(related_faults).collect()))
            }
        }
    }
}

/// `messaging:send` over the socket; the payload names the room.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendCommand {
    #[serde(default)]
    pub conversation_id: Option<ConversationId>,
    #[serde(default)]
    pub client_id: Option<ClientId>,
    #[serde(default)]
    pub to_user_id: Option<UserId>,
    pub content: String,
    #[serde(default)]
    pub related: Option<RelatedEntity>,
    #[serde(default)]
    pub client_message_id: Option<Uuid>,
}

impl SendCommand {
    pub fn into_send(self) -> Result<SendMessage> {
        let room = parse_room(self.conversation_id, self.client_id, self.to_user_id);
        let (content, related, client_message_id) = (self.content, self.related, self.client_message_id);
        SendBody { content, related, client_message_id }.into_send(room)
    }
}

/// `messaging:read` over the socket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadCommand {
    pub message_id: MessageId,
}

/// `messaging:typing` over the socket.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypingCommand {
    #[serde(default)]
    pub conversation_id: Option<ConversationId>,
    #[serde(default)]
    pub client_id: Option<ClientId>,
    #[serde(default)]
    pub to_user_id: Option<UserId>,
    #[serde(default = "default_typing")]
    pub typing: bool,
}

fn default_typing() -> bool {
    true
}

impl TypingCommand {
    pub fn room(&self) -> Result<RoomRef> {
        parse_room(self.conversation_id, self.client_id, self.to_user_id)
            .map_err(|fault| Error::validation(vec![fault]))
    }
}

/// The room that the request names. Errors: not exactly one of the ways to name a conversation is present.
fn parse_room(
    conversation: Option<ConversationId>,
    client: Option<ClientId>,
    to_user: Option<UserId>,
) -> Result<RoomRef, Fault> {
    match (conversation, client, to_user) {
        (Some(id), None, None) => Ok(RoomRef::Conversation(id)),
        (None, Some(id), None) => Ok(RoomRef::Client(id)),
        (None, None, Some(id)) => Ok(RoomRef::Person(id)),
        (None, None, None) => Err(Fault::new("conversation_id", "missing")),
        _ => Err(Fault::new("conversation_id", "ambiguous")),
    }
}

/// The conversation to open: a client's room, or the direct conversation with a colleague.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"client_id": "0198c0de-0000-7000-8000-000000000002"}))]
pub struct OpenBody {
    #[serde(default)]
    pub client_id: Option<ClientId>,
    #[serde(default)]
    pub user_id: Option<UserId>,
}

impl OpenBody {
    pub fn room(self) -> Result<RoomRef> {
        parse_owner(self.client_id, self.user_id).map_err(|fault| Error::validation(vec![fault]))
    }
}

/// The room of exactly one of `client` and `user`.
fn parse_owner(client: Option<ClientId>, user: Option<UserId>) -> Result<RoomRef, Fault> {
    match (client, user) {
        (Some(id), None) => Ok(RoomRef::Client(id)),
        (None, Some(id)) => Ok(RoomRef::Person(id)),
        (None, None) => Err(Fault::new("client_id", "missing")),
        (Some(_), Some(_)) => Err(Fault::new("client_id", "ambiguous")),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"client_id": "0198c0de-0000-7000-8000-000000000002",
    "related": {"type": "order", "id": "A-1042", "preview": {"title": "Commande A-1042"}}}))]
pub struct DraftBody {
    #[serde(default)]
    pub client_id: Option<ClientId>,
    #[serde(default)]
    pub user_id: Option<UserId>,
    pub related: RelatedEntity,
}

impl DraftBody {
    pub fn parse(self) -> Result<(RoomRef, RelatedEntity)> {
        let related_faults = self.related.faults();
        match parse_owner(self.client_id, self.user_id) {
            Ok(room) if related_faults.is_empty() => Ok((room, self.related)),
            room => Err(Error::validation(room.err().into_iter().chain(related_faults).collect())),
        }
    }
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"up_to_seq": 1}))]
pub struct ReadBody {
    /// Up to and including this `seq`; everything if absent.
    #[serde(default)]
    pub up_to_seq: Option<i64>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"typing": true}))]
pub struct TypingBody {
    pub typing: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditBody {
    #[schema(example = "Bonjour, où en est ma commande A-1042 ?")]
    pub content: String,
}

/// The messages of a room to return. At most one of `before`, `after`, `changed_after`.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// 1–200; the default is 50.
    pub limit: Option<i64>,
    /// The messages directly before this `seq`.
    pub before: Option<i64>,
    /// The messages directly after this `seq`.
    pub after: Option<i64>,
    /// The messages that changed after this topic number, in the order of change, including tombstones.
    pub changed_after: Option<i64>,
}

impl HistoryQuery {
    pub fn parse(&self) -> Result<(HistoryRange, i64)> {
        let mut check = Validator::new();
        let page = check.page(self.limit, None);
        let bounds = [("before", self.before), ("after", self.after), ("changed_after", self.changed_after)];
        for (field, value) in bounds {
            if let Some(value) = value {
                check.range(field, value, 0..=i64::MAX);
            }
        }
        let cut = match (self.before, self.after, self.changed_after) {
            (None, None, None) => HistoryRange::Newest,
            (Some(seq), None, None) => HistoryRange::Before(seq),
            (None, Some(seq), None) => HistoryRange::After(seq),
            (None, None, Some(seq)) => HistoryRange::ChangedAfter(seq),
            _ => {
                check.add(Fault::new("before", "ambiguous"));
                HistoryRange::Newest
            }
        };
        check.finish()?;
        Ok((cut, page.limit))
    }
}
