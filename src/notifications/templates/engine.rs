//! The Jinja dialect of templates: strict, bounded in steps and output, with its own filters.
//!
//! Undeclared names are errors; null renders as empty text. There are no loaders and functions, and no filter makes a
//! value longer (see `safe`). Values are never parsed as templates.

use std::io;
use std::sync::LazyLock;

use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, Timelike};
use guichet_base::Locale;
use minijinja::value::{Value, ValueKind};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, escape_formatter, filters};

use super::{BUILT_IN, Template, safe};

/// Maximum number of engine steps (fuel) to render one text.
const MAX_STEPS: u64 = 20_000;
/// Maximum output of one text: 10,000 characters of four bytes, plus one, which shows the caller that the text was cut.
const MAX_OUTPUT_BYTES: usize = 4 * 10_001;

/// How values are encoded in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OutputEncoding {
    Text,
    /// Percent-encoded, each as one path segment.
    Link,
}

/// Why a text cannot be rendered, with the code and arguments of a `Fault`.
#[derive(Debug)]
pub(super) struct RenderError {
    pub code: &'static str,
    pub line: usize,
    pub message: String,
}

struct Engines {
    fr: Environment<'static>,
    en: Environment<'static>,
    link: Environment<'static>,
}

static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
    let (mut fr, mut en, mut link) =
        (environment(Locale::Fr), environment(Locale::En), environment(Locale::En));
    link.set_formatter(|out, _, value| match path_segment(value) {
        Some(text) => Ok(out.write_str(&text)?),
        None => Err(minijinja::Error::new(
            ErrorKind::InvalidOperation,
            "this value cannot be used as a path segment",
        )),
    });
    for (Template { texts, links, .. }, _) in BUILT_IN.values() {
        for (env, wording) in [(&mut fr, &texts.fr), (&mut en, &texts.en)] {
            compile_built_in(env, Some(&wording.title));
            compile_built_in(env, Some(&wording.body));
            compile_built_in(env, wording.email_subject.as_deref());
            compile_built_in(env, wording.email_body.as_deref());
        }
        compile_built_in(&mut link, links.client.as_deref());
        compile_built_in(&mut link, links.operator.as_deref());
    }
    Engines { fr, en, link }
});

/// Compiles a built-in text at the start; its source is also its name in the environment.
fn compile_built_in(env: &mut Environment<'static>, source: Option<&'static str>) {
    if let Some(source) = source
        && let Err(cause) = env.add_template(source, source)
    {
        // Such a text would be compiled again at each use, and fail there. A unit test renders every built-in text.
        tracing::error!(error.cause = %cause, "a built-in template does not compile");
    }
}

/// Renders `source` with the variables of `context`. The output is cut after `MAX_OUTPUT_BYTES`.
pub(super) fn render(
    source: &str,
    locale: Locale,
    encoding: OutputEncoding,
    context: &Value,
) -> Result<String, RenderError> {
    let engines = &*ENGINES;
    let env = match (encoding, locale) {
        (OutputEncoding::Link, _) => &engines.link,
        (OutputEncoding::Text, Locale::Fr) => &engines.fr,
        (OutputEncoding::Text, Locale::En) => &engines.en,
    };
    let mut sink = Sink { bytes: Vec::new(), is_full: false };
    let result = match env.get_template(source) {
        Ok(built_in) => built_in.render_captured_to(context.clone(), &mut sink).map(drop),
        Err(_) => {
            safe::check(source).map_err(|found| RenderError {
                code: "template_refused",
                line: found.line,
                message: found.construct,
            })?;
            let text = env.template_from_str(source).map_err(|cause| render_error(&cause))?;
            text.render_captured_to(context.clone(), &mut sink).map(drop)
        }
    };
    match result {
        Err(cause) if !sink.is_full => Err(render_error(&cause)),
        _ => Ok(sink.into_text()),
    }
}

fn render_error(cause: &minijinja::Error) -> RenderError {
    let code = match cause.kind() {
        ErrorKind::UndefinedError => "unknown_variable",
        ErrorKind::OutOfFuel => "template_too_long",
        _ => "template_broken",
    };
    let why = match cause.detail() {
        Some(detail) => format!("{}: {detail}", cause.kind()),
        None => cause.kind().to_string(),
    };
    RenderError { code, line: cause.line().unwrap_or(1), message: why }
}

/// Collects the first `MAX_OUTPUT_BYTES`, then makes the engine stop.
struct Sink {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let accepted = MAX_OUTPUT_BYTES.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(bytes.get(..accepted).unwrap_or_default());
        if accepted < bytes.len() {
            self.is_full = true;
            return Err(io::Error::other("the output limit is reached"));
        }
        Ok(accepted)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn into_text(self) -> String {
        String::from_utf8(self.bytes).unwrap_or_else(|cut| {
            let whole = cut.utf8_error().valid_up_to();
            let mut bytes = cut.into_bytes();
            bytes.truncate(whole);
            String::from_utf8(bytes).unwrap_or_default()
        })
    }
}

fn environment(locale: Locale) -> Environment<'static> {
    let mut env = Environment::empty();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(MAX_STEPS));
    env.set_recursion_limit(30);
    // Output is plain text; where it becomes HTML, it is escaped there.
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_formatter(
        |out, state, value| {
            if value.is_none() { Ok(()) } else { escape_formatter(out, state, value) }
        },
    );
    env.add_filter("upper", filters::upper);
    env.add_filter("lower", filters::lower);
    env.add_filter("capitalize", filters::capitalize);
    env.add_filter("title", filters::title);
    env.add_filter("trim", filters::trim);
    env.add_filter("length", filters::length);
    env.add_filter("first", filters::first);
    env.add_filter("last", filters::last);
    env.add_filter("round", filters::round);
    env.add_filter("default", or_else);
    env.add_filter("truncate", truncate);
    env.add_filter("date", move |value: &Value| format_date(locale, value, false));
    env.add_filter("datetime", move |value: &Value| format_date(locale, value, true));
    env.add_test("defined", minijinja::tests::is_defined);
    env.add_test("none", minijinja::tests::is_none);
    for (name, test) in
        [("eq", minijinja::tests::is_eq as fn(&Value, &Value) -> bool), ("ne", minijinja::tests::is_ne)]
    {
        env.add_test(name, test);
    }
    env
}

/// `value`, or `other` if it is absent or empty.
fn or_else(value: &Value, other: Value) -> Value {
    if value.is_undefined() || value.is_none() || value.as_str() == Some("") { other } else { value.clone() }
}

/// At most `max` characters; the last is an ellipsis if the text was cut.
fn truncate(value: &Value, max: usize) -> String {
    super::truncate::truncate(&value.to_string(), max)
}

/// Formats a date, or a time in its own UTC offset, with the month's name. Other values stay unchanged.
fn format_date(locale: Locale, value: &Value, with_time: bool) -> Value {
    let Some(text) = value.as_str() else { return value.clone() };
    let instant = DateTime::parse_from_rfc3339(text.trim()).ok();
    let day = instant.map(|at| at.date_naive()).or_else(|| text.trim().parse::<NaiveDate>().ok());
    match (day, instant) {
        (Some(day), Some(at)) if with_time => {
            Value::from(format!("{}{}", long_date(locale, day), time_of_day(locale, &at)))
        }
        (Some(day), _) => Value::from(long_date(locale, day)),
        (None, _) => value.clone(),
    }
}

fn long_date(locale: Locale, day: NaiveDate) -> String {
    const FR: [&str; 12] = [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ];
    const EN: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::try_from(day.month0()).unwrap_or_default();
    match (locale, day.day()) {
        (Locale::Fr, 1) => format!("1er {} {}", FR.get(month).unwrap_or(&""), day.year()),
        (Locale::Fr, n) => format!("{n} {} {}", FR.get(month).unwrap_or(&""), day.year()),
        (Locale::En, n) => format!("{n} {} {}", EN.get(month).unwrap_or(&""), day.year()),
    }
}

fn time_of_day(locale: Locale, at: &DateTime<FixedOffset>) -> String {
    let zone = if at.offset().local_minus_utc() == 0 { " (UTC)" } else { "" };
    match locale {
        Locale::Fr => format!(" à {} h {:02}{zone}", at.hour(), at.minute()),
        Locale::En => format!(" at {}:{:02}{zone}", at.hour(), at.minute()),
    }
}

/// Percent-encodes `value` as one path segment. `None` if it is not a scalar, is empty, or is `.` or `..`.
fn path_segment(value: &Value) -> Option<String> {
    if !matches!(value.kind(), ValueKind::String | ValueKind::Number | ValueKind::Bool) {
        return None;
    }
    let text = value.to_string();
    if matches!(text.as_str(), "" | "." | "..") {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(out)
}

/// Whether `source` is a built-in text, compiled at the start.
#[cfg(test)]
pub(super) fn is_compiled(locale: Locale, source: &str) -> bool {
    let env = if locale == Locale::Fr { &ENGINES.fr } else { &ENGINES.en };
    env.get_template(source).is_ok()
}
