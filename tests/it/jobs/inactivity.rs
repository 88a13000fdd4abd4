//! `client.inactive`: raised once per period of inactivity, for the operator in charge.

use std::time::Duration;

use futures_util::future::join_all;
use guichet::directory::last_seen;
use guichet::notifications::jobs::inactivity::announce_inactive_clients;

use super::table::{lines, number, run};
use crate::harness::ChatFixture;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const TOLD: &str = "SELECT u.display_name || ': ' || n.title AS line FROM notifications n JOIN users u ON u.id = n.recipient_id \
    WHERE n.type = 'client.inactive' ORDER BY n.created_at, 1";

async fn look(world: &ChatFixture, days: u32) -> u64 {
    announce_inactive_clients(&world.server.app.notifications, days, world.server.clock.now()).await.unwrap()
}

#[tokio::test]
async fn a_client_is_told_of_once_a_spell_to_its_operator_alone() {
    let world = ChatFixture::new();
    assert_eq!(look(&world, 7).await, 0, "a new client has had no time to fall silent");
    world.server.clock.advance(DAY * 8);
    assert_eq!(look(&world, 7).await, 2);
    assert_eq!(look(&world, 7).await, 0);
    let told = lines(&world.server, TOLD);
    assert_eq!(
        told,
        [
            "Emma Laurent: Atelier Nord inactif depuis 8 jours",
            "Karim Benali: Boulangerie Sud inactive for 8 days"
        ]
    );
    world.server.clock.advance(DAY);
    assert_eq!(look(&world, 7).await, 0, "the spell goes on");
}

/// Moves time in the tables only, since tokens expire within a day.
fn days_later(world: &ChatFixture, days: u32) {
    let ago = format!("interval '{days} days'");
    run(
        &world.server,
        &format!(
            "UPDATE clients SET created_at = created_at - {ago}; UPDATE users SET last_seen_at = last_seen_at - {ago}; \
             UPDATE client_silences SET since = since - {ago}, raised_at = raised_at - {ago}"
        ),
    );
}

#[tokio::test]
async fn a_request_or_a_message_of_a_member_ends_the_spell_and_the_next_is_told_of_again() {
    let world = ChatFixture::new();
    days_later(&world, 8);
    world.send_message(&world.chloe, "Bonjour").await;
    // A request of an operator is no activity of the client.
    world.karim.get(&format!("/clients/{}", world.sud)).await.data();
    last_seen::write_pending(&world.server.app.directory).await;
    assert_eq!(look(&world, 7).await, 1, "Boulangerie Sud alone");
    days_later(&world, 8);
    world.bruno.get("/me").await.data();
    last_seen::write_pending(&world.server.app.directory).await;
    assert_eq!(look(&world, 7).await, 1, "Atelier Nord alone");
    days_later(&world, 8);
    assert_eq!(look(&world, 7).await, 1, "Boulangerie Sud fell silent anew");
    assert_eq!(number(&world.server, "SELECT count(*) FROM client_silences"), 2);
}

#[tokio::test]
async fn clients_that_are_not_active_and_tenants_without_notifications_are_left_in_peace() {
    let world = ChatFixture::new();
    world.server.clock.advance(DAY * 8);
    run(&world.server, "UPDATE clients SET status = 'inactive' WHERE name = 'Atelier Nord'");
    run(&world.server, r#"UPDATE tenants SET settings = '{"features": {"notifications": false}}'"#);
    assert_eq!(look(&world, 7).await, 0);
    run(&world.server, "UPDATE tenants SET settings = '{}'");
    assert_eq!(look(&world, 7).await, 1);
}

#[tokio::test]
async fn a_tenant_has_its_own_patience() {
    let world = ChatFixture::new();
    run(
        &world.server,
        r#"UPDATE tenants SET settings = '{"defaults": {"notifications": {"client_inactive_days": 20}}}'"#,
    );
    world.server.clock.advance(DAY * 19);
    assert_eq!(look(&world, 7).await, 0);
    world.server.clock.advance(DAY * 2);
    assert_eq!(look(&world, 7).await, 2);
}

#[tokio::test]
async fn four_who_look_at_once_tell_of_it_once_and_a_failure_tells_of_nothing() {
    let world = ChatFixture::new();
    world.server.clock.advance(DAY * 8);
    // The event cannot be written: its period must not be recorded either.
    run(
        &world.server,
        "ALTER TABLE notification_events ADD CONSTRAINT broken CHECK (event <> 'client.inactive') NOT VALID",
    );
    assert_eq!(look(&world, 7).await, 0);
    assert_eq!(number(&world.server, "SELECT count(*) FROM client_silences"), 0);
    run(&world.server, "ALTER TABLE notification_events DROP CONSTRAINT broken");
    let told: u64 = join_all((0..4).map(|_| look(&world, 7))).await.into_iter().sum();
    assert_eq!(told, 2);
    assert_eq!(
        number(&world.server, "SELECT count(*) FROM notification_events WHERE event = 'client.inactive'"),
        2
    );
}
