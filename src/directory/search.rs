//! Words that somebody looks for, as a pattern of PostgreSQL's.

/// The `ILIKE` pattern of what contains `words`, whose own wildcards mean themselves.
pub(super) fn contains(words: &str) -> String {
    let mut pattern = String::with_capacity(words.len() + 2);
    pattern.push('%');
    for letter in words.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}
