//! Row-level security alone: without any check of the application, in the service's own transactions, rows of others
//! are neither returned nor changed.

use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use guichet::schema::messages;
use guichet_base::id::{ClientId, TenantId, UserId};
use guichet_base::{Actor, Locale, Role};
use guichet_db::Db;
use guichet_db::embedded::LoginRole as Login;
use serde_json::Value;
use uuid::Uuid;

use crate::api::sample_records::{Caller, SampleRecords};
use crate::harness::TestServer;
use crate::hostile::judge::everything;

const ROLES: [Role; 6] =
    [Role::Owner, Role::Manager, Role::Employee, Role::Client, Role::Service, Role::Platform];

fn actor(tenant: TenantId, user: UserId, role: Role) -> Actor {
    Actor {
        tenant,
        user,
        role,
        scopes: Arc::from(["*".to_owned()]),
        locale: Locale::Fr,
        ip: None,
        authenticated_at: None,
    }
}

/// A handler without a permission check.
async fn careless_history(db: &Db, actor: &Actor, client: ClientId) -> Vec<Option<String>> {
    let read = db.read(actor, move |tx| {
        let of_client = messages::table.filter(messages::client_id.eq(client));
        Ok(of_client.select(messages::content).load(tx.conn())?)
    });
    read.await.unwrap()
}

/// The same for a write.
async fn careless_edit(db: &Db, actor: &Actor, client: ClientId) -> Result<usize, guichet_base::Error> {
    db.write(actor, move |tx| {
        let of_client = messages::table.filter(messages::client_id.eq(client));
        Ok(diesel::update(of_client).set(messages::content.eq("overwritten")).execute(tx.conn())?)
    })
    .await
}

struct Fixture {
    server: TestServer,
    things: SampleRecords,
    strangers: Vec<(String, Actor)>,
}

async fn lay() -> Fixture {
    let server = TestServer::start();
    let service = Caller::new(&server, &server.demo.service_token);
    let owner = Caller::new(&server, &server.user("awa").token);
    let things = SampleRecords::make(&service, &owner, "walled").await;
    let (here, elsewhere) = (server.demo.tenant_id, TenantId::new());
    let mut strangers = Vec::new();
    for role in ROLES {
        let word = role.into_str();
        strangers.push((format!("{word} of another tenant"), actor(elsewhere, UserId::new(), role)));
        // Their own tenant with the victim's person: an id alone gives no access.
        strangers.push((
            format!("{word} of another tenant as Awa"),
            actor(elsewhere, server.user("awa").id, role),
        ));
    }
    for (name, role) in [("bruno", Role::Client), ("karim", Role::Employee)] {
        strangers.push((format!("{name} of another client"), actor(here, server.user(name).id, role)));
    }
    strangers.push(("a client nobody knows".to_owned(), actor(here, UserId::new(), Role::Client)));
    Fixture { server, things, strangers }
}

#[tokio::test]
async fn a_handler_without_checks_finds_no_word_of_anybody_else() {
    let ground = lay().await;
    let client: ClientId = ground.things.client.parse().unwrap();
    let db = &ground.server.app.db;
    let before = everything(&ground.server);
    for (label, stranger) in &ground.strangers {
        assert_eq!(
            careless_history(db, stranger, client).await,
            Vec::<Option<String>>::new(),
            "{label} reads"
        );
        // No row to change, or no permission to try.
        assert!(!matches!(careless_edit(db, stranger, client).await, Ok(1..)), "{label} writes");
    }
    assert_eq!(everything(&ground.server), before);
    let awa = actor(ground.server.demo.tenant_id, ground.server.user("awa").id, Role::Owner);
    assert_eq!(careless_history(db, &awa, client).await.len(), 1, "who may read it does");
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    row: String,
}

fn tables(server: &TestServer) -> Vec<String> {
    let sql = "SELECT c.relname::text AS row FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
        AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> '__diesel_schema_migrations'";
    let rows: Vec<Row> = sql_query(sql).load(&mut server.database.connect(Login::Admin)).unwrap();
    rows.into_iter().map(|row| row.row).collect()
}

/// Whether a row is the victim's: of its tenant, and for people of that tenant, of its client.
fn is_victims(row: &Value, stranger: &Actor, ground: &Fixture) -> bool {
    let tenant = ground.server.demo.tenant_id.to_string();
    if stranger.tenant.to_string() != tenant {
        return row.get("tenant_id").or_else(|| row.get("id")).is_some_and(|id| *id == tenant);
    }
    let things = &ground.things;
    [
        ("client_id", &things.client),
        ("conversation_id", &things.conversation),
        ("id", &things.client),
        ("id", &things.member),
        ("user_id", &things.member),
        ("recipient_id", &things.member),
    ]
    .iter()
    .any(|(column, id)| row[*column] == **id)
}

#[tokio::test]
async fn no_table_shows_a_row_of_anybody_else() {
    let ground = lay().await;
    let mut wrong = Vec::new();
    for table in tables(&ground.server) {
        for (label, stranger) in &ground.strangers {
            let sql = format!("SELECT to_jsonb(t)::text AS row FROM public.{table} t");
            let read = ground
                .server
                .app
                .db
                .read(stranger, move |tx| Ok(sql_query(&sql).load::<Row>(tx.conn())?))
                .await;
            // Some tables are not granted at all.
            for row in read.unwrap_or_default() {
                let row: Value = serde_json::from_str(&row.row).unwrap();
                if is_victims(&row, stranger, &ground) {
                    wrong.push(format!("{label} reads {table}: {row}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every row of the victim's is changed, deleted and inserted under a new id, by everyone else.
#[tokio::test]
async fn no_table_lets_a_row_of_anybody_else_change() {
    let ground = lay().await;
    let before = everything(&ground.server);
    let admin = &mut ground.server.database.connect(Login::Admin);
    let tenant = ground.server.demo.tenant_id;
    let (mut tried, mut wrong) = (0, Vec::new());
    for table in tables(&ground.server) {
        let all: Vec<Row> =
            sql_query(format!("SELECT to_jsonb(t)::text AS row FROM public.{table} t")).load(admin).unwrap();
        for (label, stranger) in &ground.strangers {
            let rows = all.iter().map(|row| serde_json::from_str::<Value>(&row.row).unwrap());
            for row in rows.filter(|row| is_victims(row, stranger, &ground)) {
                for sql in attempts(&table, &row) {
                    tried += 1;
                    let statement = sql.clone();
                    let done = ground
                        .server
                        .app
                        .db
                        .write(stranger, move |tx| Ok(sql_query(&statement).execute(tx.conn())?));
                    if let Ok(count @ 1..) = done.await {
                        wrong.push(format!("{label}: {count} rows by {sql}"));
                    }
                }
            }
        }
    }
    println!("rows of others: {tried} statements");
    assert!(tried > 100, "only {tried} statements were tried");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(everything(&ground.server), before, "rows of {tenant} changed");
}

fn attempts(table: &str, row: &Value) -> Vec<String> {
    let members = row.as_object().unwrap();
    let is_key = |name: &str| name == "id" || name == "topic" || name == "key" || name.ends_with("_id");
    let pairs = members.iter().filter(|(name, value)| is_key(name) && value.is_string());
    let pairs: Vec<_> =
        pairs.map(|(name, value)| format!("{name} = '{}'", value.as_str().unwrap())).collect();
    let found = pairs.join(" AND ");
    let column = ["name", "content", "display_name", "details", "unread_count"]
        .into_iter()
        .find(|column| row.get(column).is_some())
        .unwrap_or("tenant_id");
    let mut copy = row.clone();
    if row.get("id").is_some() {
        copy["id"] = Uuid::now_v7().to_string().into();
    }
    let columns = row.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(", ");
    let values = copy.to_string().replace('\'', "''");
    vec![
        format!("UPDATE public.{table} SET {column} = {column} WHERE {found}"),
        format!("DELETE FROM public.{table} WHERE {found}"),
        format!(
            "INSERT INTO public.{table} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::public.{table}, '{values}')"
        ),
    ]
}
