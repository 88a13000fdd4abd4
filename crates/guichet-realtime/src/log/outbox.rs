//! The outbox table: durable events as rows, read for replays, for gaps, and by the tail. Features write the rows
//! themselves, in the transaction of their cause.
//!
//! `page`, `fill` and `tail` read as the worker role: a topic's rows are the same for all its subscribers, who were
//! authorized before (`SocketBackend::authorize`; docs/adr/0006). Payloads stay text from the row to the socket: the
//! type `json` keeps them byte for byte.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use futures_util::future::BoxFuture;
use guichet_base::id::{ClientId, TenantId};
use guichet_base::{Actor, Error, Result, Timestamp};
use guichet_db::sql::sql;
use guichet_db::{Db, Tx, WorkerTx};
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::hub::event::{Event, SideEvent};
use crate::log::{NewestSegment, PayloadInterest, ReplayLog, TailCursor};

const PAGE_ROWS: i64 = 1_000;
/// Of payloads; the row that exceeds it is the last.
const PAGE_BYTES: i64 = 1024 * 1024;
const FILL_ROWS: i64 = 256;
const TAIL_ROWS: i64 = 1_000;
/// Days for which partitions are created ahead.
const DAYS_AHEAD: i32 = 14;

const NEWEST: &str = "SELECT min(seq) - 1 AS after, count(*) AS number FROM (SELECT seq FROM outbox \
    WHERE tenant_id = $1 AND topic = $2 AND created_at >= $3 ORDER BY seq DESC LIMIT $4) AS newest";

// Copies and side events (fanout) are not part of a replay.
const PAGE: &str = "SELECT tenant_id, topic, seq, id, event, payload, '{}' AS fanout, client_id, 0::bigint AS tx \
    FROM (SELECT tenant_id, topic, seq, id, event, payload::text AS payload, client_id, \
                 sum(octet_length(payload::text)) OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS before \
            FROM outbox WHERE tenant_id = $1 AND topic = $2 AND seq > $3 AND seq <= $4) AS missed \
    WHERE coalesce(before, 0) < $5 ORDER BY seq LIMIT $6";

const FILL: &str = "SELECT tenant_id, topic, seq, id, event, payload::text AS payload, fanout::text AS fanout, client_id, \
    0::bigint AS tx FROM outbox WHERE tenant_id = $1 AND topic = $2 AND seq > $3 AND seq <= $4 ORDER BY seq LIMIT $5";

const EDGE: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS number";

// The transaction horizon is read before the rows, by its own statement: every row below it is then visible. An event
// for its own topic only is returned without payload: of an announcement to a hundred thousand people, only the
// payloads for people connected here are read.
const TAIL: &str = "SELECT tenant_id, topic, seq, id, event, \
    CASE WHEN fanout::text <> '{}' THEN payload::text END AS payload, fanout::text AS fanout, client_id, \
    txid::text::bigint AS tx FROM outbox \
    WHERE (txid, tenant_id, topic, seq) > ($1::text::xid8, $2, $3, $4) AND txid < $5::text::xid8 \
    ORDER BY txid, tenant_id, topic, seq LIMIT $6";

// By the tail's own index: the rows are where the page was read.
const PAYLOADS: &str = "SELECT id, payload::text AS payload FROM outbox \
    WHERE txid >= $1::text::xid8 AND txid <= $2::text::xid8 AND id = ANY($3)";

const KEEP_PARTITIONS: &str = "SELECT authz.keep_outbox($1, $2)";

// Rows that a reader has not read yet are kept, however long it was away. A separate statement: a partition cannot be
// dropped while a query uses it.
const UNREAD_DAYS: &str = "SELECT coalesce(ceil(extract(epoch FROM now() - min(created_at)) / 86400), 0)::bigint + 1 AS number \
    FROM outbox WHERE txid > (SELECT min(txid) FROM outbox_readers)";

/// The column `fanout`: further recipients of an event.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fanout {
    copies: Vec<Box<str>>,
    also: Vec<SideEvent>,
}

/// PostgreSQL's outbox as the replay log.
pub struct Outbox(pub Db);

impl ReplayLog for Outbox {
    fn newest_segment<'a>(
        &'a self,
        actor: &'a Actor,
        topic: &'a str,
        since: Timestamp,
        limit: i64,
    ) -> BoxFuture<'a, Result<Option<NewestSegment>>> {
        let (tenant, topic) = (actor.tenant, topic.to_owned());
        Box::pin(self.0.read(actor, move |tx| newest(tx, tenant, &topic, since, limit)))
    }

    fn read_page<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>> {
        let topic = topic.to_owned();
        Box::pin(self.0.worker(move |tx| page(tx, tenant, &topic, after, up_to)))
    }

    fn read_gap<'a>(
        &'a self,
        tenant: TenantId,
        topic: &'a str,
        after: i64,
        up_to: i64,
    ) -> BoxFuture<'a, Result<Vec<Event>>> {
        let topic = topic.to_owned();
        Box::pin(self.0.worker(move |tx| fill(tx, tenant, &topic, after, up_to)))
    }

    fn tail_start(&self) -> BoxFuture<'_, Result<TailCursor>> {
        Box::pin(self.0.worker(edge))
    }

    fn read_tail(
        &self,
        from: TailCursor,
        wants: PayloadInterest,
    ) -> BoxFuture<'_, Result<(Vec<Event>, TailCursor)>> {
        Box::pin(self.0.worker(move |tx| tail(tx, &from, &wants)))
    }

    fn maintain_partitions(&self, keep_days: i32) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.0.worker(move |tx| {
            let unread: NumberRow = sql(UNREAD_DAYS).get_result(tx.conn())?;
            let days = i32::try_from(unread.number).unwrap_or(i32::MAX).max(keep_days);
            sql(KEEP_PARTITIONS).bind(DAYS_AHEAD).bind(days).execute(tx.conn())?;
            Ok(())
        }))
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    tenant_id: TenantId,
    #[diesel(sql_type = Text)]
    topic: String,
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    event: String,
    /// `None` means not read.
    #[diesel(sql_type = Nullable<Text>)]
    payload: Option<String>,
    #[diesel(sql_type = Text)]
    fanout: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    client_id: Option<ClientId>,
    #[diesel(sql_type = BigInt)]
    tx: i64,
}

#[derive(QueryableByName)]
struct PayloadRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    payload: String,
}

#[derive(QueryableByName)]
struct NumberRow {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct SegmentRow {
    #[diesel(sql_type = Nullable<BigInt>)]
    after: Option<i64>,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

fn newest(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    topic: &str,
    since: Timestamp,
    limit: i64,
) -> Result<Option<NewestSegment>> {
    // One row more than requested shows whether the limit cuts.
    let found: SegmentRow =
        sql(NEWEST).bind(tenant).bind(topic).bind(since).bind(limit + 1).get_result(tx.conn())?;
    let truncated = found.number > limit;
    Ok(found.after.map(|after| NewestSegment { after: after + i64::from(truncated), truncated }))
}

fn page(tx: &mut WorkerTx<'_>, tenant: TenantId, topic: &str, after: i64, up_to: i64) -> Result<Vec<Event>> {
    let rows = sql(PAGE)
        .bind(tenant)
        .bind(topic)
        .bind(after)
        .bind(up_to)
        .bind(PAGE_BYTES)
        .bind(PAGE_ROWS)
        .load(tx.conn())?;
    into_events(rows)
}

fn fill(tx: &mut WorkerTx<'_>, tenant: TenantId, topic: &str, after: i64, up_to: i64) -> Result<Vec<Event>> {
    let rows = sql(FILL).bind(tenant).bind(topic).bind(after).bind(up_to).bind(FILL_ROWS).load(tx.conn())?;
    into_events(rows)
}

fn edge(tx: &mut WorkerTx<'_>) -> Result<TailCursor> {
    let edge: NumberRow = sql(EDGE).get_result(tx.conn())?;
    Ok(TailCursor::before_transaction(edge.number))
}

fn tail(
    tx: &mut WorkerTx<'_>,
    from: &TailCursor,
    wants: &PayloadInterest,
) -> Result<(Vec<Event>, TailCursor)> {
    let edge = edge(tx)?;
    let rows: Vec<Row> = sql(TAIL)
        .bind(from.txid.to_string())
        .bind(from.tenant)
        .bind(from.topic.as_str())
        .bind(from.seq)
        .bind(edge.txid.to_string())
        .bind(TAIL_ROWS)
        .load(tx.conn())?;
    let is_full = i64::try_from(rows.len()).is_ok_and(|rows| rows == TAIL_ROWS);
    let next = match rows.last() {
        Some(last) if is_full => {
            TailCursor { txid: last.tx, tenant: last.tenant_id.0, topic: last.topic.clone(), seq: last.seq }
        }
        Some(_) | None => edge,
    };
    Ok((load_payloads(tx, rows, wants)?, next))
}

/// The events of a page that subscribers of this process need, in order, with payloads.
fn load_payloads(tx: &mut WorkerTx<'_>, rows: Vec<Row>, wants: &PayloadInterest) -> Result<Vec<Event>> {
    let (mut found, mut lacking) = (Vec::new(), HashMap::new());
    let (mut first, mut last) = (i64::MAX, i64::MIN);
    for row in rows {
        let (is_whole, txid) = (row.payload.is_some(), row.tx);
        let event = row.into_event()?;
        if !is_whole {
            if !wants(&event) {
                continue;
            }
            (first, last) = (first.min(txid), last.max(txid));
            lacking.insert(event.id, found.len());
        }
        found.push(event);
    }
    if lacking.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Uuid> = lacking.keys().copied().collect();
    let query = sql(PAYLOADS).bind(first.to_string()).bind(last.to_string()).bind(ids);
    for PayloadRow { id, payload } in query.load(tx.conn())? {
        if let Some(event) = lacking.get(&id).and_then(|at| found.get_mut(*at)) {
            event.payload = RawValue::from_string(payload).map_err(Error::internal)?;
        }
    }
    Ok(found)
}

fn into_events(rows: Vec<Row>) -> Result<Vec<Event>> {
    rows.into_iter().map(Row::into_event).collect()
}

impl Row {
    fn into_event(self) -> Result<Event> {
        let fanout: Fanout = match &*self.fanout {
            "{}" => Fanout::default(),
            fanout => serde_json::from_str(fanout).map_err(Error::internal)?,
        };
        let payload = match self.payload {
            Some(payload) => RawValue::from_string(payload).map_err(Error::internal)?,
            None => RawValue::NULL.to_owned(),
        };
        Ok(Event {
            tenant: self.tenant_id,
            id: self.id,
            topic: self.topic.into(),
            seq: self.seq,
            name: self.event.into(),
            payload,
            copies: fanout.copies,
            side_events: fanout.also,
            client: self.client_id,
        })
    }
}
