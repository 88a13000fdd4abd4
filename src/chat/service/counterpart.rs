//! Whether somebody is there on the other side.

use crate::base::id::UserId;
use crate::base::role::UserType;
use crate::base::{Actor, Timestamp, text};
use crate::chat::Chat;
use crate::chat::model::{Counterpart, Status};

/// What a sender is told: to a member, who will answer when no operator is there.
pub fn after_send(
    chat: &Chat,
    actor: &Actor,
    others: &[UserId],
    operator_name: Option<&str>,
    last_seen: Option<Timestamp>,
) -> Counterpart {
    if others.iter().any(|user| chat.hub.is_online(actor.tenant, *user)) {
        return Counterpart { status: Status::Online, last_seen: None, message: None };
    }
    let message = (actor.role.user_type() == UserType::Client).then(|| match operator_name {
        Some(name) => text::say(actor.locale, "chat-away", &[("operator", name.to_owned())]),
        None => text::say(actor.locale, "chat-away-nobody", &[]),
    });
    Counterpart { status: Status::Offline, last_seen, message }
}
