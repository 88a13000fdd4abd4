//! Full-text search: hits come from the one function that may bypass the policies, the rows are then read as the
//! actor.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use guichet_base::Result;
use guichet_base::id::TenantId;
use guichet_base::page::Page;
use guichet_db::sql::sql;
use uuid::Uuid;

use super::row::{MessageRow, message_columns};
use crate::chat::model::Message;

#[derive(QueryableByName)]
struct Excerpt {
    #[diesel(sql_type = Text)]
    excerpt: String,
}

struct Hit(Message, String);

impl QueryableByName<diesel::pg::Pg> for Hit {
    fn build<'a>(row: &impl diesel::row::NamedRow<'a, diesel::pg::Pg>) -> diesel::deserialize::Result<Self> {
        Ok(Self(MessageRow::build(row)?.into(), Excerpt::build(row)?.excerpt))
    }
}

/// A headline of `m.content` in one language. Matches are marked with two private-use characters, which become
/// `<mark>` after escaping. The same characters in the message itself are removed first.
macro_rules! headline {
    ($language:literal) => {
        concat!(
            "ts_headline('authz.",
            $language,
            "'::regconfig, translate(m.content, U&'\\E000\\E001', ''), w.query, \
             U&'StartSel=\\E000, StopSel=\\E001, MaxWords=30, MinWords=10')"
        )
    };
}

/// The headline in the language that matched: a French stem may not exist in English.
const HITS: &str = concat!(
    "SELECT CASE WHEN strpos(fr.excerpt, U&'\\E000') > 0 THEN fr.excerpt ELSE ",
    headline!("en"),
    " END AS excerpt, ",
    message_columns!(),
    " FROM authz.search_messages($2, $3, $4) s JOIN messages m ON m.tenant_id = $1 AND m.id = s.id \
     LEFT JOIN users u ON u.tenant_id = m.tenant_id AND u.id = m.sender_id \
     CROSS JOIN (SELECT authz.wanted_words($2) AS query OFFSET 0) w \
     CROSS JOIN LATERAL (SELECT ",
    headline!("fr"),
    " AS excerpt OFFSET 0) fr ORDER BY m.created_at DESC, m.id DESC"
);

/// The messages that match, newest first, each with an excerpt whose matches stand between U+E000 and U+E001.
pub fn search_messages(
    conn: &mut PgConnection,
    tenant: TenantId,
    words: &str,
    page: Page,
) -> Result<Vec<(Message, String)>> {
    let rows: Vec<Hit> = sql(HITS).bind(tenant).bind(words).bind(page.limit).bind(page.offset).load(conn)?;
    Ok(rows.into_iter().map(|Hit(message, excerpt)| (message, excerpt)).collect())
}

#[derive(QueryableByName)]
struct RoomId {
    #[diesel(sql_type = SqlUuid)]
    conversation_id: Uuid,
}

/// The rooms of the newest messages that match.
pub fn rooms_with_matches(conn: &mut PgConnection, words: &str, newest: i64) -> Result<Vec<Uuid>> {
    let rows: Vec<RoomId> = sql("SELECT DISTINCT conversation_id FROM authz.search_messages($1, $2, 0)")
        .bind(words)
        .bind(newest)
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.conversation_id).collect())
}
