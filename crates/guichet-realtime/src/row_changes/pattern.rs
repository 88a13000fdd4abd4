//! Patterns of filters: SQL's LIKE, and regular expressions. Both become a `Regex`, whose cost is linear in the text.

use regex::{Regex, RegexBuilder};

/// Longer patterns are refused: they bound what a filter holds and costs.
pub const MAX_PATTERN_BYTES: usize = 200;
/// Bound of a compiled regular expression, and of the cache that speeds it up.
const REGEX_BYTES: usize = 32 * 1024;
/// The same for LIKE, where a pattern of `MAX_PATTERN_BYTES` must always compile.
const LIKE_BYTES: usize = 256 * 1024;

/// SQL's LIKE: `%` matches any text, `_` one character, and `\` takes the next character literally.
///
/// `None` for a pattern that ends within an escape, or is too long.
pub fn like(pattern: &str, ignores_case: bool) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return None;
    }
    let mut expression = String::from("^");
    let mut chars = pattern.chars();
    while let Some(next) = chars.next() {
        match next {
            '%' if expression.ends_with(".*") => {}
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            '\\' => push_literal(&mut expression, chars.next()?),
            literal => push_literal(&mut expression, literal),
        }
    }
    expression.push('$');
    let mut builder = RegexBuilder::new(&expression);
    builder.case_insensitive(ignores_case).dot_matches_new_line(true);
    builder.size_limit(LIKE_BYTES).dfa_size_limit(REGEX_BYTES);
    builder.build().ok()
}

fn push_literal(expression: &mut String, literal: char) {
    expression.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
}

/// A regular expression in the syntax of the `regex` crate, which has what PostgreSQL's has except back references.
///
/// `None` for one that does not parse, or is too long or too large.
pub fn regex(pattern: &str, ignores_case: bool) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return None;
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(ignores_case).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES);
    builder.build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_patterns_compile() {
        for unit in ["_", "a", "é", "%a", "\\%", "k", "ſ"] {
            let pattern = unit.repeat(MAX_PATTERN_BYTES / unit.len());
            assert!(like(&pattern, true).is_some(), "{unit}");
        }
    }

    #[test]
    fn an_escaped_percent_sign_is_literal_before_a_wildcard() {
        let pattern = like(r"50\%%", false).unwrap();
        assert!(pattern.is_match("50% off"));
        assert!(!pattern.is_match("50 off"));
        assert!(like(r".*%", false).unwrap().is_match(".*x"));
        assert!(!like(r".*%", false).unwrap().is_match("x"));
    }
}
