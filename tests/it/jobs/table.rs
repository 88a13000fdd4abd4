//! Rows as the administrator reads and writes them.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use guichet_base::Timestamp;

use crate::harness::TestServer;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

pub fn number(server: &TestServer, text: &str) -> i64 {
    let text = format!("SELECT ({text})::bigint AS number");
    diesel::sql_query(text).get_result::<Number>(&mut *server.database.admin()).unwrap().number
}

/// A query with one text column `line`.
pub fn lines(server: &TestServer, text: &str) -> Vec<String> {
    let rows: Vec<Line> = diesel::sql_query(text).load(&mut *server.database.admin()).unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

pub fn run(server: &TestServer, text: &str) {
    server.database.admin().batch_execute(text).unwrap();
}

/// Notifications of one person; `with` names further columns and values.
pub fn notifications(server: &TestServer, name: &str, count: usize, at: Timestamp, with: &[(&str, &str)]) {
    let columns: String = with.iter().map(|(column, _)| format!(", {column}")).collect();
    let values: String = with.iter().map(|(_, value)| format!(", {value}")).collect();
    let category = if with.iter().any(|(column, _)| *column == "category") { "" } else { "category, " };
    let task = if category.is_empty() { "" } else { "'task', " };
    let visible =
        if with.iter().any(|(column, _)| *column == "visible") { ("", "") } else { ("visible, ", "true, ") };
    run(
        server,
        &format!(
            "INSERT INTO notifications (tenant_id, id, recipient_type, recipient_id, seq, changed_seq, event_id, type, {category}{}\
                 title, body, data, priority, channel, decision, last_event_at, created_at, updated_at{columns}) \
             SELECT u.tenant_id, gen_random_uuid(), CASE u.role WHEN 'client' THEN 'client' ELSE 'operator' END, u.id, 0, 0, \
                 gen_random_uuid(), 'task.completed', {task}{}'Tâche ' || n, 'Faite', '{{}}', 'low', 'inapp', '{{}}', \
                 '{at}', '{at}', '{at}'{values} \
               FROM users u, generate_series(1, {count}) n WHERE u.id = '{}'",
            visible.0,
            visible.1,
            server.user(name).id
        ),
    );
}
