//! Validates a response against its schema: types, required members, and no undocumented members.

use serde_json::Value;

use super::spec::kinds;

/// The faults of `value`, with their places.
pub fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(all) = schema["allOf"].as_array() {
        return all_of(all, value, at);
    }
    for word in ["oneOf", "anyOf"] {
        if let Some(list) = schema[word].as_array() {
            let each: Vec<_> = list.iter().map(|schema| faults(schema, value, at)).collect();
            return each.into_iter().min_by_key(Vec::len).unwrap_or_default();
        }
    }
    let kinds = kinds(schema);
    let kind = kind_of(value);
    let fits = kinds.is_empty() || kinds.contains(kind) || (kind == "integer" && kinds.contains("number"));
    if !fits {
        return vec![format!("{at} is {kind}, not {kinds:?}")];
    }
    if let Some(words) = schema["enum"].as_array()
        && !value.is_null()
        && !words.contains(value)
    {
        return vec![format!("{at} is {value}, none of {words:?}")];
    }
    match value {
        Value::Array(items) => (0..)
            .zip(items)
            .flat_map(|(n, item)| faults(&schema["items"], item, &format!("{at}[{n}]")))
            .collect(),
        Value::Object(_) => of_object(schema, value, at, false),
        _ => Vec::new(),
    }
}

/// Members may come from any of the parts.
fn all_of(parts: &[Value], value: &Value, at: &str) -> Vec<String> {
    let mut wrong: Vec<String> = parts.iter().flat_map(|part| of_object(part, value, at, true)).collect();
    let known = |name: &String| parts.iter().any(|part| part["properties"].get(name).is_some());
    let unknown = value.as_object().into_iter().flatten().filter(|(name, _)| !known(name));
    wrong.extend(unknown.map(|(name, _)| format!("{at}.{name} is not documented")));
    wrong
}

fn of_object(schema: &Value, value: &Value, at: &str, is_part: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(name).is_none() {
            wrong.push(format!("{at}.{name} is missing"));
        }
    }
    let (properties, further) = (&schema["properties"], &schema["additionalProperties"]);
    // A free object.
    if properties.is_null() && further.is_null() {
        return wrong;
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        match (properties.get(name), further) {
            (Some(schema), _) | (None, schema @ Value::Object(_)) => {
                wrong.extend(faults(schema, member, &format!("{at}.{name}")));
            }
            (None, _) if is_part => {}
            (None, Value::Bool(true)) => {}
            (None, _) => wrong.push(format!("{at}.{name} is not documented")),
        }
    }
    wrong
}

pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
