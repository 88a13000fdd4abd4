//! The service stops and starts again without notice to the applications.
//!
//! Each application reaches the service through a network that stays down until there is something to miss.

use anyhow::{Result, ensure};

use super::application::{Application, Library};
use super::demo::Demo;
use super::proxy::Proxy;
use super::service::Service;
use super::toolbox::Toolbox;

const ROOM: &str = "atelier_nord";

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_every_library_has_what_it_missed_once_and_in_order() -> Result<()> {
    missed_while(|service| {
        let status = service.stop()?;
        ensure!(status.success(), "the service stopped with {status}");
        service.leaves_no_orphan()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_kill_every_library_has_what_it_missed_once_and_in_order() -> Result<()> {
    missed_while(Service::kill).await
}

async fn missed_while(end: fn(&mut Service) -> Result<()>) -> Result<()> {
    let toolbox = Toolbox::open()?;
    let mut service = Service::start().await?;
    let demo = Demo::of(&service)?;
    let (client, room) = (demo.client(ROOM)?, demo.room(ROOM)?);
    let emma = demo.person(&service, "emma")?;
    let mut network = Proxy::to(service.port.number)?;
    network.open().await?;
    let head = emma.head(client).await?;
    let mut people = Vec::new();
    for library in Library::ALL {
        let mut chloe =
            Application::start_on_bad_network(&toolbox, library, &network.url(), demo.token("chloe")?)
                .await?;
        chloe.join(&room, head).await?;
        people.push(chloe);
    }

    let mut sent = emma.send_many(client, "before", 5).await?;
    for chloe in &mut people {
        assert_eq!(chloe.messages(5).await?, sent, "{:?}", chloe.library);
    }
    for round in 1..=2 {
        end(&mut service)?;
        network.close().await;
        service.start_again().await?;
        sent = emma.send_many(client, &format!("missed {round}"), 30).await?;
        network.open().await?;
        sent.extend(emma.send_many(client, &format!("live {round}"), 5).await?);
        for chloe in &mut people {
            assert_eq!(chloe.messages(sent.len()).await?, sent, "{:?}", chloe.library);
        }
    }
    service.stop()?;
    service.leaves_no_orphan()
}
