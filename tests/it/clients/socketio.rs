//! socket.io-client, unmodified but for its transport.

use anyhow::Result;
use serde_json::{Value, json};

use super::api::Person;
use super::application::{Application, Library};
use super::demo::Demo;
use super::service::Service;
use super::toolbox::Toolbox;

const CLIENT: &str = "atelier_nord";

struct Fixture {
    toolbox: Toolbox,
    service: Service,
    demo: Demo,
    emma: Person,
}

impl Fixture {
    async fn set() -> Result<Self> {
        let toolbox = Toolbox::open()?;
        let service = Service::start().await?;
        let demo = Demo::of(&service)?;
        let emma = demo.person(&service, "emma")?;
        Ok(Self { toolbox, service, demo, emma })
    }

    async fn start(&self, mut options: Value) -> Result<Application> {
        options["url"] = self.service.url().into();
        Application::start_with(&self.toolbox, Library::SocketIo, options).await
    }

    async fn chloe(&self) -> Result<Application> {
        let mut chloe = self.start(json!({ "token": self.demo.token("chloe")? })).await?;
        chloe.next("connect").await?;
        Ok(chloe)
    }
}

async fn answer(application: &mut Application, event: &str, args: Value) -> Result<Value> {
    application.order(json!({ "order": "emit", "event": event, "args": args })).await?;
    application.next("answered").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hears_what_is_meant_for_its_person_and_answers_come_back() -> Result<()> {
    let scene = Fixture::set().await?;
    let tenant = scene.demo.tenant()?;
    let token = scene.demo.token("chloe")?;
    for options in [
        json!({ "token": token }),
        json!({ "token": token, "path": format!("/api/tenants/{tenant}/messaging/socket") }),
    ] {
        let mut chloe = scene.start(options).await?;
        chloe.next("connect").await?;
        let sent = scene.emma.send(scene.demo.client(CLIENT)?, "Bonjour").await?;
        let heard = chloe.event_named("messaging:new").await?;
        assert_eq!(heard["payload"]["message"]["content"], "Bonjour");
        assert_eq!(heard["payload"]["conversationId"], heard["payload"]["message"]["conversationId"]);
        assert_eq!(heard["topic"], format!("user:{}", scene.demo.user("chloe")?));

        let send = json!([{ "clientId": scene.demo.client(CLIENT)?, "content": "Salut" }]);
        let answered = answer(&mut chloe, "messaging:send", send).await?;
        assert_eq!((&answered["status"], &answered["response"]["content"]), (&json!("ok"), &json!("Salut")));
        let read = answer(&mut chloe, "messaging:read", json!([{ "messageId": sent.id }])).await?;
        assert_eq!(read["status"], "ok", "{read}");
        let refused = answer(&mut chloe, "messaging:send", json!([{ "content": "à qui ?" }])).await?;
        assert_eq!(refused["response"]["code"], "VALIDATION_ERROR", "{refused}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_turned_away_is_told_why_and_stays_away() -> Result<()> {
    let scene = Fixture::set().await?;
    for options in [json!({ "token": "worthless" }), json!({})] {
        let mut stranger = scene.start(options).await?;
        let error = stranger.next("connect_error").await?;
        assert_eq!((&error["data"]["code"], &error["active"]), (&json!("UNAUTHENTICATED"), &json!(false)));
    }
    let polling = json!({ "token": scene.demo.token("chloe")?, "transports": ["polling"] });
    let error = scene.start(polling).await?.next("connect_error").await?;
    let said = error["answer"].as_str().unwrap_or_default();
    assert!(said.contains("use transports: ['websocket']"), "{error}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_brings_everybody_back_to_what_they_missed() -> Result<()> {
    let mut scene = Fixture::set().await?;
    let room = scene.demo.room(CLIENT)?;
    let mut chloe = scene.chloe().await?;
    let join = |after: i64| json!([{ "topic": room, "afterSeq": after }]);
    let joined = answer(&mut chloe, "join", join(0)).await?;
    assert_eq!(joined["response"]["lastSeq"], 0, "{joined}");
    scene.service.stop()?;
    let gone = chloe.next("disconnect").await?;
    assert_eq!((&gone["reason"], &gone["active"]), (&json!("transport close"), &json!(true)));
    scene.service.start_again().await?;
    chloe.next("connect").await?;
    let client = scene.demo.client(CLIENT)?.to_owned();
    scene.emma.send(&client, "manqué").await?;
    let joined = answer(&mut chloe, "join", join(0)).await?;
    assert_eq!(
        (&joined["response"]["resume"], &joined["response"]["replayed"]),
        (&json!("complete"), &json!(1))
    );
    loop {
        let heard = chloe.event_named("messaging:new").await?;
        if heard["topic"] == json!(room) {
            assert_eq!((&heard["meta"]["seq"], &heard["meta"]["replayed"]), (&json!(1), &json!(true)));
            return Ok(());
        }
    }
}
