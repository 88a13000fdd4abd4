//! Checks every response, and whether anything changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use diesel::sql_types::Text;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};

use crate::harness::{ApiResponse, TestServer};

/// Checks responses, and counts them.
pub struct ResponseChecker {
    codes: BTreeSet<String>,
    pub wrong: Vec<String>,
    pub refused: usize,
    pub taken: usize,
}

impl ResponseChecker {
    pub fn new() -> Self {
        Self { codes: codes(), wrong: Vec::new(), refused: 0, taken: 0 }
    }

    /// `what` was sent and must be refused.
    pub fn refused(&mut self, what: &str, answer: &ApiResponse) {
        if answer.status.is_success() {
            self.wrong.push(format!("{what}: taken, {} {}", answer.status, brief(answer)));
            return;
        }
        self.known(what, answer);
    }

    /// `what` was sent and may be accepted or refused, but must break nothing.
    pub fn known(&mut self, what: &str, answer: &ApiResponse) {
        if answer.status.is_success() {
            self.taken += 1;
            let is_whole = answer.body.get("data").is_some() && answer.body["error"].is_null();
            if !is_whole {
                self.wrong.push(format!("{what}: {} outside the envelope", answer.status));
            }
            return;
        }
        self.refused += 1;
        if let Some(fault) = self.fault(what, answer) {
            self.wrong.push(format!("{what}: {} {fault}: {}", answer.status, brief(answer)));
        }
    }

    fn fault(&self, what: &str, answer: &ApiResponse) -> Option<&'static str> {
        let error = &answer.body["error"];
        let code = error["code"].as_str().unwrap_or_default();
        // AfriTalk's paths use camelCase, unless dots in them lead elsewhere.
        let may_be_camel = what.contains(" /tenants/{tenantId}/");
        let request = error.get("requestId").filter(|_| may_be_camel).unwrap_or(&error["request_id"]);
        let said = |text: &serde_json::Value| {
            text.as_str().is_some_and(|text| {
                !text.is_empty() && !text.starts_with("error-") && !text.starts_with("fault-")
            })
        };
        if !answer.status.is_client_error() {
            Some("is no refusal")
        } else if !answer.body["data"].is_null() || !error.is_object() {
            Some("is outside the envelope")
        } else if !self.codes.contains(code) {
            Some("has a code that nobody knows")
        } else if !said(&error["message"]) {
            Some("says nothing to people")
        } else if request.as_str().is_none_or(str::is_empty) {
            Some("has no request id")
        } else if code == "VALIDATION_ERROR"
            && !error["details"]
                .as_array()
                .is_some_and(|all| !all.is_empty() && all.iter().all(|one| said(&one["message"])))
        {
            Some("does not say which value is wrong")
        } else {
            None
        }
    }

    #[track_caller]
    pub fn verdict(&self, campaign: &str) {
        let all = self.refused + self.taken;
        println!("{campaign}: {all} requests, {} refused, {} taken", self.refused, self.taken);
        let first: Vec<_> = self.wrong.iter().take(60).map(String::as_str).collect();
        assert!(
            self.wrong.is_empty(),
            "{campaign}: {} of {all} went wrong:\n{}",
            self.wrong.len(),
            first.join("\n")
        );
    }
}

fn brief(answer: &ApiResponse) -> String {
    answer.body.to_string().chars().take(300).collect()
}

/// Every error code with a message.
fn codes() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales/fr");
    let texts =
        std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let keys = texts.flat_map(|text| text.lines().filter_map(error_code).collect::<Vec<_>>());
    keys.collect()
}

fn error_code(line: &str) -> Option<String> {
    let (key, _) = line.strip_prefix("error-")?.split_once('=')?;
    Some(key.trim().to_uppercase().replace('-', "_"))
}

#[derive(QueryableByName)]
struct Digest {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    digest: String,
}

// Every row of every table, as text, except last-seen times and the refusals themselves.
const TABLES: &str = "SELECT c.relname::text AS table_name, '' AS digest FROM pg_class c
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname NOT IN ('activity_logs', 'outbox_readers', 'scheduled_jobs', '__diesel_schema_migrations')";

/// A digest of each table, restricted by `rows` (a condition on `to_jsonb` of a row, called `r`).
pub fn digest(conn: &mut PgConnection, rows: &str) -> BTreeMap<String, String> {
    let tables: Vec<Digest> = sql_query(TABLES).load(conn).unwrap();
    let digests = tables.into_iter().map(|table| {
        let name = table.table_name;
        let sql = format!(
            "SELECT '{name}' AS table_name, count(*) || ' ' || md5(coalesce(string_agg(r::text, '|' ORDER BY r::text), '')) AS digest
               FROM (SELECT to_jsonb(t) - 'last_seen_at' AS r FROM public.{name} t) rows WHERE {rows}"
        );
        let found: Digest = sql_query(sql).get_result(conn).unwrap();
        (found.table_name, found.digest)
    });
    digests.collect()
}

/// A digest of the whole database, except the position of the log's reader, which moves by itself.
pub fn everything(server: &TestServer) -> BTreeMap<String, String> {
    let mut all = digest(&mut server.database.admin(), "true");
    all.remove("outbox_readers");
    // A refused retry is counted.
    all.remove("rejected_events");
    all
}
