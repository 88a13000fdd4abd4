//! Captures the statements that guichet sends from PostgreSQL's log, and turns them into a script for `pgbench`.
//!
//! Values are in the script as they were sent, cast to their types. Ids that must differ each time (of a message, an
//! event, a log row) are generated in the script, in the order of time as guichet does.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::service::Service;

const LOGGED: [&str; 2] = ["log_statement", "log_error_verbosity"];
const FRESH_ID: &str = "(lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0') \
    || '7' || substr(md5(random()::text), 14))::uuid";

/// Logs every statement of the application role while it exists.
pub struct Capture {
    admin: PgConnection,
    log: File,
}

impl Capture {
    pub fn start(service: &Service) -> Result<Self> {
        let mut admin = PgConnection::establish(&service.admin_url())?;
        for (setting, value) in LOGGED.into_iter().zip(["all", "default"]) {
            admin.batch_execute(&format!("ALTER ROLE guichet_app SET {setting} = '{value}'"))?;
        }
        let mut capture = Self { admin, log: File::open(&service.postgres_log)? };
        capture.renew()?;
        Ok(capture)
    }

    /// Role settings take effect on new connections: the service reopens its pool.
    fn renew(&mut self) -> Result<()> {
        let text =
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'guichet_app'";
        Ok(self.admin.batch_execute(text)?)
    }

    pub fn stop(mut self) -> Result<()> {
        for setting in LOGGED {
            self.admin.batch_execute(&format!("ALTER ROLE guichet_app RESET {setting}"))?;
        }
        self.renew()
    }

    /// Discards what was logged so far.
    pub fn begin(&mut self) -> Result<()> {
        self.log.seek(SeekFrom::End(0))?;
        Ok(())
    }

    /// The transaction since `begin` with `word` in one of its statements.
    pub fn transaction(&mut self, word: &str) -> Result<Vec<String>> {
        let mut text = Vec::new();
        self.log.read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let mut transactions = sessions(&text).into_values().flat_map(|entries| transactions(&entries));
        let found = transactions.find(|sqls| sqls.iter().any(|sql| sql.contains(word)));
        found.with_context(|| format!("no transaction with {word} was logged"))
    }
}

/// The log entries of each server process, without prefixes. Continuation lines begin with a tab.
fn sessions(log: &str) -> BTreeMap<&str, Vec<String>> {
    let mut sessions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut current = "";
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(entry) = sessions.get_mut(current).and_then(|entries| entries.last_mut()) {
                entry.push(' ');
                entry.push_str(more);
            }
        } else if let Some((before, entry)) = line.split_once("] ") {
            current = before.rsplit('[').next().unwrap_or_default();
            sessions.entry(current).or_default().push(entry.to_owned());
        }
    }
    sessions
}

/// The executed statements with values, from each BEGIN to its COMMIT.
fn transactions(entries: &[String]) -> Vec<Vec<String>> {
    let mut out: Vec<Vec<String>> = Vec::new();
    for entry in entries {
        if let Some(sql) = entry.strip_prefix("LOG:  statement: ") {
            if sql.starts_with("BEGIN") {
                out.push(Vec::new());
            }
            if let Some(sqls) = out.last_mut() {
                sqls.push(sql.to_owned());
            }
        } else if let Some(text) = entry.strip_prefix("LOG:  execute ")
            && let (Some(sqls), Some((_, sql))) = (out.last_mut(), text.split_once(": "))
        {
            sqls.push(sql.to_owned());
        } else if let Some(values) = entry.strip_prefix("DETAIL:  parameters: ")
            && let Some(last) = out.last_mut().and_then(|sqls| sqls.last_mut())
        {
            *last = with_values(last, &parse_values(values));
        }
    }
    out.retain(|sqls| sqls.last().is_some_and(|sql| sql == "COMMIT"));
    out
}

/// `$1 = 'a', $2 = NULL` as SQL literals.
fn parse_values(text: &str) -> Vec<String> {
    let mut values = Vec::new();
    let mut rest = text;
    while let Some((_, value)) = rest.split_once(" = ") {
        let length = match value.strip_prefix('\'') {
            Some(inner) => end_of_quoted(inner) + 2,
            None => value.find(',').unwrap_or(value.len()),
        };
        let (literal, after) = value.split_at(length.min(value.len()));
        values.push(cast(literal));
        rest = after;
    }
    values
}

/// The end of a quoted value; a quote inside is doubled.
fn end_of_quoted(inner: &str) -> usize {
    let bytes = inner.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'\'', Some(b'\'')) => at += 2,
            (b'\'', _) => return at,
            _ => at += 1,
        }
    }
    at
}

/// The literal cast to the type it looks like; the log does not name types.
fn cast(literal: &str) -> String {
    let inner = literal.trim_matches('\'');
    let of_type = |name: &str| format!("{literal}::{name}");
    if uuid::Uuid::parse_str(inner).is_ok() {
        of_type("uuid")
    } else if inner.parse::<i64>().is_ok() {
        of_type("bigint")
    } else if matches!(inner, "t" | "f") {
        of_type("boolean")
    } else if inner == "{}" || inner.starts_with('{') && inner.contains("-") && !inner.contains(':') {
        of_type("uuid[]")
    } else if inner.starts_with('{') {
        of_type("json")
    } else if inner.starts_with("20") && inner.contains(':') && inner.ends_with("+00") {
        of_type("timestamptz")
    } else if literal == "NULL" {
        literal.to_owned()
    } else {
        of_type("text")
    }
}

fn with_values(sql: &str, values: &[String]) -> String {
    let mut out = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let digits = after.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = after.split_at(digits);
        match number.parse::<usize>().ok().and_then(|n| values.get(n.checked_sub(1)?)) {
            Some(value) => out.push_str(value),
            None => {
                out.push('$');
                out.push_str(number);
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The lines for `pgbench`: the transaction's beginning in one round trip, as guichet sends it, and new ids each
/// time.
pub fn script(transaction: &[String]) -> String {
    let mut out = String::new();
    for sql in transaction {
        let sql = for_pgbench(sql);
        match sql.split_once("; ") {
            Some((begin, rest)) if begin.starts_with("BEGIN") => {
                out.push_str(&format!("\\startpipeline\n{begin};\n{rest};\n\\endpipeline\n"));
            }
            _ => out.push_str(&format!("{sql};\n")),
        }
    }
    out
}

/// Replaces current ids (UUID version 7) by generated ones, and avoids colons in literals, which would be variables.
fn for_pgbench(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some((before, quoted)) = rest.split_once('\'') {
        out.push_str(before);
        let (inner, tail) = quoted.split_at(end_of_quoted(quoted));
        let tail = tail.strip_prefix('\'').unwrap_or(tail);
        let fresh = uuid::Uuid::parse_str(inner).is_ok_and(|id| id.get_version_num() == 7);
        if fresh && let Some(after) = tail.strip_prefix("::uuid") {
            out.push_str(FRESH_ID);
            rest = after;
            continue;
        }
        if inner.contains(':') {
            let escaped = inner.replace('\\', "\\\\").replace(':', "\\x3a");
            out.push_str(&format!("E'{escaped}'"));
        } else {
            out.push_str(&format!("'{inner}'"));
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}
