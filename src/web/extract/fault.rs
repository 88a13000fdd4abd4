//! Converts an error message of serde to a fault with field and code.

use guichet_base::Fault;

/// Serde has no error kinds, only messages. Their prefixes come from the default methods of `serde::de::Error`.
const CODES_BY_PREFIX: [(&str, &str); 5] = [
    ("unknown field", "unknown_field"),
    ("missing field", "missing"),
    ("duplicate field", "duplicate"),
    ("unknown variant", "unknown_value"),
    ("invalid type", "wrong_type"),
];

/// The fault for serde's error at `path`. `default_code` is the code for other messages, such as those of custom types.
pub(super) fn from_serde(path: &str, message: &str, default_code: &'static str) -> Fault {
    let code = CODES_BY_PREFIX
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map_or(default_code, |(_, code)| code);
    let message_names_key = matches!(code, "unknown_field" | "missing" | "duplicate");
    let field = match message.split('`').nth(1) {
        Some(key) if message_names_key => join(path, key),
        _ => path.to_owned(),
    };
    Fault::new(if field == "." { String::new() } else { field }, code)
}

/// The path of `key` in the object at `path`, which may already end with it.
fn join(path: &str, key: &str) -> String {
    match path {
        "" | "." => key.to_owned(),
        _ if path == key || path.ends_with(&format!(".{key}")) => path.to_owned(),
        _ => format!("{path}.{key}"),
    }
}
