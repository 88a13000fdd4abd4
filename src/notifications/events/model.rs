//! An accepted event: its audience, its plan, and its idempotency names.

use guichet_base::id::{ClientId, TeamId, UserId};
use guichet_base::role::UserType;
use guichet_base::{Error, Fault, Locale, Result, Role, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::notifications::model::{AnnouncedEvent, EventProgress, Recipients};
use crate::notifications::templates::{Concerned, Rendered, Template, Text};
use crate::preferences::{Category, Channel, ChannelChoices, EventProfile, PerChannel, Priority};

/// Maximum audience whose notifications are written in the transaction of the event.
pub const MAX_INLINE_AUDIENCE: i64 = 100;
/// Longest idempotency key of a producer.
pub const MAX_KEY_CHARS: usize = 200;

/// An accepted event: accepted by this call, or earlier (`replayed`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accepted {
    pub progress: EventProgress,
    pub replayed: bool,
}

/// The audience of an event, resolved from its recipients or from its template.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct EventAudience {
    pub users: Vec<UserId>,
    pub teams: Vec<TeamId>,
    pub roles: Vec<Role>,
    /// All members of these clients.
    pub clients: Vec<ClientId>,
    /// The operators in charge of these clients; for a client without one, its team.
    pub operators_of: Vec<ClientId>,
    pub everyone: bool,
}

impl EventAudience {
    pub fn from_recipients(recipients: &Recipients) -> Self {
        Self {
            users: recipients.users.clone(),
            teams: recipients.teams.clone(),
            roles: recipients.roles.clone(),
            clients: recipients.clients.clone(),
            operators_of: Vec::new(),
            everyone: recipients.everyone,
        }
    }

    /// The template's own audience, from fields of the validated payload.
    pub fn from_template(template: &Template, payload: &Map<String, Value>) -> Self {
        let mut audience = Self::default();
        for concerned in &template.audience {
            match concerned {
                Concerned::User => audience.users.extend(payload_uuid(payload, "user_id").map(UserId)),
                Concerned::Team => audience.teams.extend(payload_uuid(payload, "team_id").map(TeamId)),
                Concerned::ClientMembers => {
                    audience.clients.extend(payload_uuid(payload, "client_id").map(ClientId))
                }
                Concerned::ClientOperator => {
                    audience.operators_of.extend(payload_uuid(payload, "client_id").map(ClientId));
                }
                Concerned::Everyone => audience.everyone = true,
                Concerned::Roles(roles) => audience.roles.extend(roles),
                // Chat names its recipients itself; see `chat_source`.
                Concerned::Told => {}
            }
        }
        audience
    }
}

pub fn payload_uuid(payload: &Map<String, Value>, name: &str) -> Option<Uuid> {
    payload.get(name)?.as_str()?.parse::<uuid::fmt::Hyphenated>().ok().map(Into::into)
}

/// Everything that is decided once for all recipients of an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub code: String,
    pub category: Category,
    pub priority: Priority,
    pub channels: PerChannel<bool>,
    /// The channel that the template prefers.
    pub prefers: Channel,
    pub disabled: PerChannel<bool>,
    /// The tenant's defaults of the category.
    pub defaults: ChannelChoices,
    pub texts: Rendered,
    pub payload: Map<String, Value>,
    /// The team that the event belongs to; people outside it get no notification.
    pub team: Option<TeamId>,
    pub client: Option<ClientId>,
    pub expires_at: Option<Timestamp>,
    /// Whether the audience is large; its deliveries then go to the bulk lane.
    pub is_bulk: bool,
}

impl Plan {
    pub fn event_profile(&self) -> EventProfile {
        EventProfile {
            category: self.category,
            priority: self.priority,
            channels: self.channels,
            disabled: self.disabled,
        }
    }

    /// Restricts the plan to these channels; the first is preferred.
    pub fn use_only(&mut self, channels: &[Channel]) {
        self.channels = PerChannel::from_fn(|channel| channels.contains(&channel));
        self.prefers = channels.first().copied().unwrap_or(Channel::Inapp);
    }

    /// Returns the text and the `data` of the notification for a recipient.
    pub fn text_and_data(&self, locale: Locale, side: UserType) -> (&Text, Value) {
        let text = self.texts.text(locale, side);
        let mut data = self.payload.clone();
        data.insert("url".to_owned(), json!(text.link));
        (text, Value::Object(data))
    }
}

/// A name that identifies copies of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyName {
    pub key: String,
    /// Hash of the content. An announcement with the same name and different content is an error.
    pub body_hash: Vec<u8>,
}

/// Returns up to two names: the producer's key, and the hash of the content with its time. Copies of one event may
/// arrive by two sources, and only one of them has a key.
pub fn idempotency_names(announced: &AnnouncedEvent) -> Result<Vec<IdempotencyName>> {
    let body =
        json!({ "event": announced.event, "payload": announced.payload, "recipients": announced.recipients });
    let body_hash = Sha256::digest(body.to_string().as_bytes()).to_vec();
    let mut names = Vec::new();
    if let Some(key) = &announced.idempotency_key {
        let length = key.chars().count();
        if length == 0 || length > MAX_KEY_CHARS || key.contains('\0') {
            let fault = Fault::new("idempotency_key", if length == 0 { "too_short" } else { "too_long" });
            return Err(Error::validation(vec![fault.with_arg("min", 1).with_arg("max", MAX_KEY_CHARS)]));
        }
        names.push(IdempotencyName { key: format!("key:{key}"), body_hash: body_hash.clone() });
    }
    if let Some(at) = announced.occurred_at {
        let mut hasher = Sha256::new();
        hasher.update(
            json!([announced.event, announced.payload, announced.recipients, at]).to_string().as_bytes(),
        );
        let key = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        names.push(IdempotencyName { key: format!("said:{key}"), body_hash });
    }
    // Claimed in a fixed order, so that two concurrent copies never deadlock.
    names.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(names)
}
