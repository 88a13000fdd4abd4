//! Search terms as PostgreSQL patterns.

/// The `ILIKE` pattern for texts that contain `words`; wildcards in `words` are escaped.
pub(super) fn like_contains(words: &str) -> String {
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
