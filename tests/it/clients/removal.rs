//! A member who is removed while subscribed: each library reports the end, and does not join again.

use anyhow::Result;
use serde_json::json;

use super::libraries::Fixture;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_is_told_closed_and_stays_quiet() -> Result<()> {
    let scene = Fixture::set().await?;
    let chloe = scene.demo.user("chloe")?;
    let mut people = scene.applications("chloe").await?;
    for application in &mut people {
        application.order(json!({ "order": "join", "topic": scene.room })).await?;
        application.subscribed().await?;
    }
    scene.demo.person(&scene.service, "awa")?.remove_member(&scene.client, chloe).await?;
    for application in &mut people {
        let status = application.next("status").await?;
        assert_eq!(status["status"], "CLOSED", "{:?}: {status}", application.library);
    }
    scene.emma.send(&scene.client, "without Chloé").await?;
    let own = format!("user:{chloe}");
    for application in &mut people {
        // A room closed for good is not joined again, while the connection stays usable: the reply to a join of
        // another topic comes after everything before.
        application.order(json!({ "order": "join", "topic": own })).await?;
        let status = application.next("status").await?;
        assert_eq!(
            (&status["topic"], &status["status"]),
            (&json!(own), &json!("SUBSCRIBED")),
            "{:?}",
            application.library
        );
        assert!(application.is_silent("event"), "{:?} heard of the room", application.library);
    }
    Ok(())
}
