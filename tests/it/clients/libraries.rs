//! The features of each library, and refusals.

use anyhow::Result;
use serde_json::{Value, json};
use uuid::Uuid;

use super::api::{Message, Person};
use super::application::{Application, Library};
use super::demo::Demo;
use super::service::Service;
use super::toolbox::Toolbox;

const ROOM: &str = "atelier_nord";
const FOREIGN: &str = "boulangerie_sud";

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_room_stays_silent_in_every_library() -> Result<()> {
    let scene = Fixture::set().await?;
    let bruno = scene.demo.person(&scene.service, "bruno")?;
    let foreign = scene.demo.room(FOREIGN)?;
    for mut chloe in scene.applications("chloe").await? {
        let reason = chloe.refused(&foreign).await?;
        assert!(
            reason.contains("FORBIDDEN") || reason.contains("NOT_FOUND"),
            "{:?}: {reason}",
            chloe.library
        );
        bruno.send(scene.demo.client(FOREIGN)?, "not for Chloé").await?;
        chloe.join(&scene.room, scene.head().await?).await?;
        scene.emma.send(&scene.client, "for Chloé").await?;
        let event = chloe.event().await?;
        assert_eq!(event["payload"]["message"]["content"], "for Chloé", "{:?}: {event}", chloe.library);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worthless_token_is_refused_with_a_reason() -> Result<()> {
    let scene = Fixture::set().await?;
    for library in Library::ALL {
        let mut stranger =
            Application::start(&scene.toolbox, library, &scene.service.url(), "worthless").await?;
        let reason = stranger.refused(&scene.room).await?;
        assert!(reason.contains("UNAUTHENTICATED"), "{library:?}: {reason}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn live_messages_arrive_in_order() -> Result<()> {
    let scene = Fixture::set().await?;
    let mut people = scene.joined("chloe").await?;
    let sent = scene.send("live", 20).await?;
    for chloe in &mut people {
        assert_eq!(chloe.messages(sent.len()).await?, sent, "{:?}", chloe.library);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_done_once_and_answered() -> Result<()> {
    let scene = Fixture::set().await?;
    for mut chloe in scene.joined("chloe").await? {
        let library = chloe.library;
        let refused =
            chloe.command(&scene.room, "messaging:send", scene.message("  ", Uuid::new_v4())).await?;
        assert_eq!(refused["status"], "error", "{library:?}: {refused}");

        let message = scene.message(&format!("by {library:?}"), Uuid::new_v4());
        for _ in 0..2 {
            let done = chloe.command(&scene.room, "messaging:send", message.clone()).await?;
            assert_eq!(done["status"], "ok", "{library:?}: {done}");
            if library == Library::Phoenix {
                assert_eq!(done["response"]["content"], message["content"], "{done}");
            }
        }
        let history = scene.emma.history(&scene.client).await?;
        let found = history.iter().filter(|found| found.content == message["content"]).count();
        assert_eq!(found, 1, "{library:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn own_broadcasts_reach_the_others_and_are_acknowledged() -> Result<()> {
    let scene = Fixture::set().await?;
    let mut people = scene.joined("chloe").await?;
    for speaker in 0..people.len() {
        let library = people[speaker].library;
        let cursor = json!({ "x": speaker, "text": "é" });
        let answer = people[speaker].broadcast(&scene.room, "cursor", cursor.clone()).await?;
        assert_eq!(answer["status"], "ok", "{library:?}: {answer}");
        let forged = people[speaker].broadcast(&scene.room, "messaging:new", cursor.clone()).await?;
        assert_eq!(forged["status"], "error", "{library:?} forged a message: {forged}");
        scene.emma.send(&scene.client, "after the cursor").await?;
        for (listener, chloe) in people.iter_mut().enumerate() {
            // Only typing came before the message; to its author not even that.
            let mut event = chloe.event().await?;
            if listener != speaker {
                assert_eq!((&event["event"], &event["payload"]), (&json!("cursor"), &cursor), "{event}");
                event = chloe.event().await?;
            }
            assert_eq!(event["payload"]["message"]["content"], "after the cursor", "{:?}", chloe.library);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_is_seen_by_the_others() -> Result<()> {
    let scene = Fixture::set().await?;
    let chloe = scene.demo.user("chloe")?;
    let conversation = scene.emma.conversation(&scene.client).await?;
    let mut emma =
        Application::start(&scene.toolbox, Library::Phoenix, &scene.service.url(), scene.demo.token("emma")?)
            .await?;
    emma.join(&scene.room, scene.head().await?).await?;
    for mut application in scene.joined("chloe").await? {
        let library = application.library;
        for typing in [true, false] {
            let payload = json!({ "conversation_id": conversation, "typing": typing });
            let answer = application.command(&scene.room, "messaging:typing", payload.clone()).await?;
            assert_eq!(answer["status"], "ok", "{library:?}: {answer}");
            let event = emma.event_named("messaging:typing").await?;
            assert_eq!(event["payload"]["user_id"], chloe, "{library:?}: {event}");
            assert_eq!(event["payload"]["typing"], typing, "{library:?}: {event}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_token_ends_nothing() -> Result<()> {
    let scene = Fixture::set().await?;
    let mut people = scene.joined("chloe").await?;
    let renewed = Demo::of(&scene.service)?;
    for chloe in &mut people {
        chloe.order(json!({ "order": "renew", "token": renewed.token("chloe")? })).await?;
        chloe.next("renewed").await?;
        let message = scene.message("with the new token", Uuid::new_v4());
        let answer = chloe.command(&scene.room, "messaging:send", message).await?;
        assert_eq!(answer["status"], "ok", "{:?}: {answer}", chloe.library);
        chloe.order(json!({ "order": "leave", "topic": scene.room })).await?;
        chloe.next("left").await?;
    }
    Ok(())
}

/// A new service with its demo tenant, and Emma at the REST API.
pub(super) struct Fixture {
    pub toolbox: Toolbox,
    pub service: Service,
    pub demo: Demo,
    pub emma: Person,
    pub client: String,
    pub room: String,
}

impl Fixture {
    pub async fn set() -> Result<Self> {
        let toolbox = Toolbox::open()?;
        let service = Service::start().await?;
        let demo = Demo::of(&service)?;
        let emma = demo.person(&service, "emma")?;
        let (client, room) = (demo.client(ROOM)?.to_owned(), demo.room(ROOM)?);
        Ok(Self { toolbox, service, demo, emma, client, room })
    }

    pub async fn applications(&self, name: &str) -> Result<Vec<Application>> {
        let mut applications = Vec::new();
        for library in Library::ALL {
            let (url, token) = (self.service.url(), self.demo.token(name)?);
            applications.push(Application::start(&self.toolbox, library, &url, token).await?);
        }
        Ok(applications)
    }

    /// One application per library, in the room.
    async fn joined(&self, name: &str) -> Result<Vec<Application>> {
        let head = self.head().await?;
        let mut applications = self.applications(name).await?;
        for application in &mut applications {
            application.join(&self.room, head).await?;
        }
        Ok(applications)
    }

    async fn head(&self) -> Result<i64> {
        self.emma.head(&self.client).await
    }

    async fn send(&self, label: &str, count: usize) -> Result<Vec<Message>> {
        self.emma.send_many(&self.client, label, count).await
    }

    fn message(&self, content: &str, id: Uuid) -> Value {
        json!({ "client_id": self.client, "content": content, "client_message_id": id })
    }
}
