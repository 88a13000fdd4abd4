//! S1: one broadcast of a person to everybody in a room: 500 in one, and 5 in each of 200.
//!
//! Rooms with one sender each, who waits until all heard the last one. What is measured is the service's CPU per
//! delivery; the floor beside it is the bare `send()`.

use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio::task::LocalSet;

use crate::report::Report;
use crate::scale::Scale;
use crate::service::Service;
use crate::socket::Socket;
use crate::times::{count, micros};
use crate::world::World;

/// Rooms, and listeners in each.
const SHAPES: [(usize, usize); 2] = [(1, 500), (200, 5)];
/// Broadcasts on their way at once in each room.
const WINDOW: usize = 4;

pub async fn run(report: &mut Report, service: &Service, world: &World, scale: &Scale) -> Result<()> {
    report.section("S1: fan-out of a 160-byte broadcast, a first figure");
    for (rooms, listeners) in SHAPES {
        let rooms = rooms.min(world.rooms);
        match shape(service, world, rooms, listeners, scale.turn).await {
            Ok((deliveries, cpu, took)) => report.line(
                &format!("{rooms} x {listeners}"),
                format!(
                    "{:.2} µs of CPU a delivery, {:.0} deliveries a second",
                    micros(cpu) / count(deliveries),
                    count(deliveries) / took.as_secs_f64()
                ),
            ),
            Err(error) => report.void(format!("{error:#}")),
        }
    }
    Ok(())
}

async fn shape(
    service: &Service,
    world: &World,
    rooms: usize,
    listeners: usize,
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
        tasks.push(local.spawn_local(room(topic, sockets, started + lasts)));
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

/// Sends and hears until `end`; gives how many deliveries there were.
async fn room(topic: Rc<str>, mut sockets: Vec<Socket>, end: Instant) -> Result<usize> {
    let Some(mut sender) = sockets.pop() else { return Ok(0) };
    let filler = "x".repeat(120);
    let (mut sent, mut heard) = (0, 0);
    while Instant::now() < end || heard < sent {
        while sent < heard + WINDOW && Instant::now() < end {
            let payload =
                format!(r#"{{"type":"broadcast","event":"tick","payload":{{"n":{sent},"x":"{filler}"}}}}"#);
            sender.push(&topic, "broadcast", &payload).await?;
            sent += 1;
        }
        if heard == sent {
            break;
        }
        for socket in &mut sockets {
            let said = socket.hear().await?;
            let expected = format!(r#"{{"n":{heard},"x":"{filler}"}}"#);
            ensure!(
                said.event == "tick" && said.payload.get() == expected,
                "{topic} said {} where {heard} was next",
                said.payload
            );
        }
        heard += 1;
    }
    Ok(heard * sockets.len())
}
