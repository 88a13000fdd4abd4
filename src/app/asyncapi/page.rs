//! The description as one offline HTML page without scripts.

use std::fmt::Write as _;

use serde_json::Value;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>guichet: the sockets</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
pre{background:#f4f4f4;padding:.6rem;overflow:auto;font-size:.85rem}code{background:#f4f4f4;font-size:.9em}
h2{border-bottom:1px solid #ccc;margin-top:2.5rem}h3{margin-top:1.8rem}td,th{text-align:left;padding:.2rem .8rem .2rem 0;
vertical-align:top}.from{color:#666}</style></head><body>
<h1>guichet: the sockets</h1>
<p><a href="/docs/">The REST API</a> · <a href="/asyncapi.yaml">asyncapi.yaml</a></p>
"#;

pub fn render(document: &Value) -> String {
    let mut out = HEAD.to_owned();
    for paragraph in text(value_at(document, "/info/description")).split("\n\n") {
        write_element(&mut out, "p", paragraph);
    }
    write_element(&mut out, "h2", "Wire formats");
    for server in members(value_at(document, "/servers")) {
        write_server(&mut out, server.1);
    }
    write_element(&mut out, "h2", "Topics");
    for channel in members(value_at(document, "/channels")) {
        write_channel(&mut out, channel.1);
    }
    write_element(&mut out, "h2", "What a client sends");
    for operation in members(value_at(document, "/operations")) {
        write_operation(&mut out, operation.1, document);
    }
    write_element(&mut out, "h2", "Messages");
    for (key, message) in members(value_at(document, "/components/messages")) {
        write_message(&mut out, key, message);
    }
    write_element(&mut out, "h2", "Schemas");
    for (name, schema) in members(value_at(document, "/components/schemas")) {
        // Writing to a String cannot fail.
        let _ = write!(out, "<h3 id=\"schema-{0}\">{0}</h3>", escape(name));
        write_code(&mut out, schema);
    }
    out.push_str("</body></html>\n");
    out
}

fn write_server(out: &mut String, server: &Value) {
    write_element(out, "h3", text(value_at(server, "/title")));
    write_element(out, "p", &format!("`{}`", text(value_at(server, "/pathname"))));
    write_element(out, "p", text(value_at(server, "/description")));
    out.push_str("<table>");
    for frame in value_at(server, "/x-frames").as_array().into_iter().flatten() {
        let (from, frame) = (escape(text(value_at(frame, "/from"))), escape(text(value_at(frame, "/frame"))));
        let _ = write!(out, "<tr><td class=\"from\">{from}</td><td><code>{frame}</code></td></tr>");
    }
    out.push_str("</table>");
}

fn write_channel(out: &mut String, channel: &Value) {
    write_element(out, "h3", text(value_at(channel, "/title")));
    if let Some(address) = value_at(channel, "/address").as_str() {
        write_element(out, "p", &format!("`{address}`"));
    }
    write_element(out, "p", text(value_at(channel, "/description")));
    out.push_str("<p>");
    for (key, _) in members(value_at(channel, "/messages")) {
        write_link(out, key);
    }
    out.push_str("</p>");
}

fn write_operation(out: &mut String, operation: &Value, document: &Value) {
    if value_at(operation, "/action") != "receive" {
        return;
    }
    for message in keys(value_at(operation, "/messages")) {
        let name = text(value_at(document, &format!("/components/messages/{message}/name")));
        write_element(out, "h3", &format!("`{name}`"));
        write_element(out, "p", text(value_at(operation, "/summary")));
        out.push_str("<p>");
        write_link(out, message);
        out.push_str("answered by ");
        for answer in keys(value_at(operation, "/reply/messages")) {
            write_link(out, answer);
        }
        out.push_str("</p>");
    }
}

fn write_message(out: &mut String, key: &str, message: &Value) {
    let (name, summary) = (text(value_at(message, "/name")), text(value_at(message, "/summary")));
    let _ = write!(out, "<h3 id=\"{0}\">{1} <small>{0}</small></h3>", escape(key), escape(name));
    write_element(out, "p", summary);
    let schema = text(value_at(message, "/payload/$ref")).rsplit('/').next().unwrap_or_default();
    let _ = write!(out, "<p>Payload: <a href=\"#schema-{0}\">{0}</a></p>", escape(schema));
    for example in value_at(message, "/examples").as_array().into_iter().flatten() {
        write_code(out, value_at(example, "/payload"));
    }
}

/// The last segments of references to messages.
fn keys(refs: &Value) -> impl Iterator<Item = &str> {
    let all = refs.as_array().into_iter().flatten();
    all.filter_map(|one| value_at(one, "/$ref").as_str()?.rsplit('/').next())
}

fn write_link(out: &mut String, key: &str) {
    let _ = write!(out, "<a href=\"#{0}\">{0}</a> ", escape(key));
}

fn write_code(out: &mut String, value: &Value) {
    let _ = write!(out, "<pre>{}</pre>", escape(&format!("{value:#}")));
}

/// Writes text into an element; backticks mark code.
fn write_element(out: &mut String, element: &str, words: &str) {
    let _ = write!(out, "<{element}>");
    for (at, part) in words.split('`').enumerate() {
        let is_code = at % 2 == 1;
        let part = escape(part);
        let _ = if is_code { write!(out, "<code>{part}</code>") } else { write!(out, "{part}") };
    }
    let _ = writeln!(out, "</{element}>");
}

fn members(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// The value at the pointer, or null.
fn value_at<'v>(value: &'v Value, pointer: &str) -> &'v Value {
    value.pointer(pointer).unwrap_or(&Value::Null)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
