//! Queries for subscribers to changes of `messages`: the rows they may read, and the rows that a read event changed.

use std::sync::Arc;

use guichet_base::id::{ConversationId, UserId};
use guichet_base::{Actor, Error, Locale, Result, Role};
use guichet_realtime::{Event, ReadScope, RowChange};
use serde::Deserialize;

use crate::chat::{Chat, row_changes, store};

/// Largest number of clients with which a person who does not see all clients can subscribe to changes.
const MAX_CLIENTS: i64 = 10_000;

/// The read scopes of `actor`: the clients they see, and their own direct conversations.
pub async fn read_scopes(chat: &Chat, actor: &Actor) -> Result<Vec<ReadScope>> {
    chat.check_access(actor).await?;
    let mut scopes = match actor.role {
        Role::Owner | Role::Manager => vec![ReadScope::AllClients],
        Role::Employee | Role::Client => {
            let clients =
                chat.db.read(actor, |tx| store::visible_clients(tx.conn(), MAX_CLIENTS + 1)).await?;
            if i64::try_from(clients.len()).is_ok_and(|clients| clients > MAX_CLIENTS) {
                return Err(Error::forbidden().with_source("too many clients to listen to each of them"));
            }
            clients.into_iter().map(ReadScope::Client).collect()
        }
        Role::Service | Role::Platform => Vec::new(),
    };
    scopes.push(ReadScope::Person(actor.user));
    Ok(scopes)
}

/// The messages that a `messaging:read` event changed, as its reader sees them. A message that was changed again
/// since is left out: the event of that later change carries it.
pub async fn rows_changed_by_read(chat: &Chat, event: &Event) -> Result<Vec<RowChange>> {
    #[derive(Deserialize)]
    struct ReadEvent {
        conversation_id: ConversationId,
        reader_id: UserId,
    }
    let reading: ReadEvent = serde_json::from_str(event.payload.get()).map_err(Error::internal)?;
    let reader = Actor {
        tenant: event.tenant,
        user: reading.reader_id,
        // The lowest role, until the directory returns the actual one.
        role: Role::Client,
        scopes: Arc::default(),
        locale: Locale::default(),
        ip: None,
        // The person was authenticated when the event was created; a later revocation does not suppress the event.
        authenticated_at: Some(chat.clock.now()),
    };
    let reader = chat.directory.refresh_actor(&reader).await?;
    let (tenant, conversation, seq) = (event.tenant, reading.conversation_id, event.seq);
    let messages =
        chat.db.read(&reader, move |tx| store::changed_at(tx.conn(), tenant, conversation, seq)).await?;
    messages.iter().map(|message| row_changes::message_update(event, message)).collect()
}
