//! Message search.

use guichet_base::page::Page;
use guichet_base::{Actor, Result};

use crate::chat::model::{Message, SearchHit};
use crate::chat::{Chat, store};

/// The messages that match the words, newest first.
pub async fn search(chat: &Chat, actor: &Actor, words: String, page: Page) -> Result<Vec<SearchHit>> {
    chat.check_access(actor).await?;
    let tenant = actor.tenant;
    let hits = chat.db.read(actor, move |tx| store::search_messages(tx.conn(), tenant, &words, page)).await?;
    Ok(hits
        .into_iter()
        .map(|(message, excerpt)| SearchHit { message, excerpt: escape_excerpt(&excerpt) })
        .collect())
}

/// The messages about an entity, newest first.
pub async fn list_related(
    chat: &Chat,
    actor: &Actor,
    kind: String,
    id: String,
    page: Page,
) -> Result<Vec<Message>> {
    chat.check_access(actor).await?;
    let tenant = actor.tenant;
    chat.db
        .read(actor, move |tx| store::list_related(tx.conn(), tenant, kind.clone(), id.clone(), page))
        .await
}

/// Escapes the text for HTML, then replaces the private-use marks around matches by `<mark>`, so that the text of a
/// message never becomes markup.
fn escape_excerpt(excerpt: &str) -> String {
    let mut html = String::with_capacity(excerpt.len() + 16);
    for c in excerpt.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            '\u{e000}' => html.push_str("<mark>"),
            '\u{e001}' => html.push_str("</mark>"),
            c => html.push(c),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::escape_excerpt;

    #[test]
    fn words_never_become_markup() {
        assert_eq!(
            escape_excerpt("<b>\u{e000}été\u{e001}</b> & co"),
            "&lt;b&gt;<mark>été</mark>&lt;/b&gt; &amp; co"
        );
    }
}
