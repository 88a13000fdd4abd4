//! One business with many rooms and a million messages, created by set-based SQL.
//!
//! Ids derive from numbers, so none has to be stored: employee `e` is in charge of fifty rooms, room `r` has one
//! member and `messages_per_room` messages, and all rooms grew at the same pace.

use std::time::Duration;

use anyhow::{Context, Result};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use guichet::auth::token::{NewToken, mint};
use guichet::config::{Config, Variables};
use guichet_base::{Clock, Role};
use secrecy::SecretString;
use uuid::Uuid;

use crate::scale::Scale;
use crate::service::{Folder, SECRET, Service};

pub const ROOMS_PER_EMPLOYEE: usize = 50;
const TOKEN_LASTS: Duration = Duration::from_secs(24 * 3600);

/// The kind of an id, which is part of it.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Tenant = 1,
    Member = 2,
    Employee = 3,
    Owner = 4,
    Client = 5,
    Room = 6,
    Guest = 7,
    Reader = 8,
}

pub struct World {
    pub rooms: usize,
    pub employees: usize,
    pub messages_per_room: usize,
    config: Config,
    clock: Clock,
    secret: SecretString,
}

impl World {
    pub async fn make(folder: &Folder, scale: &Scale) -> Result<Self> {
        let service = Service::start(folder).await?;
        let mut conn = PgConnection::establish(&service.admin_url())?;
        let employees = scale.rooms.div_ceil(ROOMS_PER_EMPLOYEE);
        let started = std::time::Instant::now();
        for step in steps(scale, employees) {
            conn.batch_execute(&step).with_context(|| step.clone())?;
        }
        println!(
            "{} messages in {} rooms were made in {:.0} s",
            scale.rooms * scale.messages_per_room,
            scale.rooms,
            started.elapsed().as_secs_f64()
        );
        drop(conn);
        service.stop().await?;
        let none: [(&str, &str); 0] = [];
        Ok(Self {
            rooms: scale.rooms,
            employees,
            messages_per_room: scale.messages_per_room,
            config: Config::load(&Variables::from_iter(none))?,
            clock: Clock::system(),
            secret: SecretString::from(SECRET),
        })
    }

    pub fn tenant_topic(&self) -> String {
        format!("tenant:{}", id(Kind::Tenant, 1))
    }

    pub fn room_topic(&self, room: usize) -> String {
        format!("chat:room:{}", id(Kind::Client, room))
    }

    pub fn employee_topic(&self, employee: usize) -> String {
        format!("user:{}", id(Kind::Employee, employee))
    }

    pub fn room_path(&self, room: usize) -> String {
        format!("/api/v1/conversations/{}/messages", id(Kind::Room, room))
    }

    pub fn client_id(&self, room: usize) -> Uuid {
        id(Kind::Client, room)
    }

    /// The first room in the charge of an employee.
    pub fn first_room_of(&self, employee: usize) -> usize {
        (employee - 1) * ROOMS_PER_EMPLOYEE + 1
    }

    /// The employee in charge of a room.
    pub fn employee_of(&self, room: usize) -> usize {
        (room - 1) / ROOMS_PER_EMPLOYEE + 1
    }

    pub fn member_token(&self, room: usize) -> Result<String> {
        self.token(id(Kind::Member, room), Role::Client)
    }

    pub fn employee_token(&self, employee: usize) -> Result<String> {
        self.token(id(Kind::Employee, employee), Role::Employee)
    }

    /// For a person of the returning crowd (`crowd`).
    pub fn guest_token(&self, guest: usize) -> Result<String> {
        self.token(id(Kind::Guest, guest), Role::Client)
    }

    pub fn owner_token(&self) -> Result<String> {
        self.token(id(Kind::Owner, 1), Role::Owner)
    }

    /// For a person with notifications (`notify`).
    pub fn reader_token(&self, reader: usize) -> Result<String> {
        self.token(id(Kind::Reader, reader), Role::Client)
    }

    /// For a backend that announces events.
    pub fn producer_token(&self) -> Result<String> {
        self.scoped(id(Kind::Tenant, 1), Role::Service, vec!["event.emit".to_owned()])
    }

    fn token(&self, user: Uuid, role: Role) -> Result<String> {
        self.scoped(user, role, Vec::new())
    }

    fn scoped(&self, user: Uuid, role: Role, scopes: Vec<String>) -> Result<String> {
        let now = self.clock.now();
        let new = NewToken {
            subject: user.to_string(),
            tenant: id(Kind::Tenant, 1).to_string(),
            role,
            clients: Vec::new(),
            scopes,
            name: None,
            email: None,
            locale: None,
            issued_at: now,
            expires_at: now.plus(TOKEN_LASTS),
        };
        Ok(mint(&self.config.tokens, &self.secret, &new)?)
    }
}

pub fn id(kind: Kind, number: usize) -> Uuid {
    let number = u128::try_from(number).unwrap_or_default();
    Uuid::from_u128((kind as u128) << 96 | 0x4000_8000 << 48 | number)
}

/// The same ids in SQL, from an expression.
pub fn ids(kind: Kind, number: &str) -> String {
    format!("('{:08x}-0000-4000-8000-' || lpad(to_hex({number}), 12, '0'))::uuid", kind as u32)
}

/// The statements that create the data. Messages are inserted without triggers and foreign keys, and their effects
/// (counters) are set at the end.
fn steps(scale: &Scale, employees: usize) -> Vec<String> {
    let tenant = format!("'{}'::uuid", id(Kind::Tenant, 1));
    let (rooms, each) = (scale.rooms, scale.messages_per_room);
    let (member, employee, owner) = (ids(Kind::Member, "n"), ids(Kind::Employee, "n"), ids(Kind::Owner, "n"));
    let (client, room) = (ids(Kind::Client, "n"), ids(Kind::Room, "n"));
    let in_charge = ids(Kind::Employee, &format!("(n - 1) / {ROOMS_PER_EMPLOYEE} + 1"));
    vec![
        format!("SET synchronous_commit = off; SET app.tenant_id = '{}'; SET maintenance_work_mem = '256MB'", id(Kind::Tenant, 1)),
        format!("INSERT INTO tenants (id, slug, name) VALUES ({tenant}, 'bench', 'Bench')"),
        format!(
            "INSERT INTO users (tenant_id, id, role, display_name)
             SELECT {tenant}, {member}, 'client', 'Member ' || n FROM generate_series(1, {rooms}) n UNION ALL
             SELECT {tenant}, {employee}, 'employee', 'Employee ' || n FROM generate_series(1, {employees}) n UNION ALL
             SELECT {tenant}, {owner}, 'owner', 'Owner' FROM generate_series(1, 1) n"
        ),
        format!(
            "INSERT INTO clients (tenant_id, id, name, operator_id)
             SELECT {tenant}, {client}, 'Client ' || n, {in_charge} FROM generate_series(1, {rooms}) n"
        ),
        format!(
            "INSERT INTO client_members (tenant_id, client_id, user_id)
             SELECT {tenant}, {client}, {member} FROM generate_series(1, {rooms}) n"
        ),
        format!(
            "INSERT INTO conversations (tenant_id, id, kind, client_id)
             SELECT {tenant}, {room}, 'client', {client} FROM generate_series(1, {rooms}) n"
        ),
        "CREATE TEMPORARY TABLE kept AS SELECT pg_get_indexdef('messages_words'::regclass) AS text;
         DROP INDEX messages_words; SET session_replication_role = replica"
            .to_owned(),
        messages(&tenant, rooms, each),
        "SET session_replication_role = origin;
         DO $$ BEGIN EXECUTE (SELECT text FROM kept); END $$"
            .to_owned(),
        format!(
            "SET session_replication_role = replica;
             UPDATE conversations SET last_seq = {each}, head = {each}, last_message_at =
                 (SELECT max(created_at) FROM messages m WHERE m.conversation_id = conversations.id AND m.seq = {each});
             UPDATE participants SET unread_count = CASE WHEN conversation_id::text LIKE '%0' THEN 7 ELSE 0 END, read_seq = {each};
             SET session_replication_role = origin"
        ),
        "VACUUM ANALYZE".to_owned(),
        "CHECKPOINT".to_owned(),
    ]
}

/// Messages in the order of time, so that the rows of a room are scattered as in production. Twelve words each out of
/// five thousand, with a skewed distribution.
fn messages(tenant: &str, rooms: usize, each: usize) -> String {
    let (member, client, room) = (ids(Kind::Member, "r"), ids(Kind::Client, "r"), ids(Kind::Room, "r"));
    let employee = ids(Kind::Employee, &format!("(r - 1) / {ROOMS_PER_EMPLOYEE} + 1"));
    format!(
        "SELECT setseed(0.5);
         INSERT INTO messages (tenant_id, id, conversation_id, client_id, operator_id, seq, changed_seq, sender_id,
             sender_type, content, delivered_at, read_at, created_at)
         SELECT {tenant}, (lpad(to_hex(1700000000000 + n * 10), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
             {room}, {client}, {employee}, s, s, CASE WHEN s % 2 = 0 THEN {member} ELSE {employee} END,
             CASE WHEN s % 2 = 0 THEN 'client' ELSE 'operator' END,
             (SELECT string_agg('mo' || translate(((5000 * random() ^ 3)::int + w * 0 + n * 0)::text, '0123456789', 'bcdfgklmpr'), ' ')
                FROM generate_series(1, 12) w),
             at, at, at
           FROM (SELECT n, (n % {rooms} + 1)::int AS r, n / {rooms} + 1 AS s,
                        date_trunc('milliseconds', now()) - interval '30 days' + n * interval '1 second' AS at
                   FROM generate_series(0, {rooms}::bigint * {each} - 1) n) x"
    )
}
