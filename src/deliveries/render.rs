//! Renders a notification's text for a channel. Pure.

use reqwest::Url;

use super::sender::DeliveryContent;
use crate::preferences::Channel;

/// Longest SMS: three parts of 160.
const MAX_SMS_CHARS: usize = 480;
/// Push services accept 4 KiB per message: four bytes per character, and room for the rest.
const MAX_PUSH_CHARS: usize = 500;
const MAX_EXCERPT_CHARS: usize = 300;

/// The text of a notification, and the template's own text for mails.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryText {
    pub title: String,
    pub body: String,
    /// A path within the app.
    pub link: Option<String>,
    /// Subject and body.
    pub email: Option<(String, String)>,
}

/// `None` for in-app, which needs no sender.
pub fn render_content(
    channel: Channel,
    words: &DeliveryText,
    app_url: Option<&Url>,
) -> Option<DeliveryContent> {
    let link = words.link.as_deref().and_then(|link| absolute_url(app_url?, link));
    match channel {
        Channel::Inapp => None,
        Channel::Email => Some(email_content(words, link)),
        Channel::Sms => Some(DeliveryContent::Sms { text: sms_text(words, link) }),
        Channel::Push => Some(DeliveryContent::Push {
            title: words.title.clone(),
            body: truncate(&words.body, MAX_PUSH_CHARS),
            link: words.link.clone(),
        }),
    }
}

/// The excerpt for lists: the headline, never the body, which may be confidential.
pub fn excerpt(words: &DeliveryText) -> String {
    truncate(&words.title, MAX_EXCERPT_CHARS)
}

fn email_content(words: &DeliveryText, link: Option<String>) -> DeliveryContent {
    let (subject, body) = match &words.email {
        Some((subject, body)) => (subject, body),
        None => (&words.title, &words.body),
    };
    // In one line, since a line break would end the header.
    let subject = subject.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = [Some(body.trim().to_owned()).filter(|body| !body.is_empty()), link];
    let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    DeliveryContent::Email { text: if text.is_empty() { subject.clone() } else { text }, subject }
}

/// The whole link, and as much of the text as fits before it.
fn sms_text(words: &DeliveryText, link: Option<String>) -> String {
    let said = [words.title.trim(), words.body.trim()].into_iter().filter(|part| !part.is_empty());
    let said = said.collect::<Vec<_>>().join("\n");
    let link = link.filter(|link| link.chars().count() <= MAX_SMS_CHARS / 2);
    match link {
        None => truncate(&said, MAX_SMS_CHARS),
        Some(link) => {
            let room = MAX_SMS_CHARS.saturating_sub(link.chars().count() + 1);
            format!("{}\n{link}", truncate(&said, room))
        }
    }
}

/// Resolves a relative link within the app's URL. `None` if it would leave it.
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
    let kept: String = text.chars().take(max_chars.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(title: &str, body: &str) -> DeliveryText {
        DeliveryText { title: title.into(), body: body.into(), link: Some("/mandats/42".into()), email: None }
    }

    fn app() -> Url {
        Url::parse("https://app.example.com/").unwrap()
    }

    #[test]
    fn an_email_says_what_its_template_says_for_emails_and_else_what_the_app_shows() {
        let plain = render_content(Channel::Email, &words("Titre", "Corps"), Some(&app()));
        let text = "Corps\n\nhttps://app.example.com/mandats/42".to_owned();
        assert_eq!(plain, Some(DeliveryContent::Email { subject: "Titre".into(), text }));
        let own = DeliveryText {
            email: Some(("Sujet\r\nBcc: x".into(), "Lettre".into())),
            ..words("Titre", "Corps")
        };
        let expected = DeliveryContent::Email { subject: "Sujet Bcc: x".into(), text: "Lettre".into() };
        assert_eq!(render_content(Channel::Email, &own, None), Some(expected));
    }

    #[test]
    fn an_email_is_never_empty() {
        let bare = DeliveryText { link: None, ..words("Titre", " ") };
        let expected = DeliveryContent::Email { subject: "Titre".into(), text: "Titre".into() };
        assert_eq!(render_content(Channel::Email, &bare, None), Some(expected));
    }

    #[test]
    fn a_link_stays_under_the_app() {
        for strange in ["@evil.example/x", ".evil.example", ":pass@evil.example"] {
            let away = DeliveryText { link: Some(strange.into()), ..words("Titre", "Corps") };
            let Some(DeliveryContent::Email { text, .. }) =
                render_content(Channel::Email, &away, Some(&app()))
            else {
                panic!()
            };
            assert_eq!(text, "Corps", "{strange}");
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        for channel in [Channel::Email, Channel::Sms, Channel::Push] {
            let made = render_content(channel, &words("Titre", "Corps"), Some(&app())).unwrap();
            assert_eq!(DeliveryContent::from_stored(made.to_stored().unwrap()).unwrap(), made);
        }
    }

    proptest! {
        #[test]
        fn no_sms_is_too_long_and_none_loses_its_link(title in ".{0,200}", body in ".{0,2000}") {
            let Some(DeliveryContent::Sms { text }) = render_content(Channel::Sms, &words(&title, &body), Some(&app())) else { panic!() };
            prop_assert!(text.chars().count() <= MAX_SMS_CHARS);
            prop_assert!(text.ends_with("https://app.example.com/mandats/42"));
        }

        #[test]
        fn no_push_is_too_big_for_the_services(body in ".{0,3000}") {
            let Some(DeliveryContent::Push { body: pushed, .. }) = render_content(Channel::Push, &words("Titre", &body), None) else {
                panic!()
            };
            prop_assert!(pushed.len() <= 2_000);
        }
    }
}
