//! Renders a notification's text for a channel. Without I/O.

use reqwest::Url;

use super::sender::DeliveryContent;
use crate::preferences::Channel;

/// Longest SMS: three parts of 160 characters.
const MAX_SMS_CHARS: usize = 480;
/// Push services accept 4 KiB per message: 500 characters take at most 2,000 bytes, which leaves space for the rest.
const MAX_PUSH_CHARS: usize = 500;
const MAX_EXCERPT_CHARS: usize = 300;

/// The text of a notification, and the template's separate text for emails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryText {
    pub title: String,
    pub body: String,
    /// A path within the app.
    pub link: Option<String>,
    /// Subject and body of the template's email text, used in place of title and body.
    pub email: Option<(String, String)>,
}

/// Renders the content for a channel. `None` for in-app, which needs no sender.
pub fn render_content(
    channel: Channel,
    text: &DeliveryText,
    app_url: Option<&Url>,
) -> Option<DeliveryContent> {
    let link = text.link.as_deref().and_then(|link| absolute_url(app_url?, link));
    match channel {
        Channel::Inapp => None,
        Channel::Email => Some(email_content(text, link)),
        Channel::Sms => Some(DeliveryContent::Sms { text: sms_text(text, link) }),
        Channel::Push => Some(DeliveryContent::Push {
            title: text.title.clone(),
            body: truncate(&text.body, MAX_PUSH_CHARS),
            link: text.link.clone(),
        }),
    }
}

/// The excerpt for lists: the headline, never the body, which may be confidential.
pub fn excerpt(text: &DeliveryText) -> String {
    truncate(&text.title, MAX_EXCERPT_CHARS)
}

fn email_content(delivery_text: &DeliveryText, link: Option<String>) -> DeliveryContent {
    let (subject, body) = match &delivery_text.email {
        Some((subject, body)) => (subject, body),
        None => (&delivery_text.title, &delivery_text.body),
    };
    // On one line, since a line break would end the email header.
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = [Some(body.trim().to_owned()).filter(|body| !body.is_empty()), link];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    DeliveryContent::Email { text: if text.is_empty() { subject.clone() } else { text }, subject }
}

/// As much of the text as fits, then the whole link. A link longer than half an SMS is omitted.
fn sms_text(delivery_text: &DeliveryText, link: Option<String>) -> String {
    let parts =
        [delivery_text.title.trim(), delivery_text.body.trim()].into_iter().filter(|part| !part.is_empty());
    let text = parts.collect::<Vec<_>>().join("\n");
    let link = link.filter(|link| link.chars().count() <= MAX_SMS_CHARS / 2);
    match link {
        None => truncate(&text, MAX_SMS_CHARS),
        Some(link) => {
            let available_chars = MAX_SMS_CHARS.saturating_sub(link.chars().count() + 1);
            format!("{}\n{link}", truncate(&text, available_chars))
        }
    }
}

/// Appends a relative link to the app's URL. `None` if the result has another origin.
fn absolute_url(app_url: &Url, link: &str) -> Option<String> {
    let base = app_url.as_str().trim_end_matches('/');
    let url = Url::parse(&format!("{base}{link}")).ok()?;
    (url.origin() == app_url.origin()).then(|| url.to_string())
}

/// At most `max_chars` characters; the last is an ellipsis if the text was cut.
fn truncate(text: &str, max_chars: usize) -> String {
    if text.chars().count() <= max_chars {
        return text.to_owned();
    }
    let prefix: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", prefix.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delivery_text(title: &str, body: &str) -> DeliveryText {
        DeliveryText { title: title.into(), body: body.into(), link: Some("/mandats/42".into()), email: None }
    }

    fn example_app_url() -> Url {
        Url::parse("https://app.example.com/").unwrap()
    }

    #[test]
    fn an_email_says_what_its_template_says_for_emails_and_else_what_the_app_shows() {
        let plain =
            render_content(Channel::Email, &delivery_text("Titre", "Corps"), Some(&example_app_url()));
        let text = "Corps\n\nhttps://app.example.com/mandats/42".to_owned();
        assert_eq!(plain, Some(DeliveryContent::Email { subject: "Titre".into(), text }));
        let with_email_text = DeliveryText {
            email: Some(("Sujet\r\nBcc: x".into(), "Lettre".into())),
            ..delivery_text("Titre", "Corps")
        };
        let expected = DeliveryContent::Email { subject: "Sujet Bcc: x".into(), text: "Lettre".into() };
        assert_eq!(render_content(Channel::Email, &with_email_text, None), Some(expected));
    }

    #[test]
    fn an_email_is_never_empty() {
        let without_body_and_link = DeliveryText { link: None, ..delivery_text("Titre", " ") };
        let expected = DeliveryContent::Email { subject: "Titre".into(), text: "Titre".into() };
        assert_eq!(render_content(Channel::Email, &without_body_and_link, None), Some(expected));
    }

    #[test]
    fn a_link_stays_under_the_app() {
        for foreign_link in ["@evil.example/x", ".evil.example", ":pass@evil.example"] {
            let with_foreign_link =
                DeliveryText { link: Some(foreign_link.into()), ..delivery_text("Titre", "Corps") };
            let Some(DeliveryContent::Email { text, .. }) =
                render_content(Channel::Email, &with_foreign_link, Some(&example_app_url()))
            else {
                panic!()
            };
            assert_eq!(text, "Corps", "{foreign_link}");
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        for channel in [Channel::Email, Channel::Sms, Channel::Push] {
            let content =
                render_content(channel, &delivery_text("Titre", "Corps"), Some(&example_app_url())).unwrap();
            assert_eq!(DeliveryContent::from_stored(content.to_stored().unwrap()).unwrap(), content);
        }
    }

    proptest! {
        #[test]
        fn no_sms_is_too_long_and_none_loses_its_link(title in ".{0,200}", body in ".{0,2000}") {
            let Some(DeliveryContent::Sms { text }) = render_content(Channel::Sms, &delivery_text(&title, &body), Some(&example_app_url())) else { panic!() };
            prop_assert!(text.chars().count() <= MAX_SMS_CHARS);
            prop_assert!(text.ends_with("https://app.example.com/mandats/42"));
        }

        #[test]
        fn no_push_is_too_big_for_the_services(body in ".{0,3000}") {
            let Some(DeliveryContent::Push { body: pushed, .. }) = render_content(Channel::Push, &delivery_text("Titre", &body), None) else {
                panic!()
            };
            prop_assert!(pushed.len() <= 2_000);
        }
    }
}
