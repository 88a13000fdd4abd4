//! A run belongs to the holder of its token.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio_util::sync::CancellationToken;

use super::fixture::{Gate, HOURLY, JobsFixture, Runs, says, standing};

const PAST_THE_LEASE: Duration = Duration::from_secs(61);

#[tokio::test]
async fn a_process_that_dies_mid_run_loses_it_when_its_lease_ends() {
    let desk = JobsFixture::new();
    let gate = Gate::default();
    let (dying, other) = (desk.scheduler(vec![gate.job("long", 1)]), desk.scheduler(vec![says("long", 2)]));
    {
        let dies = pin!(dying.drain());
        let begun = pin!(gate.begun.notified());
        assert!(matches!(select(dies, begun).await, Either::Right(_)), "it ended");
    }
    assert_eq!(other.drain().await.unwrap(), 0, "it is still held");
    assert!(standing(&other, "long").await.running_since.is_some());
    assert!(other.run_now("long").await.unwrap().is_none(), "nor does a hand take it away");
    desk.clock.advance(PAST_THE_LEASE);
    assert_eq!(other.drain().await.unwrap(), 1);
    assert_eq!(standing(&other, "long").await.message.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_late_finisher_s_token_is_refused() {
    let desk = JobsFixture::new();
    let gate = Gate::default();
    let (late, other) = (desk.scheduler(vec![gate.job("long", 1)]), desk.scheduler(vec![says("long", 2)]));
    let mut finishes = pin!(late.drain());
    let begun = pin!(gate.begun.notified());
    assert!(matches!(select(finishes.as_mut(), begun).await, Either::Right(_)), "it ended");
    desk.clock.advance(PAST_THE_LEASE);
    assert_eq!(other.drain().await.unwrap(), 1);
    let before = standing(&other, "long").await;
    gate.go.notify_one();
    finishes.await.unwrap();
    let after = standing(&other, "long").await;
    assert_eq!(after.message.as_deref(), Some("2"));
    assert_eq!((after.finished_at, after.due_at), (before.finished_at, before.due_at));
}

#[tokio::test]
async fn a_slow_job_holds_up_no_other_and_a_stop_gives_its_run_away() {
    let desk = JobsFixture::new();
    let (gate, quick) = (Gate::default(), Runs::default());
    let scheduler = desk.scheduler(vec![gate.job("slow", 1), quick.job("quick", HOURLY)]);
    let stop = CancellationToken::new();
    let runs = scheduler.clone().run(stop.clone());
    let test = async {
        gate.begun.notified().await;
        for turn in 1..=3 {
            while quick.count() < turn {
                crate::harness::pause_between_polls().await;
            }
            // The row written after the run has the next due time.
            while standing(&scheduler, "quick").await.due_at <= desk.clock.now() {}
            desk.until_due(&scheduler, "quick").await;
            scheduler.wake();
        }
        assert_eq!(gate.runs.load(Ordering::Relaxed), 1, "the slow one was begun again");
        stop.cancel();
    };
    tokio::join!(runs, test);
    let other = desk.scheduler(vec![says("slow", 2)]);
    assert_eq!(other.drain().await.unwrap(), 1, "the lease outlived its process");
}
