//! The values of chat: messages, conversations and their parts.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use guichet_base::id::{ClientId, ConversationId, MessageId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Error, Fault, PresenceStatus, Result, Role, Timestamp};

/// Most characters of a message.
pub const MAX_CONTENT_CHARS: usize = 10_000;
/// Most characters of a conversation's last message in lists.
pub const EXCERPT_CHARS: usize = 120;

/// Names a conversation: by its id, by the client whose room it is, or by the colleague at its other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RoomRef {
    Conversation(ConversationId),
    Client(ClientId),
    Person(UserId),
}

/// The text of a message: 1–10,000 characters after trimming, kept as sent. Surrounding white space is dropped only
/// where it would exceed the stored length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageBody(String);

impl MessageBody {
    pub fn parse(text: String) -> Result<Self, Fault> {
        let chars = text.trim().chars().count();
        if chars == 0 {
            return Err(Fault::new("content", "missing"));
        }
        if chars > MAX_CONTENT_CHARS {
            return Err(Fault::new("content", "too_long").with_arg("max", MAX_CONTENT_CHARS));
        }
        if text.contains('\0') {
            return Err(Fault::new("content", "nul"));
        }
        Ok(Self(if text.chars().count() > MAX_CONTENT_CHARS { text.trim().to_owned() } else { text }))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The entity that a message is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RelatedEntity {
    /// A kind of entity: `sale`, `product`, `alert`, `order`, `ticket` …; 1–80 characters.
    #[serde(rename = "type")]
    #[schema(example = "order")]
    pub kind: String,
    /// Its id in its own system; 1–200 characters.
    #[schema(example = "A-1042")]
    pub id: String,
    /// A preview for the front end. Unknown keys are kept.
    #[serde(default)]
    #[schema(value_type = Option<Preview>)]
    pub preview: Option<Value>,
}

/// The preview of a related entity. Further keys are passed through.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Preview {
    #[schema(example = "Commande A-1042")]
    pub title: String,
    pub subtitle: Option<String>,
    pub url: Option<String>,
    pub image_url: Option<String>,
    #[serde(flatten)]
    pub further: std::collections::BTreeMap<String, Value>,
}

const MAX_PREVIEW_BYTES: usize = 8_192;

impl RelatedEntity {
    /// All faults at once.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (field, text, max) in [("related.type", &self.kind, 80), ("related.id", &self.id, 200)] {
            match text.chars().count() {
                0 => faults.push(Fault::new(field, "missing")),
                n if n > max => faults.push(Fault::new(field, "too_long").with_arg("max", max)),
                _ if text.contains('\0') => faults.push(Fault::new(field, "nul")),
                _ => {}
            }
        }
        if let Some(preview) = &self.preview {
            faults.extend(check_preview(preview));
        }
        faults
    }
}

fn check_preview(preview: &Value) -> Vec<Fault> {
    let Some(object) = preview.as_object() else {
        return vec![Fault::new("related.preview", "wrong_type")];
    };
    let mut faults = Vec::new();
    let has_title = object.get("title").and_then(Value::as_str).is_some_and(|title| !title.trim().is_empty());
    if !has_title {
        faults.push(Fault::new("related.preview.title", "missing"));
    }
    for (key, field) in [("url", "related.preview.url"), ("image_url", "related.preview.image_url")] {
        let ok = match object.get(key) {
            None | Some(Value::Null) => true,
            Some(value) => value.as_str().is_some_and(is_safe_link),
        };
        if !ok {
            faults.push(Fault::new(field, "invalid"));
        }
    }
    if preview.to_string().len() > MAX_PREVIEW_BYTES {
        faults.push(Fault::new("related.preview", "too_long").with_arg("max", MAX_PREVIEW_BYTES));
    }
    faults
}

/// A path within the application, or a web address. `javascript:` and similar schemes are refused, since front ends
/// put the link into an `href`. So are control characters, which browsers drop: `/\t/evil.example` would lead to
/// another host.
fn is_safe_link(link: &str) -> bool {
    if link.chars().any(char::is_control) {
        return false;
    }
    let own_path = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\");
    own_path || link.starts_with("https://") || link.starts_with("http://")
}

/// How far a message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageState {
    /// The message is committed.
    Sent,
    /// A device of a recipient has it.
    Delivered,
    /// A recipient on the other side has read it.
    Read,
}

/// A message, in responses and in events alike. A deleted message stays as a tombstone, with `content` and `related`
/// null.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// Null in direct conversations.
    pub client_id: Option<ClientId>,
    /// The operator in charge of the client, or the author when an operator wrote; null in direct conversations.
    pub operator_id: Option<UserId>,
    /// The number of the message in its conversation.
    #[schema(example = 12)]
    pub seq: i64,
    /// The topic number of its last change, which `?changed_after=` compares.
    #[schema(example = 57)]
    pub changed_seq: i64,
    pub sender_id: UserId,
    pub sender_type: UserType,
    pub sender_name: Option<String>,
    pub sender_avatar_url: Option<String>,
    #[schema(example = "Bonjour, où en est ma commande ?")]
    pub content: Option<String>,
    pub related: Option<RelatedEntity>,
    pub client_message_id: Option<Uuid>,
    pub state: MessageState,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub edited_at: Option<Timestamp>,
    pub deleted_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// The presence of the other side, and a notice for people who wait.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Counterpart {
    pub status: PresenceStatus,
    pub last_seen: Option<Timestamp>,
    /// For a member while no operator is online: "{operator} vous répondra dès que possible."
    pub message: Option<String>,
}

/// The response to a send.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SendAnswer {
    #[serde(flatten)]
    pub message: Message,
    pub counterpart: Counterpart,
}

/// A conversation, in lists and on its own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Conversation {
    pub id: ConversationId,
    #[schema(example = "client")]
    pub kind: String,
    pub client: Option<ClientName>,
    /// The other person of a direct conversation; null in rooms.
    pub peer: Option<DirectPeer>,
    pub last_message: Option<LastMessage>,
    pub unread_count: i64,
    pub counterpart: Counterpart,
    /// Whether the caller receives the events of this room and has it in their unread counters.
    pub followed: bool,
    pub last_message_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ClientName {
    pub id: ClientId,
    pub name: String,
}

/// A colleague. Name and rank are null if the caller may no longer see them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DirectPeer {
    pub id: UserId,
    #[schema(example = "Emma Laurent")]
    pub display_name: Option<String>,
    pub avatar_url: Option<String>,
    pub role: Option<Role>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LastMessage {
    pub id: MessageId,
    pub seq: i64,
    /// Null if the message was deleted.
    pub excerpt: Option<String>,
    pub sender_id: UserId,
    pub sender_name: Option<String>,
    pub created_at: Timestamp,
}

/// The caller's read position and counters after reading.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReadState {
    pub conversation_id: ConversationId,
    pub up_to_seq: i64,
    pub unread_count: i64,
    /// Over all rooms that count for the caller.
    pub total: i64,
}

/// The unread counters, room by room.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = UnreadRooms)]
pub struct UnreadRooms {
    pub total: i64,
    pub conversations: Vec<UnreadRoom>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UnreadRoom {
    pub id: ConversationId,
    pub unread_count: i64,
}

/// A search result, with matches marked by `<mark>` in escaped text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchHit {
    #[serde(flatten)]
    pub message: Message,
    #[schema(example = "Bonjour, où en est ma <mark>commande</mark> ?")]
    pub excerpt: String,
}

/// The first characters of a message, for lists.
pub fn excerpt(content: &str) -> String {
    let mut chars = content.trim().chars();
    let mut cut: String = chars.by_ref().take(EXCERPT_CHARS).collect();
    if chars.next().is_some() {
        cut.push('…');
    }
    cut
}

/// Checks a repeated `client_message_id`: the same content is a retry. Errors: `CONFLICT` for other content.
pub fn check_repeat(first: &Message, body: &MessageBody, related: Option<&RelatedEntity>) -> Result<()> {
    let same_words = first.deleted_at.is_some()
        || first.edited_at.is_some()
        || first.content.as_deref() == Some(body.as_str());
    let same_entity = first.deleted_at.is_some() || first.related.as_ref() == related;
    if same_words && same_entity {
        Ok(())
    } else {
        Err(Error::new(guichet_base::ErrorKind::Validation, "IDEMPOTENCY_MISMATCH"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_message_is_refused() {
        assert_eq!(MessageBody::parse(" \n\t ".into()).unwrap_err().code, "missing");
    }

    #[test]
    fn the_longest_message_counts_characters_not_bytes() {
        assert!(MessageBody::parse("é".repeat(MAX_CONTENT_CHARS)).is_ok());
        assert_eq!(MessageBody::parse("é".repeat(MAX_CONTENT_CHARS + 1)).unwrap_err().code, "too_long");
    }

    #[test]
    fn white_space_around_the_words_does_not_count() {
        let padded = format!("\n{} ", "é".repeat(MAX_CONTENT_CHARS));
        assert_eq!(MessageBody::parse(padded).unwrap().as_str().chars().count(), MAX_CONTENT_CHARS);
        assert_eq!(MessageBody::parse(" ça va ?\n".into()).unwrap().as_str(), " ça va ?\n");
    }

    #[test]
    fn links_that_run_code_are_refused() {
        for link in [
            "javascript:alert(1)",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "data:text/html,x",
        ] {
            assert!(!is_safe_link(link), "{link}");
        }
        assert!(is_safe_link("/orders/1"));
        assert!(is_safe_link("https://example.com"));
    }

    #[test]
    fn every_fault_of_a_related_entity_is_told_at_once() {
        let related = RelatedEntity {
            kind: String::new(),
            id: "x".repeat(201),
            preview: Some(serde_json::json!({"url": "javascript:x"})),
        };
        let fields: Vec<_> = related.faults().into_iter().map(|f| f.field.into_owned()).collect();
        assert_eq!(fields, ["related.type", "related.id", "related.preview.title", "related.preview.url"]);
    }

    #[test]
    fn an_excerpt_is_cut_between_characters() {
        assert_eq!(excerpt("  court  "), "court");
        assert_eq!(excerpt(&"é".repeat(200)).chars().count(), EXCERPT_CHARS + 1);
    }
}
