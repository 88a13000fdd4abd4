//! S1 and S2: one broadcast to everyone in a room: 500 in one, and 5 in each of 200; alone, and with eight queued for
//! each socket.
//!
//! Each room has one sender, who sends as many as shall be queued, and the next ones when all have received them. The
//! figure is the service's CPU per delivery; the baseline is the bare `send()` of as many frames.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::LocalSet;

use crate::baseline;
use crate::report::{Bar, Report};
use crate::scale::Scale;
use crate::service::Service;
use crate::socket::Socket;
use crate::times::{count, median, micros};
use crate::world::World;

/// Rooms, and listeners in each.
const SHAPES: [(usize, usize); 2] = [(1, 500), (200, 5)];
/// Broadcasts sent at once in each room, and the limit of a delivery as a ratio to the baseline, or in microseconds.
const WINDOWS: [(&str, usize, Limit); 2] =
    [("S1: alone", 1, Limit::TimesFloor(1.6)), ("S2: eight waiting", 8, Limit::Micros(1.0))];

#[derive(Clone, Copy)]
enum Limit {
    TimesFloor(f64),
    Micros(f64),
}

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    for (name, window, limit) in WINDOWS {
        report.section(&format!("{name}: fan-out of a 160-byte broadcast"));
        for (rooms, listeners) in SHAPES {
            let rooms = rooms.min(world.rooms);
            let (mut costs, mut ratios) = (Vec::new(), Vec::new());
            for _ in 0..scale.rounds {
                let floor = micros(baseline::send_cost(window)?) / count(window);
                match shape(service, world, (rooms, listeners), window, scale.turn).await {
                    Ok((deliveries, cpu, took)) => {
                        let cost = micros(cpu) / count(deliveries);
                        let rate = count(deliveries) / took.as_secs_f64();
                        report.line(
                            &format!("{rooms} x {listeners}"),
                            format!("{cost:.2} µs of CPU a delivery, send() {floor:.2}, {rate:.0} a second"),
                        );
                        costs.push(cost);
                        ratios.push(cost / floor);
                    }
                    Err(error) => report.void(format!("{error:#}")),
                }
            }
            let name = format!("{rooms} x {listeners}");
            match limit {
                Limit::TimesFloor(most) => {
                    report.figure(&format!("{name}, to send()"), median(ratios), "", Bar::AtMost(most));
                }
                Limit::Micros(most) => {
                    report.figure(&format!("{name}, a delivery"), median(costs), " µs", Bar::AtMost(most));
                }
            }
        }
    }
    Ok(())
}

async fn shape(
    service: &Service,
    world: &World,
    (rooms, listeners): (usize, usize),
    window: usize,
    lasts: Duration,
) -> Result<(usize, Duration, Duration)> {
    let local = LocalSet::new();
    let mut tasks = Vec::new();
    let mut open = Vec::new();
    for room in 1..=rooms {
        let token = world.employee_token(world.employee_of(room))?;
        let topic: Rc<str> = world.room_topic(room).into();
        let mut sockets = Vec::new();
        for _ in 0..=listeners {
            let mut socket = Socket::connect(service.address, &token, 0).await?;
            socket.join(&topic).await?;
            sockets.push(socket);
        }
        open.push((topic, sockets));
    }
    let (cpu, started) = (service.cpu()?, Instant::now());
    for (topic, sockets) in open {
        tasks.push(local.spawn_local(room(topic, sockets, window, started + lasts)));
    }
    let mut deliveries = 0;
    local
        .run_until(async {
            for task in tasks {
                deliveries += task.await??;
            }
            anyhow::Ok(())
        })
        .await?;
    Ok((deliveries, service.cpu()? - cpu, started.elapsed()))
}

/// Sends and receives until `end`. Returns the number of deliveries.
async fn room(topic: Rc<str>, mut sockets: Vec<Socket>, window: usize, end: Instant) -> Result<usize> {
    let Some(mut sender) = sockets.pop() else { return Ok(0) };
    let filler = "x".repeat(120);
    let (mut sent, mut heard) = (0, 0);
    while Instant::now() < end {
        while sent < heard + window {
            let payload =
                format!(r#"{{"type":"broadcast","event":"tick","payload":{{"n":{sent},"x":"{filler}"}}}}"#);
            sender.push(&topic, "broadcast", &payload).await?;
            sent += 1;
        }
        for socket in &mut sockets {
            for next in heard..sent {
                let said = socket.hear().await?;
                let expected = format!(r#"{{"n":{next},"x":"{filler}"}}"#);
                ensure!(
                    said.event == "tick" && said.payload.get() == expected,
                    "{topic} said {} where {next} was next",
                    said.payload
                );
            }
        }
        heard = sent;
    }
    Ok(heard * sockets.len())
}
