//! Cuts texts to a number of characters.

/// At most `max` characters; the last is an ellipsis if the text was cut.
pub(super) fn truncate(text: &str, max: usize) -> String {
    if text.chars().nth(max).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(max.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}
