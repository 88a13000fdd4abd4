//! SQL's LIKE: `%` for any text, `_` for one character, `\` before one that stands for itself.

use regex::{Regex, RegexBuilder};

/// A pattern longer than this is refused: matching costs its length times the text's at worst.
pub const MAX_PATTERN_BYTES: usize = 200;
/// What a compiled regular expression may hold, and what it may hold beside for its speed.
const REGEX_BYTES: usize = 32 * 1024;

#[derive(Debug, Clone, PartialEq)]
pub struct Like {
    tokens: Vec<Token>,
    ignores_case: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Any,
    One,
    This(char),
}

impl Like {
    /// `None` for a pattern that ends within an escape, or is too long.
    pub fn parse(pattern: &str, ignores_case: bool) -> Option<Self> {
        if pattern.len() > MAX_PATTERN_BYTES {
            return None;
        }
        let mut tokens = Vec::new();
        let mut chars = pattern.chars();
        while let Some(next) = chars.next() {
            match next {
                '%' if tokens.last() == Some(&Token::Any) => {}
                '%' => tokens.push(Token::Any),
                '_' => tokens.push(Token::One),
                '\\' => tokens.push(Token::This(chars.next()?)),
                other => tokens.push(Token::This(other)),
            }
        }
        Some(Self { tokens, ignores_case })
    }

    /// Goes back to the last `%` alone, so that it costs pattern times text at worst.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut token, mut retry) = (0, 0, None);
        while let Some(read) = text.get(at) {
            match self.tokens.get(token) {
                Some(Token::Any) => {
                    retry = Some((token + 1, at));
                    token += 1;
                }
                Some(wanted) if self.fits(*wanted, *read) => {
                    at += 1;
                    token += 1;
                }
                _ => match retry {
                    Some((after, from)) => {
                        (token, at) = (after, from + 1);
                        retry = Some((after, from + 1));
                    }
                    None => return false,
                },
            }
        }
        self.tokens.iter().skip(token).all(|token| *token == Token::Any)
    }

    fn fits(&self, token: Token, read: char) -> bool {
        match token {
            Token::Any | Token::One => true,
            Token::This(wanted) if self.ignores_case => {
                wanted == read || wanted.to_lowercase().eq(read.to_lowercase())
            }
            Token::This(wanted) => wanted == read,
        }
    }
}

/// A regular expression that costs the length of the text, whatever it says. Its syntax is the crate's, which has
/// what PostgreSQL's has but back references.
pub fn regex(pattern: &str, ignores_case: bool) -> Option<Regex> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return None;
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(ignores_case).size_limit(REGEX_BYTES).dfa_size_limit(REGEX_BYTES);
    builder.build().ok()
}
