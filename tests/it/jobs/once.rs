//! Each scheduled time is one run, however many processes there are.

use std::time::Duration;

use futures_util::future::join_all;
use guichet::jobs::Schedule;

use super::fixture::{HOURLY, JobsFixture, Runs, standing};

#[tokio::test]
async fn four_processes_run_each_time_once() {
    let desk = JobsFixture::new();
    let (hourly, often) = (Runs::default(), Runs::default());
    let all: Vec<_> = (0..4)
        .map(|_| {
            let every_two = Schedule::Every(Duration::from_secs(7_200));
            desk.scheduler(vec![hourly.job("hourly", HOURLY), often.job("often", every_two)])
        })
        .collect();
    for turn in 1..=20 {
        let made: usize =
            join_all(all.iter().map(|one| one.drain())).await.into_iter().map(Result::unwrap).sum();
        assert_eq!(hourly.count(), turn);
        assert!(made <= 2, "{made} runs of two jobs in turn {turn}");
        desk.until_due(&all[0], "hourly").await;
    }
    assert!((10..=11).contains(&often.count()), "{} runs", often.count());
}

#[tokio::test]
async fn runs_that_were_missed_are_made_up_by_one() {
    let desk = JobsFixture::new();
    let (hourly, daily) = (Runs::default(), Runs::default());
    let at_three = Schedule::DailyAt { hour_utc: 3 };
    let scheduler = desk.scheduler(vec![hourly.job("hourly", HOURLY), daily.job("daily", at_three)]);
    scheduler.drain().await.unwrap();
    assert_eq!((hourly.count(), daily.count()), (1, 0), "a daily job waits for its hour");
    desk.clock.advance(Duration::from_secs(10 * 24 * 3_600));
    assert_eq!(scheduler.drain().await.unwrap(), 2);
    assert_eq!((hourly.count(), daily.count()), (2, 1));
    assert_eq!(scheduler.drain().await.unwrap(), 0);
    let due = standing(&scheduler, "hourly").await.due_at;
    assert_eq!(due, HOURLY.next_after(desk.clock.now()));
}

#[tokio::test]
async fn a_clock_that_was_an_hour_ahead_costs_no_run() {
    let desk = JobsFixture::new();
    let runs = Runs::default();
    let minutely = Schedule::Every(Duration::from_secs(60));
    let ahead = desk.scheduler(vec![runs.job("minutely", minutely)]);
    desk.clock.advance(Duration::from_secs(3_600));
    ahead.drain().await.unwrap();
    let right = desk.by_the_right_clock(vec![runs.job("minutely", minutely)]);
    assert_eq!(right.drain().await.unwrap(), 1);
    assert_eq!(right.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn a_job_is_run_by_hand_before_it_is_due() {
    let desk = JobsFixture::new();
    let runs = Runs::default();
    let scheduler = desk.scheduler(vec![runs.job("daily", Schedule::DailyAt { hour_utc: 3 })]);
    let done = scheduler.run_now("daily").await.unwrap().unwrap();
    assert_eq!((done.count, runs.count()), (1, 1));
    assert_eq!(standing(&scheduler, "daily").await.outcome.as_deref(), Some("ok"));
    let error = scheduler.run_now("weekly").await.unwrap_err();
    assert_eq!(error.code(), "NOT_FOUND");
}
