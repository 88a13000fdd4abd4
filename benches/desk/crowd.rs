//! Ten thousand people in rooms of 500, 50 and 5, and the events that each room got while they were offline.

use anyhow::Result;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::service::Service;
use crate::world::{Kind, World, id, ids};

/// Events that everyone missed.
pub const MISSED: usize = 100;

/// A room by its number in the data set, and its people.
pub struct Room {
    pub number: usize,
    pub people: std::ops::Range<usize>,
}

/// Rooms for `people`: a twentieth of them in one, seven tenths in rooms of fifty, the rest in rooms of five.
pub fn rooms(people: usize) -> Vec<Room> {
    let (one, fifties) = (people / 20, people / 20 + people * 7 / 10);
    let sizes = std::iter::once(0..one)
        .chain((one..fifties).step_by(50).map(|from| from..from + 50))
        .chain((fifties..people).step_by(5).map(|from| from..from + 5));
    sizes
        .zip(1..)
        .map(|(range, number)| Room { number, people: range.start.min(people)..range.end.min(people) })
        .collect()
}

/// Creates the people, and the missed events of their rooms, up to each room's head. Without triggers: participants
/// do not affect who may subscribe.
pub fn make(service: &Service, world: &World, rooms: &[Room]) -> Result<()> {
    let mut conn = PgConnection::establish(&service.admin_url())?;
    let tenant = format!("'{}'::uuid", id(Kind::Tenant, 1));
    let (guest, client) = (ids(Kind::Guest, "g"), ids(Kind::Client, "n"));
    conn.batch_execute(&format!(
        "SET synchronous_commit = off; SET app.tenant_id = '{}'; SET session_replication_role = replica",
        id(Kind::Tenant, 1)
    ))?;
    for room in rooms {
        let (n, from, to) = (room.number, room.people.start, room.people.end);
        if to == from {
            continue;
        }
        conn.batch_execute(&format!(
            "INSERT INTO users (tenant_id, id, role, display_name)
                 SELECT {tenant}, {guest}, 'client', 'Guest ' || g FROM generate_series({from}, {to} - 1) g;
             INSERT INTO client_members (tenant_id, client_id, user_id)
                 SELECT {tenant}, {client}, {guest} FROM generate_series({from}, {to} - 1) g, (SELECT {n} AS n) r"
        ))?;
    }
    let (rooms, head) = (rooms.len(), world.messages_per_room);
    conn.batch_execute(&format!(
        "INSERT INTO outbox (tenant_id, topic, seq, id, event, payload, fanout, client_id)
         SELECT {tenant}, 'chat:room:' || {client}, s, gen_random_uuid(), 'messaging:new',
                ('{{\"message\":{{\"content\":\"' || repeat(lpad(n::text, 6, '0') || '-' || lpad(s::text, 8, '0') || ' ', 20) || '\"}}}}')::json,
                '{{}}', {client}
           FROM generate_series(1, {rooms}) n, generate_series({head} - {MISSED} + 1, {head}) s;
         ANALYZE users; ANALYZE client_members; ANALYZE outbox"
    ))?;
    Ok(())
}

/// The frame of an event, before and after the event's id.
pub fn frame(world: &World, room: usize, seq: usize) -> (String, String) {
    let words = format!("{room:06}-{seq:08} ").repeat(20);
    let topic = world.room_topic(room);
    (
        format!(
            r#"[null,null,"{topic}","broadcast",{{"type":"broadcast","event":"messaging:new","payload":{{"message":{{"content":"{words}"}}}},"meta":{{"id":""#
        ),
        format!(r#"","seq":{seq},"replayed":true}}}}]"#),
    )
}
