//! `Idempotency-Key`: a repeated request takes effect once.
//!
//! The first response is stored in the transaction of its effect. While that request runs, a repetition gets 409. A
//! key belongs to one actor, route and body; another route or body gets 422. Bodies are compared by value,
//! so the order of JSON keys does not matter.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::HeaderName;
use actix_web::{FromRequest, HttpRequest};
use diesel::sql_types::{Bool, Bytea, Json, Text};
use diesel::{OptionalExtension, PgConnection, QueryableByName, RunQueryDsl};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use guichet_base::{Error, ErrorKind, Result, Timestamp};
use guichet_db::sql::{Bind, sql};
use guichet_db::{Db, Tx, WorkerTx};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const MAX_KEY_BYTES: usize = 200;
/// Maximum rows that one transaction of `delete_older` deletes.
const DELETE_BATCH_ROWS: i64 = 5_000;

/// Extractor of the `Idempotency-Key` header: 1–200 visible ASCII characters.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Option<RoutedKey>);

#[derive(Debug, Clone)]
struct RoutedKey {
    key: String,
    route: String,
}

/// A request that takes effect once, however often it is repeated. Without a key, no query is added.
#[derive(Debug, Clone)]
pub struct IdempotentRequest(Option<KeyedRequest>);

#[derive(Debug, Clone)]
struct KeyedRequest {
    routed_key: RoutedKey,
    body_hash: Vec<u8>,
}

/// A response, and whether it was stored by an earlier request.
#[derive(Debug, Clone)]
pub struct Replayable<T> {
    pub value: T,
    pub replayed: bool,
}

impl FromRequest for IdempotencyKey {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut values = request.headers().get_all(&HEADER);
        let Some(value) = values.next() else { return ready(Ok(Self(None))) };
        let key = value.to_str().unwrap_or_default();
        let is_key = (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        if !is_key || values.next().is_some() {
            return ready(Err(Error::invalid("Idempotency-Key", "invalid")));
        }
        let path = request.path();
        // The same routes exist under /api and /api/v1.
        let path = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/api/")).unwrap_or(path);
        let route = format!("{} {path}", request.method());
        ready(Ok(Self(Some(RoutedKey { key: key.to_owned(), route }))))
    }
}

impl IdempotencyKey {
    /// The key itself, if any.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_ref().map(|routed_key| routed_key.key.as_str())
    }

    /// Binds the key to the body of the request.
    pub fn bind_body(self, body: &impl Serialize) -> Result<IdempotentRequest> {
        let Some(routed_key) = self.0 else { return Ok(IdempotentRequest(None)) };
        // By `serde_json::Value`, whose objects are sorted by key.
        let body = serde_json::to_value(body).map_err(Error::internal)?;
        let body_hash = Sha256::digest(body.to_string().as_bytes()).to_vec();
        Ok(IdempotentRequest(Some(KeyedRequest { routed_key, body_hash })))
    }
}

impl IdempotentRequest {
    /// A request without a key.
    pub fn without_key() -> Self {
        Self(None)
    }

    /// Runs `work` in `tx`, or returns the stored response. Errors besides those of `work`: `REQUEST_IN_PROGRESS`,
    /// `IDEMPOTENCY_MISMATCH`. An error is not stored: a repetition runs `work` again.
    pub fn run_once<T>(
        &self,
        tx: &mut Tx<'_>,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T>,
    ) -> Result<Replayable<T>>
    where
        T: Serialize + DeserializeOwned,
    {
        let Some(request) = &self.0 else { return Ok(Replayable { value: work(tx)?, replayed: false }) };
        lock_key(tx.conn(), &request.routed_key.key)?;
        if let Some(stored) = find_response(tx.conn(), &request.routed_key.key)? {
            if stored.route != request.routed_key.route || stored.body_hash != request.body_hash {
                return Err(Error::new(ErrorKind::Validation, "IDEMPOTENCY_MISMATCH"));
            }
            let value = serde_json::from_value(stored.answer).map_err(Error::internal)?;
            return Ok(Replayable { value, replayed: true });
        }
        let value = work(tx)?;
        let response = serde_json::to_value(&value).map_err(Error::internal)?;
        store_response(tx.conn(), request, response)?;
        Ok(Replayable { value, replayed: false })
    }
}

// `authz.tenant()` and `authz.me()` read the actor from the settings of the transaction.
const LOCK: &str = "SELECT pg_try_advisory_xact_lock(hashtextextended( \
     concat_ws(' ', 'idempotency', authz.tenant(), authz.me(), $1), 0)) AS locked";
const FIND: &str = "SELECT route, body_hash, answer FROM idempotency_keys \
     WHERE tenant_id = authz.tenant() AND user_id = authz.me() AND key = $1";
const STORE: &str = "INSERT INTO idempotency_keys (tenant_id, user_id, key, route, body_hash, answer) \
     VALUES (authz.tenant(), authz.me(), $1, $2, $3, $4)";

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

#[derive(QueryableByName)]
struct StoredResponse {
    #[diesel(sql_type = Text)]
    route: String,
    #[diesel(sql_type = Bytea)]
    body_hash: Vec<u8>,
    #[diesel(sql_type = Json)]
    answer: Value,
}

/// Locks the key in a separate statement, so that the look-up after it sees everything committed until then.
fn lock_key(conn: &mut PgConnection, key: &str) -> Result<()> {
    let row: LockRow = sql(LOCK).bind(key).get_result(conn)?;
    if row.locked {
        Ok(())
    } else {
        Err(Error::new(ErrorKind::Conflict, "REQUEST_IN_PROGRESS").with_retry_after(1))
    }
}

fn find_response(conn: &mut PgConnection, key: &str) -> Result<Option<StoredResponse>> {
    Ok(sql(FIND).bind(key).get_result(conn).optional()?)
}

fn store_response(conn: &mut PgConnection, request: &KeyedRequest, answer: Value) -> Result<()> {
    sql(STORE)
        .bind(request.routed_key.key.as_str())
        .bind(request.routed_key.route.as_str())
        .bind(request.body_hash.clone())
        .bind(Bind::Json(answer))
        .execute(conn)?;
    Ok(())
}

const DELETE_OLDER: &str = "WITH old AS (SELECT tenant_id, user_id, key FROM idempotency_keys WHERE created_at < $1 \
     ORDER BY created_at LIMIT $2) \
     DELETE FROM idempotency_keys k USING old \
      WHERE (k.tenant_id, k.user_id, k.key) = (old.tenant_id, old.user_id, old.key)";

/// Deletes responses stored before `until` in batches, and returns their number.
pub async fn delete_older(db: &Db, until: Timestamp) -> Result<usize> {
    let mut deleted = 0;
    loop {
        let count = db
            .worker(move |tx: &mut WorkerTx<'_>| {
                Ok(sql(DELETE_OLDER).bind(until).bind(DELETE_BATCH_ROWS).execute(tx.conn())?)
            })
            .await?;
        deleted += count;
        if i64::try_from(count).is_ok_and(|count| count < DELETE_BATCH_ROWS) {
            return Ok(deleted);
        }
    }
}
