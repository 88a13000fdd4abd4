//! A failing job is retried, and does not affect others.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guichet::jobs::{Job, JobReport, job};
use guichet_base::Error;

use super::fixture::{HOURLY, JobsFixture, Runs, standing};

/// Fails a number of times, then succeeds.
fn fails(times: usize) -> Box<dyn Job> {
    let tried = Arc::new(AtomicUsize::new(0));
    job("failing", HOURLY, move |_| {
        let turn = tried.fetch_add(1, Ordering::Relaxed);
        async move {
            if turn < times {
                Err(Error::unavailable("the provider is away"))
            } else {
                Ok(JobReport::count(7))
            }
        }
    })
}

#[tokio::test]
async fn a_job_that_fails_or_panics_stops_no_other() {
    let desk = JobsFixture::new();
    let runs = Runs::default();
    let panics = job("panicking", HOURLY, |_| async { panic!("a fault of the job") });
    let scheduler = desk.scheduler(vec![panics, fails(1), runs.job("working", HOURLY)]);
    assert_eq!(scheduler.drain().await.unwrap(), 3);
    for (name, outcome) in [("panicking", "error"), ("failing", "error"), ("working", "ok")] {
        assert_eq!(standing(&scheduler, name).await.outcome.as_deref(), Some(outcome), "{name}");
    }
    let said = standing(&scheduler, "failing").await.message.unwrap();
    assert!(said.contains("the provider is away"), "{said}");
    desk.until_due(&scheduler, "working").await;
    assert_eq!(scheduler.drain().await.unwrap(), 3);
    assert_eq!(runs.count(), 2);
}

#[tokio::test]
async fn a_failed_run_is_tried_again_later_each_time_until_it_is_done() {
    let desk = JobsFixture::new();
    let scheduler = desk.scheduler(vec![fails(3)]);
    let mut waits = Vec::new();
    for _ in 0..3 {
        assert_eq!(scheduler.drain().await.unwrap(), 1);
        let failed = standing(&scheduler, "failing").await;
        waits.push(failed.due_at.as_millis() - failed.finished_at.unwrap().as_millis());
        desk.clock.advance(Duration::from_millis(waits[waits.len() - 1].try_into().unwrap()));
    }
    assert_eq!(waits, [1_000, 2_000, 4_000]);
    assert_eq!(scheduler.drain().await.unwrap(), 1);
    let done = standing(&scheduler, "failing").await;
    assert_eq!((done.outcome.as_deref(), done.message.as_deref()), (Some("ok"), Some("7")));
    assert!(done.due_at.as_millis() - desk.clock.now().as_millis() > 4_000, "back to its hours");
}

#[tokio::test]
async fn an_error_by_hand_is_said() {
    let desk = JobsFixture::new();
    let scheduler = desk.scheduler(vec![fails(1)]);
    let error = scheduler.run_now("failing").await.unwrap_err();
    assert_eq!(error.code(), "UNAVAILABLE");
}
