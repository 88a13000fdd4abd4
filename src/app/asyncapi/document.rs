//! The catalogue as an AsyncAPI 3.0 document. Actions are those of the service: it sends events and receives
//! commands.

use serde_json::{Map, Value, json};

use super::catalogue::{CatalogueMessage, CatalogueTopic};
use super::commands::COMMANDS;
use super::control::{
    CHANNEL_MESSAGES, CHANNEL_REQUESTS, CONNECTION_MESSAGES, CONNECTION_REQUESTS, SHARED_REPLIES,
};
use super::events::EVENTS;
use super::payloads::{BroadcastFrame, EventMeta, SocketReply};
use super::schemas::{Schemas, schema_of};
use super::topics::TOPICS;
use super::wire_formats;

const DESCRIPTION: &str = "One hub, four servers: the same messages are sent and received on each, and only the framing \
differs. `servers` show the same conversation in each, under `x-frames`.\n\nA client joins topics, receives their events, \
and sends commands, which do the same as REST calls. Durable events are numbered within their topic, in `meta.seq`; \
a join with `after_seq` first receives the missed events, in order, then live ones. Names that begin with `messaging:`, \
`notify:`, `presence:`, `ticket:` or `meeting:` are reserved: clients cannot broadcast them.\n\nMessages here show \
the payload itself. In Phoenix an event is a `broadcast` whose payload is `{type, event, payload, meta}` (schema \
`BroadcastFrame`), and an answer is a `phx_reply` whose payload is `{status, response}` (schema `SocketReply`), `response` being \
the answer shown here; in the plain form it is `reply`, in Socket.IO the acknowledgement.\n\nThe REST API is described in `openapi.yaml`.";

pub fn describe() -> anyhow::Result<Value> {
    let mut schemas = Schemas::default();
    let messages: Map<String, Value> = all_messages()
        .map(|message| (message.key.to_owned(), describe_message(message, &mut schemas)))
        .collect();
    // The frames of Phoenix around the described payloads.
    schema_of::<BroadcastFrame>(&mut schemas);
    schema_of::<SocketReply>(&mut schemas);
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "guichet",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0 OR MIT"},
        },
        "defaultContentType": "application/json",
        "servers": wire_formats::servers(),
        "channels": channels(),
        "operations": operations(),
        "components": {
            "messages": messages,
            "schemas": schemas.finish()?,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer",
                    "description": "`Authorization: Bearer …`, where a client can set headers"},
                "apikey": {"type": "httpApiKey", "in": "query", "name": "apikey",
                    "description": "The token, where Supabase's clients put it"},
                "token": {"type": "httpApiKey", "in": "query", "name": "token", "description": "The token"},
                "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket",
                    "description": "A connect ticket: good once, for 30 seconds (`POST /api/v1/realtime/ticket`)"},
            },
        },
    }))
}

fn all_messages() -> impl Iterator<Item = &'static CatalogueMessage> {
    let commands = COMMANDS.iter().flat_map(|command| [&command.request, &command.reply]);
    let controls = CONNECTION_REQUESTS.iter().chain(&CHANNEL_REQUESTS).map(|control| &control.ask);
    EVENTS
        .iter()
        .chain(commands)
        .chain(controls)
        .chain(&SHARED_REPLIES)
        .chain(&CHANNEL_MESSAGES)
        .chain(&CONNECTION_MESSAGES)
}

fn describe_message(message: &CatalogueMessage, schemas: &mut Schemas) -> Value {
    let is_plain_alone = CONNECTION_MESSAGES.iter().any(|other| other.key == message.key);
    let mut example = json!({"payload": (message.example)()});
    let mut described = json!({
        "name": message.name,
        "title": message.summary,
        "summary": message.summary,
        "payload": (message.payload)(schemas),
        "x-phoenix-event": if is_plain_alone { Value::Null } else { phoenix_event(message).into() },
        "x-plain-event": message.plain,
    });
    if message.durable {
        insert(&mut described, "headers", schema_of::<EventMeta>(schemas));
        insert(&mut described, "x-durable", true.into());
        insert(&mut example, "headers", wire_formats::meta());
    }
    insert(&mut described, "examples", json!([example]));
    described
}

/// The name of the frame: events of the service are sent as a broadcast.
fn phoenix_event(message: &CatalogueMessage) -> &'static str {
    if message.key.starts_with("event_") { "broadcast" } else { message.name }
}

fn insert(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn channels() -> Value {
    let mut channels: Map<String, Value> =
        TOPICS.iter().map(|topic| (topic.key.to_owned(), describe_topic(topic))).collect();
    let commands = COMMANDS.iter().flat_map(|command| [command.request.key, command.reply.key]);
    let controls = CONNECTION_REQUESTS.iter().flat_map(request_and_reply_keys);
    let connection_messages = CONNECTION_MESSAGES.iter().map(|message| message.key);
    channels.insert(
        "connection".to_owned(),
        json!({
            "address": null,
            "title": "The connection itself",
            "description": "Commands, heartbeats, tokens, and news of the connection. In Phoenix, heartbeats are \
                pushed on the topic `phoenix`, the rest on any joined topic; in the other forms they have none.",
            "servers": wire_formats::server_refs(),
            "messages": refs(commands.chain(controls).chain(connection_messages)),
            "bindings": {"ws": {"method": "GET", "query": {"type": "object", "properties": {
                "vsn": {"type": "string", "description": "Phoenix: 1.0.0 or 2.0.0"},
                "apikey": {"type": "string"},
                "token": {"type": "string"},
                "ticket": {"type": "string"},
                "EIO": {"type": "string", "const": "4", "description": "Socket.IO"},
            }}, "bindingVersion": "0.1.0"}},
        }),
    );
    let controls = CHANNEL_REQUESTS.iter().flat_map(request_and_reply_keys);
    channels.insert(
        "topic".to_owned(),
        json!({
            "address": "{topic}",
            "title": "Any topic",
            "description": "What holds for every topic alike: joining and leaving, presence, people's own \
                broadcasts, changes of rows, and how a subscription ends.",
            "parameters": {"topic": {"description": "A topic's name"}},
            "servers": wire_formats::server_refs(),
            "messages": refs(controls.chain(CHANNEL_MESSAGES.iter().map(|message| message.key))),
        }),
    );
    Value::Object(channels)
}

fn request_and_reply_keys(control: &super::catalogue::CatalogueControl) -> Vec<&'static str> {
    [control.ask.key].into_iter().chain(control.replies.iter().copied()).collect()
}

fn describe_topic(topic: &CatalogueTopic) -> Value {
    let parameters: Map<String, Value> = topic
        .parameters
        .iter()
        .map(|(name, says)| ((*name).to_owned(), json!({ "description": says })))
        .collect();
    let order =
        if topic.numbered { "Durable events are numbered here." } else { "It has no numbers of its own." };
    json!({
        "address": topic.address,
        "title": topic.title,
        "description": format!("{} {order} Who may join: {}.", topic.description, topic.may_join),
        "parameters": parameters,
        "servers": wire_formats::server_refs(),
        "messages": refs(events_of_topic(topic).map(|event| event.key)),
        "x-numbered": topic.numbered,
        "x-who-may-join": topic.may_join,
    })
}

fn events_of_topic(topic: &CatalogueTopic) -> impl Iterator<Item = &'static CatalogueMessage> {
    let carries = topic.events;
    EVENTS.iter().filter(move |event| carries.contains(&event.name))
}

/// References to the messages of a channel, by key.
fn refs<'k>(keys: impl Iterator<Item = &'k str>) -> Value {
    let all = keys.map(|key| (key.to_owned(), json!({ "$ref": format!("#/components/messages/{key}") })));
    Value::Object(all.collect())
}

fn operations() -> Value {
    let mut operations = Map::new();
    for topic in &TOPICS {
        let messages = message_refs(topic.key, events_of_topic(topic).map(|event| event.key));
        let says = format!("Events of `{}`", topic.address);
        operations.insert(format!("tell_{}", topic.key), send_operation(topic.key, &says, messages));
    }
    let news = message_refs("connection", CONNECTION_MESSAGES.iter().map(|message| message.key));
    let of_connection = "News of the connection, in the plain form and in Socket.IO";
    operations.insert("tell_connection".to_owned(), send_operation("connection", of_connection, news));
    let news = message_refs("topic", CHANNEL_MESSAGES.iter().map(|message| message.key));
    operations
        .insert("tell_topic".to_owned(), send_operation("topic", "What any joined topic may tell", news));
    for command in &COMMANDS {
        let answers = [command.reply.key, "error_command"];
        let (ask, says) = (command.request.key, command.request.summary);
        operations.insert(ask.to_owned(), receive_operation("connection", ask, says, &answers));
    }
    for (channel, controls) in [("connection", &CONNECTION_REQUESTS[..]), ("topic", &CHANNEL_REQUESTS[..])] {
        for control in controls {
            let key = control.key.to_owned();
            operations
                .insert(key, receive_operation(channel, control.ask.key, control.summary, control.replies));
        }
    }
    Value::Object(operations)
}

fn message_refs<'k>(channel: &str, keys: impl Iterator<Item = &'k str>) -> Value {
    keys.map(|key| json!({ "$ref": format!("#/channels/{channel}/messages/{key}") })).collect()
}

fn send_operation(channel: &str, says: &str, messages: Value) -> Value {
    json!({"action": "send", "channel": {"$ref": format!("#/channels/{channel}")}, "summary": says,
        "messages": messages})
}

fn receive_operation(channel: &str, ask: &str, says: &str, answers: &[&str]) -> Value {
    json!({
        "action": "receive",
        "channel": {"$ref": format!("#/channels/{channel}")},
        "summary": says,
        "messages": message_refs(channel, [ask].into_iter()),
        "reply": {
            "channel": {"$ref": format!("#/channels/{channel}")},
            "messages": message_refs(channel, answers.iter().copied()),
        },
    })
}
