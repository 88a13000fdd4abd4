//! The bindings of a join: `{event, schema?, table?, filter?, select?}`. Parsed strictly, since a misread binding
//! would be a listener that silently receives nothing.

use guichet_base::{Error, ErrorKind, Result};
use serde_json::Value;

use super::filter::RowFilter;
use super::{ChangeKind, RowChange, Table};

/// One item of `config.postgres_changes`.
#[derive(Debug)]
pub struct Binding {
    /// The number in the join's reply, from one.
    pub id: i32,
    tables: Vec<&'static Table>,
    /// `None` means all.
    event: Option<ChangeKind>,
    filter: RowFilter,
    /// The columns in its frames, in the table's order; `None` means all.
    pub select: Option<Vec<usize>>,
}

impl Binding {
    /// The bindings of a join, in order. Errors name the binding and the reason.
    pub fn parse_all(tables: &[&'static Table], list: &[Value]) -> Result<Vec<Self>> {
        let numbered = list.iter().zip(1..).enumerate();
        numbered
            .map(|(at, (item, id))| {
                Self::parse(tables, item, id).map_err(|why| {
                    Error::new(ErrorKind::Validation, "INVALID_BINDING")
                        .with_arg("binding", format!("postgres_changes[{at}]"))
                        .with_arg("why", why)
                })
            })
            .collect()
    }

    fn parse(tables: &[&'static Table], item: &Value, id: i32) -> Result<Self, String> {
        let schema = text(item, "schema")?;
        if schema.is_some_and(|schema| !matches!(schema, "public" | "*")) {
            return Err("the schema is `public`".to_owned());
        }
        let event = match text(item, "event")? {
            None | Some("*") => None,
            Some(word) => Some(kind(word).ok_or_else(|| format!("there is no event `{word}`"))?),
        };
        let tables = match text(item, "table")? {
            None | Some("*") => tables.to_vec(),
            Some(name) => vec![find(tables, name)?],
        };
        let filter = match (text(item, "filter")?, tables.as_slice()) {
            (None | Some(""), _) => RowFilter::default(),
            (Some(filter), [table]) => RowFilter::parse(table, filter)?,
            (Some(_), _) => return Err("a filter needs a table".to_owned()),
        };
        let select = match (item.get("select"), tables.as_slice()) {
            (None | Some(Value::Null), _) => None,
            (Some(list), [table]) => Some(columns(table, list)?),
            (Some(_), _) => return Err("`select` needs a table".to_owned()),
        };
        Ok(Self { id, tables, event, filter, select })
    }

    pub fn tables(&self) -> impl Iterator<Item = &'static Table> {
        self.tables.iter().copied()
    }

    pub fn patterns(&self) -> usize {
        self.filter.patterns()
    }

    /// Whether it matches a change of a row of `table`.
    pub fn wants(&self, table: &Table, change: &RowChange) -> bool {
        self.event.is_none_or(|event| event == change.kind)
            && self.tables.iter().any(|bound| bound.name == table.name)
            && self.filter.holds(&change.row)
    }
}

fn kind(word: &str) -> Option<ChangeKind> {
    let kinds = [ChangeKind::Insert, ChangeKind::Update, ChangeKind::Delete];
    kinds.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(word))
}

fn find(tables: &[&'static Table], name: &str) -> Result<&'static Table, String> {
    let found = tables.iter().copied().find(|table| table.name == name);
    found.ok_or_else(|| format!("there is no table `{name}` to listen to"))
}

fn text<'v>(item: &'v Value, key: &str) -> Result<Option<&'v str>, String> {
    match item.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` is text")),
    }
}

fn columns(table: &Table, list: &Value) -> Result<Vec<usize>, String> {
    let list = list.as_array().ok_or("`select` is a list of columns")?;
    let mut columns = Vec::with_capacity(list.len());
    for item in list {
        let name = item.as_str().ok_or("`select` is a list of columns")?;
        let (at, _) = table.column(name).ok_or_else(|| format!("`{}` has no column `{name}`", table.name))?;
        columns.push(at);
    }
    columns.sort_unstable();
    columns.dedup();
    if columns.is_empty() { Err("`select` names no column".to_owned()) } else { Ok(columns) }
}
