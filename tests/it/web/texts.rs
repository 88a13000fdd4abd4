//! Every code in the sources has a message in both languages.

use std::collections::BTreeSet;
use std::path::Path;

use guichet_base::Locale;
use guichet_base::text::localize;

fn sources(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

/// String literals with the form of a code, between one of the `openings` and the end of the call.
fn codes(text: &str, openings: &[&str], is_code: fn(char) -> bool) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for opening in openings {
        for (start, _) in text.match_indices(opening) {
            let call: String =
                text[start + opening.len()..].chars().take_while(|c| *c != ';').take(300).collect();
            // The code is the last argument: literals before it name fields.
            let arguments = call.split(')').next().unwrap_or_default();
            let last =
                arguments.trim_end().trim_end_matches(',').rsplit(',').next().unwrap_or_default().trim();
            let literal = last.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            codes.extend(
                literal.filter(|code| !code.is_empty() && code.chars().all(is_code)).map(str::to_owned),
            );
        }
    }
    codes
}

fn texts(language: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("locales").join(language);
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap() + "\n").collect()
}

/// Every argument that any message takes.
fn arguments() -> Vec<(&'static str, String)> {
    let names: BTreeSet<String> = (texts("fr") + &texts("en"))
        .split("{ $")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect();
    names.into_iter().map(|name| (&*name.leak(), "1".to_owned())).collect()
}

fn assert_said(prefix: &str, codes: BTreeSet<String>) {
    let arguments = arguments();
    let untold: Vec<_> = codes
        .iter()
        .map(|code| format!("{prefix}-{}", code.to_lowercase().replace('_', "-")))
        .flat_map(|key| [(Locale::Fr, key.clone()), (Locale::En, key)])
        .filter(|(locale, key)| localize(*locale, key, &arguments) == *key)
        .collect();
    assert!(untold.is_empty(), "no sentence for {untold:?}");
}

#[test]
fn every_code_in_the_sources_is_said_in_both_languages() {
    let mut text = String::new();
    for root in ["src", "crates"] {
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(root), &mut text);
    }
    let errors = codes(&text, &["Error::new(", "Self::new(Kind::"], |c| c.is_ascii_uppercase() || c == '_');
    assert!(errors.contains("PRECONDITION_REQUIRED") && errors.len() > 12, "{errors:?}");
    assert_said("error", errors);
    let openings = ["Fault::new(", "Error::invalid(", ".that(", "refuse(", "of_serde("];
    let faults = codes(&text, &openings, |c| c.is_ascii_lowercase() || c == '_');
    assert!(faults.contains("too_long") && faults.contains("nul") && faults.len() > 7, "{faults:?}");
    assert_said("fault", faults);
}

#[test]
fn every_documented_code_is_said_in_both_languages() {
    let errors = [
        "VALIDATION_ERROR",
        "MALFORMED_JSON",
        "BAD_REQUEST",
        "NOT_ACCEPTABLE",
        "UNAUTHENTICATED",
        "FORBIDDEN",
        "FEATURE_DISABLED",
        "NOT_FOUND",
        "METHOD_NOT_ALLOWED",
        "TIMEOUT",
        "CONFLICT",
        "EDIT_WINDOW_CLOSED",
        "PAYLOAD_TOO_LARGE",
        "UNSUPPORTED_MEDIA_TYPE",
        "PRECONDITION_REQUIRED",
        "IDEMPOTENCY_MISMATCH",
        "RATE_LIMITED",
        "UNAVAILABLE",
        "INTERNAL",
    ];
    let faults = [
        "missing",
        "unknown_field",
        "duplicate",
        "wrong_type",
        "invalid",
        "unknown_value",
        "nul",
        "too_deep",
        "too_short",
        "too_long",
        "too_few",
        "too_many",
        "out_of_range",
    ];
    assert_said("error", errors.map(str::to_owned).into());
    assert_said("fault", faults.map(str::to_owned).into());
}

#[test]
fn both_languages_have_the_same_sentences() {
    let keys = |language: &str| -> BTreeSet<String> {
        let text = texts(language);
        let lines = text.lines().filter(|line| line.starts_with(char::is_alphabetic));
        lines.filter_map(|line| Some(line.split_once(" =")?.0.to_owned())).collect()
    };
    assert_eq!(keys("fr"), keys("en"));
}
