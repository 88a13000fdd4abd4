//! Logs connects and disconnects of sockets: `ws.connect` and `ws.disconnect` in the activity log.
//!
//! Sessions queue the change and go on; one task writes the rows, each as the person who connected. A queue over its
//! bound drops entries and counts them: these rows are for later inspection, and nothing depends on them.

use guichet_base::{Actor, Result};
use guichet_db::Db;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::activity::{self, ActivityAction, ActivityEntry};

/// Changes that may wait to be written.
const MAX_QUEUED: usize = 20_000;

#[derive(Debug)]
struct ConnectionChange {
    actor: Actor,
    is_connect: bool,
}

/// Where sessions report connects and disconnects.
#[derive(Clone)]
pub struct ConnectionLog {
    sender: mpsc::Sender<ConnectionChange>,
}

/// The changes that are not written yet.
pub struct ConnectionLogWriter {
    receiver: mpsc::Receiver<ConnectionChange>,
}

impl ConnectionLog {
    pub fn new() -> (Self, ConnectionLogWriter) {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED);
        (Self { sender }, ConnectionLogWriter { receiver })
    }

    pub fn record_connect(&self, actor: &Actor) {
        self.queue(actor, true);
    }

    pub fn record_disconnect(&self, actor: &Actor) {
        self.queue(actor, false);
    }

    fn queue(&self, actor: &Actor, came: bool) {
        if self.sender.try_send(ConnectionChange { actor: actor.clone(), is_connect: came }).is_err() {
            tracing::debug!("too many come and go at once to write each down");
        }
    }
}

impl ConnectionLogWriter {
    /// Writes queued changes until `stop` is cancelled, then those that were queued by then.
    pub async fn run(mut self, db: Db, stop: CancellationToken) {
        loop {
            let moved = tokio::select! {
                biased;
                moved = self.receiver.recv() => moved,
                () = stop.cancelled() => break,
            };
            match moved {
                Some(moved) => write_one(&db, moved).await,
                None => return,
            }
        }
        while let Ok(moved) = self.receiver.try_recv() {
            write_one(&db, moved).await;
        }
    }
}

async fn write_one(db: &Db, moved: ConnectionChange) {
    let user = moved.actor.user;
    if let Err(error) = write_entry(db, moved).await {
        tracing::debug!(%error, user.id = %user, "a coming or going was not written");
    }
}

async fn write_entry(db: &Db, ConnectionChange { actor, is_connect: came }: ConnectionChange) -> Result<()> {
    let action = if came { ActivityAction::WsConnect } else { ActivityAction::WsDisconnect };
    let entry =
        ActivityEntry::new(action, "user", actor.user).with_details(json!({ "role": actor.role.into_str() }));
    let by = actor.clone();
    db.write(&actor, move |tx| activity::record(tx, &by, &entry)).await
}
