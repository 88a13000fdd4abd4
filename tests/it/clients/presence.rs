//! Presence as each library shows it: joins, tracked fields, leaves, and short drops that stay invisible.

use anyhow::Result;
use serde_json::{Value, json};

use super::application::{Application, Library};
use super::libraries::Fixture;
use super::proxy::Proxy;

/// Joins with presence, and waits for the reply.
async fn enter(application: &mut Application, topic: &str) -> Result<()> {
    application.order(json!({ "order": "join", "topic": topic, "presence": true })).await?;
    application.subscribed().await
}

async fn track(application: &mut Application, topic: &str, payload: Value) -> Result<()> {
    application.order(json!({ "order": "track", "topic": topic, "payload": payload })).await?;
    let tracked = application.next("tracked").await?;
    assert_eq!(tracked["status"], "ok", "{:?}: {tracked}", application.library);
    Ok(())
}

/// Reads until a sync satisfies `is`, and returns all reports up to it.
async fn until(application: &mut Application, is: impl Fn(&Value) -> bool) -> Result<Vec<Value>> {
    let mut reports = Vec::new();
    loop {
        let report = application.next("presence").await?;
        let is_done = report["kind"] == "sync" && is(&report["state"]);
        reports.push(report);
        if is_done {
            return Ok(reports);
        }
    }
}

/// How often `key` joined or left.
fn count(reports: &[Value], kind: &str, key: &str) -> usize {
    reports.iter().filter(|report| report["kind"] == kind && report["key"] == key).count()
}

fn is_there(state: &Value, key: &str) -> bool {
    state.get(key).is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_see_each_other_come_track_untrack_and_go() -> Result<()> {
    let scene = Fixture::set().await?;
    let (emma, chloe) = (scene.demo.user("emma")?, scene.demo.user("chloe")?);
    for (mut hers, mut theirs) in
        scene.applications("emma").await?.into_iter().zip(scene.applications("chloe").await?)
    {
        let library = hers.library;
        enter(&mut hers, &scene.room).await?;
        until(&mut hers, |state| is_there(state, emma)).await?;
        enter(&mut theirs, &scene.room).await?;
        let came = until(&mut hers, |state| is_there(state, chloe)).await?;
        assert_eq!(count(&came, "join", chloe), 1, "{library:?}: {came:?}");
        until(&mut theirs, |state| is_there(state, emma) && is_there(state, chloe)).await?;

        // The server's fields of a person cannot be overwritten.
        track(&mut theirs, &scene.room, json!({ "mood": "calm", "user_id": emma })).await?;
        until(&mut hers, |state| {
            let meta = &state[chloe][0];
            meta["mood"] == "calm" && meta["user_id"] == *chloe && meta["user_type"] == "client"
        })
        .await?;
        theirs.order(json!({ "order": "untrack", "topic": scene.room })).await?;
        let untracked = theirs.next("tracked").await?;
        assert_eq!(untracked["status"], "ok", "{library:?}: {untracked}");
        until(&mut hers, |state| is_there(state, chloe) && state[chloe][0].get("mood").is_none()).await?;

        theirs.order(json!({ "order": "leave", "topic": scene.room })).await?;
        theirs.next("left").await?;
        let went = until(&mut hers, |state| !is_there(state, chloe)).await?;
        assert_eq!(count(&went, "leave", chloe), 1, "{library:?}: {went:?}");
        hers.order(json!({ "order": "leave", "topic": scene.room })).await?;
        hers.next("left").await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_devices_are_one_person_until_the_last_one_leaves() -> Result<()> {
    let scene = Fixture::set().await?;
    let chloe = scene.demo.user("chloe")?;
    let mut watching = scene.applications("emma").await?;
    for emma in &mut watching {
        enter(emma, &scene.room).await?;
    }
    // Each of her devices uses another library.
    let mut devices = scene.applications("chloe").await?;
    for (at, device) in devices.iter_mut().enumerate() {
        enter(device, &scene.room).await?;
        until(device, |state| state[chloe].as_array().is_some_and(|metas| metas.len() == 1)).await?;
        track(device, &scene.room, json!({ "device": at })).await?;
        for emma in &mut watching {
            until(emma, |state| {
                state[chloe].as_array().is_some_and(|metas| metas.len() == 1 && metas[0]["device"] == at)
            })
            .await?;
        }
    }
    for at in (0..devices.len()).rev() {
        devices[at].order(json!({ "order": "leave", "topic": scene.room })).await?;
        devices[at].next("left").await?;
        for emma in &mut watching {
            let told = until(emma, |state| match at {
                0 => !is_there(state, chloe),
                // The fields tracked by the previous device are shown again.
                _ => state[chloe][0]["device"] == at - 1,
            })
            .await?;
            let was_missing =
                told.iter().any(|told| told["kind"] == "sync" && !is_there(&told["state"], chloe));
            assert_eq!(was_missing, at == 0, "{:?}: {told:?}", emma.library);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_drop_shows_nothing_to_the_other_and_the_state_comes_again() -> Result<()> {
    let scene = Fixture::set().await?;
    let (emma, chloe) = (scene.demo.user("emma")?, scene.demo.user("chloe")?);
    for library in Library::ALL {
        let mut hers =
            Application::start(&scene.toolbox, library, &scene.service.url(), scene.demo.token("emma")?)
                .await?;
        enter(&mut hers, &scene.room).await?;
        let mut proxy = Proxy::to(scene.service.port.number)?;
        proxy.open().await?;
        let token = scene.demo.token("chloe")?;
        let mut theirs = Application::start_impatient(&scene.toolbox, library, &proxy.url(), token).await?;
        enter(&mut theirs, &scene.room).await?;
        track(&mut theirs, &scene.room, json!({ "mood": "calm" })).await?;
        until(&mut hers, |state| state[chloe][0]["mood"] == "calm").await?;
        until(&mut theirs, |state| state[chloe][0]["mood"] == "calm").await?;

        proxy.close().await;
        // Applications track again after a reconnect.
        proxy.open().await?;
        theirs.subscribed().await?;
        track(&mut theirs, &scene.room, json!({ "mood": "calm" })).await?;
        until(&mut theirs, |state| is_there(state, emma) && state[chloe][0]["mood"] == "calm").await?;

        // Her own track comes after any report of the drop.
        track(&mut hers, &scene.room, json!({ "after": format!("{library:?}") })).await?;
        let told = until(&mut hers, |state| state[emma][0]["after"] == format!("{library:?}")).await?;
        for report in told {
            assert_ne!(report["key"], *chloe, "{library:?}: {report}");
            if report["kind"] == "sync" {
                assert_eq!(report["state"][chloe][0]["mood"], "calm", "{library:?}: {report}");
            }
        }
        for application in [&mut hers, &mut theirs] {
            application.order(json!({ "order": "leave", "topic": scene.room })).await?;
            application.next("left").await?;
        }
    }
    Ok(())
}
