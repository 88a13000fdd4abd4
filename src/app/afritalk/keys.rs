//! Conversion of one key between snake_case and camelCase. `_` before a letter becomes a capital; `_` before a digit
//! stays, since the conversion back could not restore it.

use std::borrow::Cow;

/// `created_at` → `createdAt`. Keys that are not snake_case stay unchanged.
pub fn camel(key: &str) -> Cow<'_, str> {
    if !is_snake(key) || !key.contains('_') {
        return key.into();
    }
    let mut out = String::with_capacity(key.len());
    let mut chars = key.chars().peekable();
    while let Some(c) = chars.next() {
        match chars.peek() {
            Some(next) if c == '_' && next.is_ascii_lowercase() => {
                out.push(next.to_ascii_uppercase());
                chars.next();
            }
            _ => out.push(c),
        }
    }
    out.into()
}

/// `createdAt` → `created_at`. Keys that are not camelCase stay unchanged.
pub fn snake(key: &str) -> Cow<'_, str> {
    let is_camel = key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && key.contains(|c: char| c.is_ascii_uppercase());
    if !is_camel {
        return key.into();
    }
    let mut out = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out.into()
}

/// Lower-case words separated by single `_`.
fn is_snake(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && !key.ends_with('_')
        && !key.contains("__")
        && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
