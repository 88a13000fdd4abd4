//! A program that uses a client library, controlled by lines of JSON.

use std::collections::{HashSet, VecDeque};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::api::Message;
use super::toolbox::Toolbox;

/// For one line. The libraries wait up to 10 s between reconnects.
const LIMIT: Duration = Duration::from_secs(45);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    SupabaseV2,
    SupabaseV1,
    Phoenix,
    Python,
    /// Another protocol, with its own tests.
    SocketIo,
    /// The same library in a whole front end.
    AfriTalk,
}

impl Library {
    pub const ALL: [Self; 4] = [Self::SupabaseV2, Self::SupabaseV1, Self::Phoenix, Self::Python];

    /// How this library's application resumes: by number if it receives numbers and may change its join, else by
    /// Supabase's time, dropping duplicates by id.
    pub fn resume(self) -> &'static str {
        match self {
            Self::SupabaseV2 | Self::Phoenix | Self::SocketIo | Self::AfriTalk => "after_seq",
            Self::SupabaseV1 | Self::Python => "since",
        }
    }
}

/// Killed when dropped.
pub struct Application {
    pub library: Library,
    _child: Child,
    input: ChildStdin,
    output: UnboundedReceiver<String>,
    _reader: JoinSet<()>,
    /// Reports that arrived while another kind was awaited.
    heard: VecDeque<Value>,
    /// The ids of the messages received so far.
    known: HashSet<String>,
}

impl Application {
    pub async fn start(toolbox: &Toolbox, library: Library, url: &str, token: &str) -> Result<Self> {
        let mut options = json!({ "url": url, "token": token });
        if library != Library::SupabaseV2 {
            options["transport"] = "ws".into();
        }
        Self::start_with(toolbox, library, options).await
    }

    /// With a WebSocket that notices, like a browser's, when a connection cannot be established.
    pub async fn start_on_bad_network(
        toolbox: &Toolbox,
        library: Library,
        url: &str,
        token: &str,
    ) -> Result<Self> {
        Self::start_with(toolbox, library, json!({ "url": url, "token": token, "transport": "ws" })).await
    }

    /// The same with short reconnect delays: the libraries' own, a second and more, would dominate a run with many
    /// cuts.
    pub async fn start_impatient(
        toolbox: &Toolbox,
        library: Library,
        url: &str,
        token: &str,
    ) -> Result<Self> {
        let options = json!({ "url": url, "token": token, "transport": "ws", "quick": true });
        Self::start_with(toolbox, library, options).await
    }

    /// `options` as `tests/clients/client.mjs` takes them, or `socketio.mjs`.
    pub async fn start_with(toolbox: &Toolbox, library: Library, mut options: Value) -> Result<Self> {
        let (runtime, program) = match library {
            Library::Python => (&toolbox.python, "client.py"),
            Library::SupabaseV2 | Library::SupabaseV1 | Library::Phoenix => (&toolbox.node, "client.mjs"),
            Library::SocketIo => (&toolbox.node, "socketio.mjs"),
            Library::AfriTalk => (&toolbox.node, "afritalk.mjs"),
        };
        options["library"] = if library == Library::Phoenix { "phoenix" } else { "supabase" }.into();
        if library == Library::SupabaseV1 {
            options["vsn"] = "1.0.0".into();
        }
        let mut command = Command::new(runtime);
        command.arg(toolbox.programs.join(program)).arg(options.to_string());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (report, output) = mpsc::unbounded_channel();
        let mut reader = JoinSet::new();
        // Read continuously, so that the program never waits for the test.
        reader.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if report.send(line).is_err() {
                    return;
                }
            }
        });
        let mut application = Self {
            library,
            input: child.stdin.take().context("no input")?,
            output,
            _reader: reader,
            heard: VecDeque::new(),
            known: HashSet::new(),
            _child: child,
        };
        let versions = application.next("versions").await?;
        let text = |key: &str| versions[key].as_str().unwrap_or("?").to_owned();
        toolbox.say(format!(
            "{library:?}: {} {} on {}",
            text("library"),
            text("version"),
            text("runtime")
        ))?;
        Ok(application)
    }

    pub async fn order(&mut self, order: Value) -> Result<()> {
        Ok(self.input.write_all(format!("{order}\n").as_bytes()).await?)
    }

    /// The next report of this kind; others are kept for later.
    pub async fn next(&mut self, kind: &str) -> Result<Value> {
        if let Some(at) = self.heard.iter().position(|report| report["type"] == kind) {
            return self.heard.remove(at).context("just found");
        }
        loop {
            let line = timeout(LIMIT, self.output.recv()).await;
            let line =
                line.with_context(|| format!("{:?} heard no {kind}: {:?}", self.library, self.heard))?;
            let line = line.with_context(|| format!("{:?} ended", self.library))?;
            let report: Value = serde_json::from_str(&line).with_context(|| line.clone())?;
            if report["type"] == kind {
                return Ok(report);
            }
            self.heard.push_back(report);
        }
    }

    /// Whether no report of this kind is pending.
    pub fn is_silent(&self, kind: &str) -> bool {
        self.heard.iter().all(|report| report["type"] != kind)
    }

    /// Joins, resuming in the library's way, and waits for the reply.
    pub async fn join(&mut self, topic: &str, after: i64) -> Result<()> {
        let resume = self.library.resume();
        self.order(json!({ "order": "join", "topic": topic, "resume": resume, "after": after })).await?;
        self.subscribed().await
    }

    /// Waits until it has joined (again).
    pub async fn subscribed(&mut self) -> Result<()> {
        while self.next("status").await?["status"] != "SUBSCRIBED" {}
        Ok(())
    }

    /// Joins, and returns the reason of the refusal.
    pub async fn refused(&mut self, topic: &str) -> Result<String> {
        self.order(json!({ "order": "join", "topic": topic })).await?;
        let status = self.next("status").await?;
        ensure!(status["status"] == "CHANNEL_ERROR", "{:?}: {status}", self.library);
        Ok(status["error"].as_str().unwrap_or_default().to_owned())
    }

    /// The next event, except delivered marks, which arrive at any time.
    pub async fn event(&mut self) -> Result<Value> {
        loop {
            let event = self.next("event").await?;
            if event["event"] != "messaging:delivered" {
                return Ok(event);
            }
        }
    }

    /// The next event of this name; others are dropped.
    pub async fn event_named(&mut self, name: &str) -> Result<Value> {
        loop {
            let event = self.event().await?;
            if event["event"] == name {
                return Ok(event);
            }
        }
    }

    /// The next `count` new messages. Only a library that resumes by time may receive one again, after another join,
    /// with the same id.
    pub async fn messages(&mut self, count: usize) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        while messages.len() < count {
            let event = self.event_named("messaging:new").await?;
            let id = event["meta"]["id"].as_str().with_context(|| format!("no id: {event}"))?;
            if self.known.insert(id.to_owned()) {
                messages.push(serde_json::from_value(event["payload"]["message"].clone())?);
            } else {
                let may_repeat = self.library.resume() == "since" && event["meta"]["replayed"] == true;
                ensure!(may_repeat, "{:?} heard it twice: {event}", self.library);
            }
        }
        Ok(messages)
    }

    /// Sends a broadcast and returns its reply.
    pub async fn broadcast(&mut self, topic: &str, event: &str, payload: Value) -> Result<Value> {
        self.order(json!({ "order": "send", "topic": topic, "event": event, "payload": payload, "id": 0 }))
            .await?;
        self.next("sent").await
    }

    /// Sends a command in the library's way and returns its reply.
    pub async fn command(&mut self, topic: &str, name: &str, payload: Value) -> Result<Value> {
        self.order(json!({ "order": "command", "topic": topic, "name": name, "payload": payload, "id": 0 }))
            .await?;
        self.next("sent").await
    }
}
