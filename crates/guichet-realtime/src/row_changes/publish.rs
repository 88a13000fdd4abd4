//! The task that publishes row changes, one event after the other, in the order in which the process saw them.

use std::sync::Arc;
use std::time::Duration;

use guichet_base::{Error, Result};
use tokio::time::{sleep, timeout};

use super::{Binding, Changes, Listener, RowChange, Rows, Table, frame};
use crate::backend::SocketBackend;
use crate::hub::event::Event;

/// Rows published without a pause: one read event may change a thousand, and a queue holds fewer.
const ROWS_AT_ONCE: usize = 32;
const PAUSE: Duration = Duration::from_millis(10);
/// How long loading the rows of one event may delay the others.
const PATIENCE: Duration = Duration::from_secs(5);

/// Publishes queued events, forever.
pub async fn run(changes: &Changes, backend: &dyn SocketBackend) {
    loop {
        let event = changes.next().await;
        for table in changes.concerned(&event) {
            publish_changes(changes, backend, table, &event).await;
        }
    }
}

async fn publish_changes(
    changes: &Changes,
    backend: &dyn SocketBackend,
    table: &'static Table,
    event: &Event,
) {
    if changes.listeners(event, table).is_empty() {
        return;
    }
    let rows = match rows(backend, table, event).await {
        Ok(rows) => rows,
        Err(error) => {
            tracing::warn!(%error, table = table.name, "changed rows could not be read: their listeners join again");
            return changes.listeners(event, table).iter().for_each(|listener| listener.lose());
        }
    };
    for (at, rows) in rows.chunks(ROWS_AT_ONCE).enumerate() {
        if at > 0 {
            sleep(PAUSE).await;
        }
        // Looked up again after each wait: a listener may have lost the right meanwhile.
        let listeners = changes.listeners(event, table);
        for change in rows {
            tell_row(table, event, change, &listeners);
        }
    }
}

async fn rows(backend: &dyn SocketBackend, table: &Table, event: &Event) -> Result<Vec<RowChange>> {
    match (table.rows)(event)? {
        Rows::Told(rows) => Ok(rows),
        Rows::Asked => match timeout(PATIENCE, backend.changed_rows(table.name, event)).await {
            Ok(rows) => rows,
            Err(_) => Err(Error::unavailable("reading took too long")),
        },
    }
}

fn tell_row(table: &Table, event: &Event, change: &RowChange, listeners: &[Arc<Listener>]) {
    let mut whole: Option<String> = None;
    for listener in listeners {
        let wanting: Vec<&Binding> =
            listener.bindings.iter().filter(|binding| binding.wants(table, change)).collect();
        // Bindings with the same columns share a frame; almost always there is one.
        let mut told: Vec<Option<&[usize]>> = Vec::new();
        for binding in &wanting {
            let select = binding.select.as_deref();
            if told.contains(&select) {
                continue;
            }
            told.push(select);
            let ids: Vec<i32> =
                wanting.iter().filter(|other| other.select.as_deref() == select).map(|b| b.id).collect();
            let payload = match select {
                None => {
                    let data = whole.get_or_insert_with(|| frame::data(table, event, change, None));
                    frame::payload(&ids, data)
                }
                Some(_) => frame::payload(&ids, &frame::data(table, event, change, select)),
            };
            listener.deliver(&payload);
        }
    }
}
