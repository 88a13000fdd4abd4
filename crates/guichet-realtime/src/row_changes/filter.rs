//! Filters of bindings: `column=op.value`, comma for AND, `not.` before an operator.
//!
//! The grammar is that of Supabase's clients: a value with reserved characters is in double quotes, with `\"` and
//! `\\` inside. As in SQL, a comparison with null is unknown, and so is its negation.

use std::cmp::Ordering;

use regex::Regex;
use serde_json::Value;

use super::pattern::{MAX_PATTERN_BYTES, like, regex};
use super::value::TypedValue;
use super::{ColumnType, Table};

const MAX_BYTES: usize = 4 * 1024;
const MAX_TERMS: usize = 20;
/// Supabase's limit.
const MAX_IN: usize = 100;

#[derive(Debug, Clone, Default)]
pub struct RowFilter(Vec<Term>);

#[derive(Debug, Clone)]
struct Term {
    column: usize,
    kind: ColumnType,
    negated: bool,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    Order(fn(Ordering) -> bool, TypedValue),
    In(Vec<TypedValue>),
    Pattern(Regex),
    IsNull,
    IsBool(bool),
    /// `None` means null.
    DistinctFrom(Option<TypedValue>),
}

impl RowFilter {
    /// Errors: the reason, for the developer of the front end.
    pub fn parse(table: &Table, text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("a filter has at most {MAX_BYTES} bytes"));
        }
        let parts = split(text).ok_or("quotes or parentheses are left open")?;
        if parts.len() > MAX_TERMS {
            return Err(format!("a filter has at most {MAX_TERMS} conditions"));
        }
        parts.into_iter().map(|part| term(table, part)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the filter is true for a row of its table.
    pub fn holds(&self, row: &[Value]) -> bool {
        self.0.iter().all(|term| term.holds(row.get(term.column).unwrap_or(&Value::Null)) == Some(true))
    }

    /// The number of patterns, which cost more than comparisons.
    pub fn patterns(&self) -> usize {
        self.0.iter().filter(|term| matches!(term.test, Test::Pattern(_))).count()
    }
}

impl Term {
    /// SQL's three-valued logic: `None` is unknown.
    fn holds(&self, value: &Value) -> Option<bool> {
        let value = TypedValue::of_row(self.kind, value);
        let holds = match (&self.test, value) {
            (Test::IsNull, value) => value.is_none(),
            (Test::IsBool(wanted), value) => value == Some(TypedValue::Bool(*wanted)),
            (Test::DistinctFrom(other), value) => value != *other,
            (_, None) => return None,
            (Test::Order(wanted, other), Some(value)) => match value.compare(other) {
                Some(ordering) => wanted(ordering),
                // Two different documents have no order, but are unequal.
                None => wanted(Ordering::Less) && wanted(Ordering::Greater),
            },
            (Test::In(others), Some(value)) => others.contains(&value),
            (Test::Pattern(pattern), Some(TypedValue::Text(text))) => pattern.is_match(&text),
            (Test::Pattern(_), Some(_)) => return None,
        };
        Some(holds != self.negated)
    }
}

fn term(table: &Table, part: &str) -> Result<Term, String> {
    let (name, rest) = part.split_once('=').ok_or_else(|| format!("`{part}` is not column=op.value"))?;
    let (column, declared) = table
        .column(name.trim())
        .ok_or_else(|| format!("`{}` has no column `{}`", table.name, name.trim()))?;
    let (negated, rest) = rest.strip_prefix("not.").map_or((false, rest), |rest| (true, rest));
    let (operator, value) = rest.split_once('.').ok_or_else(|| format!("`{part}` is not column=op.value"))?;
    let test = test(declared.kind, operator, value).map_err(|why| format!("`{part}`: {why}"))?;
    Ok(Term { column, kind: declared.kind, negated, test })
}

fn test(kind: ColumnType, operator: &str, value: &str) -> Result<Test, String> {
    let order = |wanted: fn(Ordering) -> bool| {
        if kind == ColumnType::Jsonb {
            return Err("documents have no order".to_owned());
        }
        Ok(Test::Order(wanted, typed(kind, value)?))
    };
    match operator {
        "eq" => Ok(Test::Order(Ordering::is_eq, typed(kind, value)?)),
        "neq" => Ok(Test::Order(Ordering::is_ne, typed(kind, value)?)),
        "lt" => order(Ordering::is_lt),
        "lte" => order(Ordering::is_le),
        "gt" => order(Ordering::is_gt),
        "gte" => order(Ordering::is_ge),
        "in" => list(kind, value).map(Test::In),
        "like" | "ilike" => {
            let pattern = pattern_of(kind, value)?;
            let pattern = like(&pattern, operator == "ilike");
            pattern
                .map(Test::Pattern)
                .ok_or_else(|| format!("no pattern of at most {MAX_PATTERN_BYTES} bytes"))
        }
        "match" | "imatch" => {
            let pattern = pattern_of(kind, value)?;
            let regex = regex(&pattern, operator == "imatch");
            regex.map(Test::Pattern).ok_or_else(|| "no regular expression, or too large a one".to_owned())
        }
        "is" => is(kind, value),
        "isdistinct" if value == "null" => Ok(Test::DistinctFrom(None)),
        "isdistinct" => Ok(Test::DistinctFrom(Some(typed(kind, value)?))),
        other => Err(format!("there is no operator `{other}`")),
    }
}

fn is(kind: ColumnType, value: &str) -> Result<Test, String> {
    match (value, kind) {
        ("null", _) | ("unknown", ColumnType::Bool) => Ok(Test::IsNull),
        ("true", ColumnType::Bool) => Ok(Test::IsBool(true)),
        ("false", ColumnType::Bool) => Ok(Test::IsBool(false)),
        _ => Err("`is` takes null, and of a bool also true, false and unknown".to_owned()),
    }
}

fn pattern_of(kind: ColumnType, value: &str) -> Result<String, String> {
    if kind != ColumnType::Text {
        return Err("patterns are for text".to_owned());
    }
    unquoted(value)
}

fn typed(kind: ColumnType, value: &str) -> Result<TypedValue, String> {
    let value = unquoted(value)?;
    TypedValue::parse(kind, &value).ok_or_else(|| format!("`{value}` is no {}", kind.name()))
}

fn list(kind: ColumnType, value: &str) -> Result<Vec<TypedValue>, String> {
    let inner = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.filter(|inner| !inner.trim().is_empty()).ok_or("`in` takes (a,b,c)")?;
    let items = split(inner).ok_or("quotes or parentheses are left open")?;
    if items.len() > MAX_IN {
        return Err(format!("`in` takes at most {MAX_IN} values"));
    }
    items.into_iter().map(|item| typed(kind, item.trim())).collect()
}

/// Splits at commas outside quotes and parentheses. `None` if one of those is left open.
fn split(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                parts.push(text.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..)?);
    (!is_quoted && depth == 0).then_some(parts)
}

fn unquoted(value: &str) -> Result<String, String> {
    let Some(rest) = value.strip_prefix('"') else { return Ok(value.to_owned()) };
    let mut out = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            '"' if chars.as_str().is_empty() => return Ok(out),
            '"' => break,
            other => out.push(other),
        }
    }
    Err(format!("`{value}` goes on after its quotes"))
}
