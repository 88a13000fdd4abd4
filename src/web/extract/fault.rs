//! Converts a serde message to a fault with its field and code.

use guichet_base::Fault;

/// Serde has no error kinds, only messages; their beginnings are stable and documented in `serde::de::Error`.
const CODES_BY_PREFIX: [(&str, &str); 5] = [
    ("unknown field", "unknown_field"),
    ("missing field", "missing"),
    ("duplicate field", "duplicate"),
    ("unknown variant", "unknown_value"),
    ("invalid type", "wrong_type"),
];

/// The fault for serde's refusal at `path`. `otherwise` is the code for messages of a type's own.
pub(super) fn from_serde(path: &str, message: &str, otherwise: &'static str) -> Fault {
    let code = CODES_BY_PREFIX
        .iter()
        .find(|(start, _)| message.starts_with(start))
        .map_or(otherwise, |(_, code)| code);
    let names_a_key = matches!(code, "unknown_field" | "missing" | "duplicate");
    let field = match message.split('`').nth(1) {
        Some(key) if names_a_key => join(path, key),
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
