//! Properties of feeds beyond the matrix: everyone has one, and it survives its notifications.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;

use super::gate::names;
use super::identity::{Identity, identities};
use super::matrix::MatrixFixture;
use super::world::id;

fn identity(label: &str) -> Identity {
    identities().into_iter().find(|who| who.label == label).unwrap()
}

/// The result of a query after a statement; nothing is committed.
fn reads(connection: &mut PgConnection, who: &Identity, after: &str, query: &str) -> Vec<String> {
    connection.batch_execute(&format!("BEGIN; {} {after}", who.put_on())).unwrap();
    let read = names(connection, query);
    connection.batch_execute("ROLLBACK").unwrap();
    read
}

#[test]
fn whoever_is_made_has_a_feed_from_that_moment_and_only_there() {
    let ground = MatrixFixture::lay();
    let admin = &mut ground.database.connect(super::database::ADMIN);
    let (tenant, person) = (id("a"), id("a.fresh.user"));
    let made = format!(
        "INSERT INTO users (tenant_id, id, role, display_name) VALUES ('{tenant}', '{person}', 'client', 'x');
         SELECT set_config('app.user_id', '{person}', true), set_config('app.role', 'client', true);"
    );
    let feed = "SELECT concat_ws(' ', tenant_id, user_id, head, unread, held) FROM notification_feeds";
    let read = reads(admin, &identity("a manager"), &made, feed);
    assert_eq!(read, [format!("{tenant} {person} 0 0 0")]);
    // Also for people who existed before.
    let without = "SELECT u.id FROM users u WHERE NOT EXISTS (
        SELECT FROM notification_feeds f WHERE f.tenant_id = u.tenant_id AND f.user_id = u.id)";
    assert_eq!(names(admin, without), Vec::<String>::new());
}

#[test]
fn a_delivery_outlives_the_notification_that_retention_took() {
    let ground = MatrixFixture::lay();
    let worker = &mut ground.database.connect("guichet_worker");
    worker.batch_execute(&format!("DELETE FROM notifications WHERE id = '{}'", id("a.n1"))).unwrap();
    let admin = &mut ground.database.connect(super::database::ADMIN);
    let left = format!(
        "SELECT concat_ws(' ', d.tenant_id, d.user_id, d.notification_id) FROM deliveries d WHERE d.id = '{}'",
        id("a.v1")
    );
    assert_eq!(names(admin, &left), [format!("{} {}", id("a"), id("a.chloe"))]);
}

#[test]
fn the_products_view_shows_mails_alone_and_no_more_than_their_table() {
    let ground = MatrixFixture::lay();
    let admin = &mut ground.database.connect(super::database::ADMIN);
    let seen = "SELECT id FROM email_events";
    let system = reads(admin, &identity("the system, after a member"), "", seen);
    let mut mails = [id("a.v1"), id("a.v3")];
    mails.sort();
    assert_eq!(system, mails);
    for label in ["the owner", "a manager", "a member", "a service"] {
        assert_eq!(reads(admin, &identity(label), "", seen), Vec::<String>::new(), "{label}");
    }
}
