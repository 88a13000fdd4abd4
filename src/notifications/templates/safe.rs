//! The subset of Jinja that tenants may use. It has no construct by which a short text can produce gigabytes.
//!
//! Fuel bounds the steps of a text, and the engine's writer bounds its output; neither bounds a value that doubles at
//! each of forty steps. So no construct here combines values: variables, `if`, `for`, comparisons and the filters of
//! `engine` are allowed; assignment, concatenation, repetition and list literals are not.

/// A forbidden construct, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ForbiddenConstruct {
    pub line: usize,
    pub construct: String,
}

const ALLOWED_STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];

/// Checks a template text. Errors: the first forbidden construct. Unclosed blocks are reported by the parser.
pub(super) fn check(source: &str) -> Result<(), ForbiddenConstruct> {
    let mut rest = source;
    while let Some((at, kind)) = next_delimiter(rest) {
        let inner = rest.get(at + 2..).unwrap_or_default();
        let refuse = |construct: &str| {
            let before = source.len() - inner.len();
            let line = source.get(..before).unwrap_or_default().matches('\n').count() + 1;
            Err(ForbiddenConstruct { line, construct: construct.to_owned() })
        };
        let end = match kind {
            '#' => inner.find("#}").map(|end| end + 2),
            _ => match end_of_code(inner, if kind == '%' { "%}" } else { "}}" }) {
                Ok(end) => end,
                Err(what) => return refuse(&what.to_string()),
            },
        };
        if kind == '%' {
            let start = inner.trim_start_matches(['-', '+']).trim_start();
            let word: String = start.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !ALLOWED_STATEMENTS.contains(&word.as_str()) {
                return refuse(&word);
            }
        }
        rest = end.and_then(|end| inner.get(end..)).unwrap_or_default();
    }
    Ok(())
}

/// The next `{{`, `{%` or `{#`.
fn next_delimiter(text: &str) -> Option<(usize, char)> {
    text.match_indices('{').find_map(|(at, _)| {
        let next = text.get(at + 1..)?.chars().next()?;
        matches!(next, '{' | '%' | '#').then_some((at, next))
    })
}

/// Returns the index after the delimiter `close`. Errors: a forbidden character.
///
/// Braces, brackets and `*` are refused outside of strings, so that `}}` within an expression cannot be read
/// differently than by the parser.
fn end_of_code(inner: &str, close: &str) -> Result<Option<usize>, char> {
    let mut quote = None;
    let mut is_escaped = false;
    for (at, c) in inner.char_indices() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if c == '\\' => is_escaped = true,
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                _ if inner.get(at..).is_some_and(|rest| rest.starts_with(close)) => {
                    return Ok(Some(at + close.len()));
                }
                '{' | '}' | '[' | ']' | '*' | '~' => return Err(c),
                // Next to a delimiter, `+` is whitespace control, not an operator.
                '+' if at != 0 && !inner.get(at + 1..).is_some_and(|rest| rest.starts_with(close)) => {
                    return Err(c);
                }
                _ => {}
            },
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_makes_values_out_of_values_is_refused_by_its_line() {
        for (source, line, what) in [
            ("{{ 'x' * 1000000000 }}", 1, "*"),
            ("a\n{{ a ~ a }}", 2, "~"),
            ("{{ a + a }}", 1, "+"),
            ("{{ [a, a] }}", 1, "["),
            ("{{ {'a': 1} }}", 1, "{"),
            ("a\n\n{%- set a = 1 %}", 3, "set"),
            ("{% include 'x' %}", 1, "include"),
            ("{% raw %}{{ a * 9 }}{% endraw %}", 1, "raw"),
            ("{% macro m() %}{% endmacro %}", 1, "macro"),
            ("{{ '}}' * 99 }}", 1, "*"),
            ("{{ \"\\\"}}\" * 99 }}", 1, "*"),
            ("{# }} {{ #}{% with a = 1 %}", 1, "with"),
            ("{% %}", 1, ""),
        ] {
            let found = check(source).expect_err(source);
            assert_eq!((found.line, found.construct.as_str()), (line, what), "{source}");
        }
    }

    #[test]
    fn what_texts_need_is_there() {
        for source in [
            "",
            "5 * 3 + [2] ~ {x}",
            "{{ a }}",
            "{{- a.b|upper -}}",
            "{{+ a +}}",
            "{% if a == '*' %}{{ a }}{%+ endif +%}",
            "{# {% set a = [1] %} #}",
            "{% for a in b %}{{ loop.index }}{% else %}-{% endfor %}",
            "{{ 'it\\'s *' }}",
            "{{ a",
        ] {
            assert_eq!(check(source), Ok(()), "{source}");
        }
    }
}
