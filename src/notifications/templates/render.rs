//! Renders the texts of an event, by language and user type, within the limits of the database.

use guichet_base::role::UserType;
use guichet_base::{Error, Fault, Locale, Result};
use minijinja::Value as Jinja;
use minijinja::value::{Serde, merge_maps};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::check::link_fault;
use super::engine::{self, OutputEncoding, RenderError};
use super::truncate::truncate;
use super::{Concerned, Template, built_in};

const MAX_TITLE_CHARS: usize = 150;
const MAX_BODY_CHARS: usize = 10_000;

const LOCALES: [Locale; 2] = [Locale::Fr, Locale::En];
const USER_TYPES: [UserType; 2] = [UserType::Client, UserType::Operator];

/// The texts for one user type in one language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Text {
    #[schema(example = "Nouveau message de Camille Roux")]
    pub title: String,
    pub body: String,
    /// A path within the app.
    #[schema(required, example = "/messages/018f4e6c-7f00-7000-8000-000000000001")]
    pub link: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sides {
    pub client: Text,
    pub operator: Text,
}

/// All texts of an event.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Rendered {
    pub fr: Sides,
    pub en: Sides,
}

impl Rendered {
    pub fn text(&self, locale: Locale, side: UserType) -> &Text {
        let sides = match locale {
            Locale::Fr => &self.fr,
            Locale::En => &self.en,
        };
        match side {
            UserType::Client => &sides.client,
            UserType::Operator => &sides.operator,
        }
    }

    fn text_mut(&mut self, locale: Locale, side: UserType) -> &mut Text {
        let sides = match locale {
            Locale::Fr => &mut self.fr,
            Locale::En => &mut self.en,
        };
        match side {
            UserType::Client => &mut sides.client,
            UserType::Operator => &mut sides.operator,
        }
    }
}

/// The texts of a mail: plain text, to be escaped where it becomes HTML.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EmailText {
    /// One line.
    pub subject: String,
    pub body: String,
}

/// The variables that a template's texts may use, with the values of one payload.
pub(super) struct TemplateVariables {
    payload: Jinja,
    /// Optional variables that the payload omits.
    absent: Jinja,
}

impl TemplateVariables {
    pub(super) fn new(template: &Template, payload: &Map<String, Value>) -> Self {
        let declared = template.variables.iter().map(|variable| variable.name.clone());
        let of_audience = template.audience.iter().filter_map(Concerned::field);
        let of_all = of_audience.chain(["url", "user_id", "team_id", "client_id"]).map(str::to_owned);
        let names = declared.chain(of_all);
        Self {
            payload: Jinja::from(Serde(payload)),
            absent: Jinja::from_pairs(names.map(|name| (name, Jinja::from(())))),
        }
    }

    fn for_recipient(&self, locale: Locale, side: UserType) -> Jinja {
        let recipient = json!({"recipient": {"user_type": side.into_str(), "locale": locale.into_str()}});
        // The last map that has a name wins.
        merge_maps([self.absent.clone(), self.payload.clone(), Jinja::from(Serde(recipient))])
    }
}

impl Template {
    /// Renders the texts of an event with this payload. If a tenant's template fails, the built-in one is used, so that
    /// no event is lost because of a text.
    ///
    /// Errors: `VALIDATION_ERROR` naming each text that cannot be rendered, for example if a link would leave the
    /// app.
    pub fn render(&self, payload: &Map<String, Value>) -> Result<Rendered> {
        self.or_built_in(|template| template.try_render(payload))
    }

    /// Renders the mail for a person of this user type: its own subject and body if the template has them, else title
    /// and body.
    pub fn render_email(
        &self,
        locale: Locale,
        side: UserType,
        payload: &Map<String, Value>,
    ) -> Result<EmailText> {
        self.or_built_in(|template| {
            template.try_email(&TemplateVariables::new(template, payload), locale, side)
        })
    }

    fn or_built_in<T>(&self, render: impl Fn(&Template) -> Result<T, Vec<Fault>>) -> Result<T> {
        render(self).or_else(|faults| match built_in(&self.code).filter(|shipped| *shipped != self) {
            Some(built_in_template) => {
                let places: Vec<&str> = faults.iter().map(|fault| &*fault.field).collect();
                tracing::warn!(
                    template.code = self.code,
                    template.places = ?places,
                    "a tenant's template fails on a payload; the built-in one is used"
                );
                render(built_in_template).map_err(Error::validation)
            }
            None => Err(Error::validation(faults)),
        })
    }

    /// Like [`Template::render`], without the fallback. Errors: one fault for each text that cannot be rendered.
    pub(super) fn try_render(&self, payload: &Map<String, Value>) -> Result<Rendered, Vec<Fault>> {
        let names = TemplateVariables::new(self, payload);
        let url = payload.get("url").and_then(Value::as_str);
        let (mut rendered, mut faults) = (Rendered::default(), Vec::new());
        for (locale, side) in variants() {
            match self.text(&names, locale, side, url) {
                Ok(text) => *rendered.text_mut(locale, side) = text,
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(rendered) } else { Err(first_per_field(faults)) }
    }

    pub(super) fn try_email(
        &self,
        names: &TemplateVariables,
        locale: Locale,
        side: UserType,
    ) -> Result<EmailText, Vec<Fault>> {
        let (wording, names) = (self.texts.for_locale(locale), names.for_recipient(locale, side));
        let part =
            |email_text: &Option<String>, own_name: &str, other: &str, other_name: &str| match email_text {
                Some(own) => render_text(own, own_name, locale, &names),
                None => render_text(other, other_name, locale, &names),
            };
        let subject = part(&wording.email_subject, "email_subject", &wording.title, "title");
        let body = part(&wording.email_body, "email_body", &wording.body, "body");
        combine(subject, body, |subject, body| EmailText {
            subject: self.one_line(&subject),
            body: clean_body(&body),
        })
    }

    /// The titles and subjects that render as empty.
    pub(super) fn blank_texts(&self, payload: &Map<String, Value>) -> Vec<Fault> {
        let names = TemplateVariables::new(self, payload);
        let blank = variants().flat_map(|(locale, side)| {
            let (wording, names) = (self.texts.for_locale(locale), names.for_recipient(locale, side));
            let lines = [("title", Some(&wording.title)), ("email_subject", wording.email_subject.as_ref())];
            let is_blank = |(name, source): (&str, Option<&String>)| {
                let text = render_text(source?, name, locale, &names).ok()?;
                to_single_line(&text)
                    .is_empty()
                    .then(|| Fault::new(format!("texts.{}.{name}", locale.into_str()), "blank"))
            };
            lines.into_iter().filter_map(is_blank).collect::<Vec<_>>()
        });
        blank.collect()
    }

    fn text(
        &self,
        names: &TemplateVariables,
        locale: Locale,
        side: UserType,
        url: Option<&str>,
    ) -> Result<Text, Vec<Fault>> {
        let (wording, names) = (self.texts.for_locale(locale), names.for_recipient(locale, side));
        let title = render_text(&wording.title, "title", locale, &names);
        let body = render_text(&wording.body, "body", locale, &names);
        let link = match url {
            Some(url) => Ok(Some(url.to_owned())),
            None => self.link(side, &names),
        };
        let text = combine(title, body, |title, body| (self.one_line(&title), clean_body(&body)));
        match (text, link) {
            (Ok((title, body)), Ok(link)) => Ok(Text { title, body, link }),
            (text, link) => Err(text.err().into_iter().flatten().chain(link.err()).collect()),
        }
    }

    /// Renders the link for a user type. An empty link is treated as none.
    fn link(&self, side: UserType, names: &Jinja) -> Result<Option<String>, Fault> {
        let Some(source) = self.links.for_user_type(side) else { return Ok(None) };
        let field = format!("links.{}", side.into_str());
        let link = engine::render(source, Locale::En, OutputEncoding::Link, names)
            .map_err(|broken| fault(&field, broken))?;
        let link = link.trim();
        match link_fault(link) {
            _ if link.is_empty() => Ok(None),
            None => Ok(Some(link.to_owned())),
            Some(wrong) => Err(Fault { field: field.into(), ..wrong }),
        }
    }

    /// Formats a title or subject. An empty text is replaced by the code of the template.
    fn one_line(&self, text: &str) -> String {
        let line = to_single_line(text);
        if line.is_empty() { self.code.clone() } else { truncate(&line, MAX_TITLE_CHARS) }
    }
}

/// Joins the text into one line and trims it. Non-breaking spaces are kept.
fn to_single_line(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    spaced.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").trim().to_owned()
}

pub(super) fn variants() -> impl Iterator<Item = (Locale, UserType)> {
    LOCALES.into_iter().flat_map(|locale| USER_TYPES.map(|side| (locale, side)))
}

/// Keeps the first fault of each field: a text often fails in several variants, and later faults follow from the first.
pub(super) fn first_per_field(faults: Vec<Fault>) -> Vec<Fault> {
    let mut kept: Vec<Fault> = Vec::new();
    for fault in faults {
        if !kept.iter().any(|earlier| earlier.field == fault.field) {
            kept.push(fault);
        }
    }
    kept
}

fn render_text(source: &str, name: &str, locale: Locale, names: &Jinja) -> Result<String, Fault> {
    engine::render(source, locale, OutputEncoding::Text, names)
        .map_err(|broken| fault(&format!("texts.{}.{name}", locale.into_str()), broken))
}

fn fault(field: &str, broken: RenderError) -> Fault {
    Fault::new(field.to_owned(), broken.code).with_arg("line", broken.line).with_arg("why", broken.message)
}

fn combine<A, B, T>(
    a: Result<A, Fault>,
    b: Result<B, Fault>,
    join: impl FnOnce(A, B) -> T,
) -> Result<T, Vec<Fault>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok(join(a, b)),
        (a, b) => Err(a.err().into_iter().chain(b.err()).collect()),
    }
}

/// Formats a body: line breaks and tabs stay, other control characters are removed.
fn clean_body(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    truncate(clean.trim(), MAX_BODY_CHARS)
}
