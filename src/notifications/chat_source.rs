//! Chat messages as a source of notifications: one unread notification per person and conversation, raised by each
//! further message, in the transaction of the message.

use guichet_base::id::{ClientId, ConversationId, EventId, MessageId, UserId};
use guichet_base::{Actor, Result};
use guichet_db::Tx;
use serde_json::{Map, Value, json};

use super::events::model::{EventAudience, INLINE_MAX, Plan};
use super::events::{disabled, said};
use super::model::conversation_group;
use super::pipeline::{self, AudienceSegment};
use super::{Notifications, templates};
use crate::preferences::{Channel, PerChannel, tenant_defaults};

/// The template of these notifications.
const NEW_MESSAGE: &str = "message.new";
/// Characters of the message shown in a notification.
const EXCERPT_CHARS: usize = 140;

/// A message that was just written.
pub struct WrittenMessage<'a> {
    pub message: MessageId,
    pub conversation: ConversationId,
    /// The client, if it was written in a client's room.
    pub client: Option<(ClientId, &'a str)>,
    pub sender_name: &'a str,
    pub content: &'a str,
    /// The recipients of the message, without its author.
    pub told: Vec<UserId>,
    /// Recipients who have the conversation open.
    pub looking: Vec<UserId>,
}

/// Raises the notifications for a message.
pub fn notify(tx: &mut Tx<'_>, n: &Notifications, actor: &Actor, written: &WrittenMessage<'_>) -> Result<()> {
    if written.told.is_empty() {
        return Ok(());
    }
    let payload = payload(written);
    let said = said(tx, actor.tenant, NEW_MESSAGE)?;
    let template = templates::effective(NEW_MESSAGE, said.changes.as_ref())?;
    let plan = Plan {
        category: template.category,
        priority: template.priority,
        channels: PerChannel::from_fn(|channel| template.channels.contains(&channel)),
        prefers: template.channels.first().copied().unwrap_or(Channel::Inapp),
        disabled: disabled(n, &n.directory.features_from_settings(&said.settings)),
        defaults: tenant_defaults(&said.settings).for_category(template.category),
        texts: template.render(&payload)?,
        team: None,
        client: written.client.map(|(client, _)| client),
        expires_at: n.settings.default_ttl.map(|ttl| n.clock.now().plus(ttl)),
        is_bulk: i64::try_from(written.told.len()).is_ok_and(|told| told > INLINE_MAX),
        payload,
        code: template.code,
    };
    let audience = EventAudience { users: written.told.clone(), ..EventAudience::default() };
    let group = conversation_group(written.conversation.0);
    let mut up_to = None;
    loop {
        let stretch = AudienceSegment {
            event: EventId(written.message.0),
            plan: &plan,
            audience: &audience,
            actor: Some(actor.user),
            group_key: Some(&group),
            up_to,
            looking: &written.looking,
        };
        let done = pipeline::step(n, tx, actor.tenant, &stretch)?;
        if done.is_last {
            return Ok(());
        }
        up_to = done.up_to;
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
    let line = content.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(EXCERPT_CHARS) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default().trim_end()),
        None => line,
    }
}
