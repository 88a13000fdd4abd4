//! Chat messages as a source of notifications: one unread notification per person and conversation, updated by each
//! further message. Everything is written in the transaction of the message.

use guichet_base::id::{ClientId, ConversationId, EventId, MessageId, UserId};
use guichet_base::{Actor, Result};
use guichet_db::Tx;
use serde_json::{Map, Value, json};

use super::events::model::{EventAudience, MAX_INLINE_AUDIENCE, Plan};
use super::events::{disabled_channels, load_tenant_texts};
use super::model::conversation_group;
use super::pipeline::{self, AudienceSegment};
use super::{Notifications, templates};
use crate::preferences::{Channel, PerChannel, tenant_defaults};

/// Template code of notifications about chat messages.
const NEW_MESSAGE: &str = "message.new";
/// Maximum characters of the message that a notification shows.
const EXCERPT_CHARS: usize = 140;

/// A message that was just written.
pub struct WrittenMessage<'a> {
    pub message: MessageId,
    pub conversation: ConversationId,
    /// The client and their name, if the message was written in a client's room.
    pub client: Option<(ClientId, &'a str)>,
    pub sender_name: &'a str,
    pub content: &'a str,
    /// The recipients of the message, without its author.
    pub recipients: Vec<UserId>,
    /// Recipients who have the conversation open; they get no notification outside the app.
    pub viewers: Vec<UserId>,
}

/// Creates or updates the notifications for a message.
pub fn notify(tx: &mut Tx<'_>, n: &Notifications, actor: &Actor, written: &WrittenMessage<'_>) -> Result<()> {
    if written.recipients.is_empty() {
        return Ok(());
    }
    let payload = payload(written);
    let tenant_texts = load_tenant_texts(tx, actor.tenant, NEW_MESSAGE)?;
    let template = templates::effective(NEW_MESSAGE, tenant_texts.changes.as_ref())?;
    let plan = Plan {
        category: template.category,
        priority: template.priority,
        channels: PerChannel::from_fn(|channel| template.channels.contains(&channel)),
        prefers: template.channels.first().copied().unwrap_or(Channel::Inapp),
        disabled: disabled_channels(n, &n.directory.features_from_settings(&tenant_texts.settings)),
        defaults: tenant_defaults(&tenant_texts.settings).for_category(template.category),
        texts: template.render(&payload)?,
        team: None,
        client: written.client.map(|(client, _)| client),
        expires_at: n.settings.default_ttl.map(|ttl| n.clock.now().plus(ttl)),
        is_bulk: i64::try_from(written.recipients.len()).is_ok_and(|count| count > MAX_INLINE_AUDIENCE),
        payload,
        code: template.code,
    };
    let audience = EventAudience { users: written.recipients.clone(), ..EventAudience::default() };
    let group = conversation_group(written.conversation.0);
    let mut up_to = None;
    loop {
        let segment = AudienceSegment {
            event: EventId(written.message.0),
            plan: &plan,
            audience: &audience,
            actor: Some(actor.user),
            group_key: Some(&group),
            after: up_to,
            viewers: &written.viewers,
        };
        let result = pipeline::process_segment(n, tx, actor.tenant, &segment)?;
        if result.is_last {
            return Ok(());
        }
        up_to = result.last_user;
    }
}

fn payload(written: &WrittenMessage<'_>) -> Map<String, Value> {
    let mut payload = Map::new();
    payload.insert("conversation_id".to_owned(), json!(written.conversation));
    payload.insert("sender_name".to_owned(), json!(written.sender_name));
    payload.insert("excerpt".to_owned(), json!(excerpt(written.content)));
    payload.insert("count".to_owned(), json!(1));
    if let Some((id, name)) = written.client {
        payload.insert("client_id".to_owned(), json!(id));
        payload.insert("client".to_owned(), json!(name));
    }
    payload
}

fn excerpt(content: &str) -> String {
    let text = content.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(EXCERPT_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default().trim_end()),
        None => text,
    }
}
