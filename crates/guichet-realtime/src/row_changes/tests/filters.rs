//! The grammar of filters, compared with SQL's rules and with an independent evaluation.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{THINGS, row};
use crate::row_changes::filter::RowFilter;

fn holds(filter: &str) -> bool {
    RowFilter::parse(&THINGS, filter)
        .unwrap_or_else(|why| panic!("{filter}: {why}"))
        .holds(&row(7, "Été 50%, fini"))
}

#[test]
fn what_makes_no_sense_is_refused_with_a_reason() {
    for (filter, reason) in [
        ("n", "column=op.value"),
        ("n=7", "column=op.value"),
        ("=eq.7", "no column"),
        ("nobody=eq.7", "no column `nobody`"),
        ("n=eq.seven", "`seven` is no int8"),
        ("n=equals.7", "no operator `equals`"),
        ("n=like.7", "patterns are for text"),
        ("id=eq.1", "no uuid"),
        ("at=gt.tomorrow", "no timestamptz"),
        ("b=eq.maybe", "no bool"),
        ("n=is.true", "`is` takes null"),
        ("t=is.nothing", "`is` takes null"),
        ("n=in.1,2", "`in` takes"),
        ("n=in.()", "`in` takes"),
        ("n=in.(1,x)", "`x` is no int8"),
        ("t=eq.\"open", "left open"),
        ("t=eq.(open", "left open"),
        ("t=eq.\"a\"b", "goes on after its quotes"),
        ("t=match.[", "no regular expression"),
        ("t=match.\"(((a{99}){99}){99}){99}\"", "no regular expression"),
        ("t=like.a\\", "no pattern"),
        ("doc=gt.1", "no order"),
        ("n=eq.7,", "column=op.value"),
    ] {
        let why = RowFilter::parse(&THINGS, filter).expect_err(filter);
        assert!(why.contains(reason), "{filter}: {why}");
    }
    let many = ["n=eq.7"; 21].join(",");
    assert!(RowFilter::parse(&THINGS, &many).is_err());
    let long = format!("t=eq.{}", "x".repeat(5_000));
    assert!(RowFilter::parse(&THINGS, &long).is_err());
    let wide = format!("n=in.({})", ["7"; 101].join(","));
    assert!(RowFilter::parse(&THINGS, &wide).is_err());
}

#[test]
fn values_are_compared_by_the_type_of_their_column() {
    for (filter, expected) in [
        ("n=eq.7", true),
        ("n=eq. 7", true),
        ("n=gt.10", false),
        ("n=lt.10", true),
        ("n=in.(10, 7)", true),
        ("id=eq.0198C0DE-0000-7000-8000-000000000001", true),
        ("at=eq.2026-01-02T11:00:00.123+01:00", true),
        ("at=gte.2026-01-02", true),
        ("at=lt.2026-01-02", false),
        ("b=is.true", true),
        ("b=is.unknown", false),
        ("b=eq.t", true),
        ("doc=eq.\"{\\\"a\\\":[1,2]}\"", true),
        ("doc=neq.{}", true),
        ("t=eq.\"Été 50%, fini\"", true),
        ("t=like.Été%", true),
        ("t=like.été%", false),
        ("t=ilike.été%", true),
        ("t=like.%50\\%%", true),
        ("t=like._té%i", true),
        ("t=like.%x%", false),
        ("t=match.^É.* \\d+%", true),
        ("t=imatch.FINI$", true),
        ("t=match.FINI$", false),
        ("t=in.(\"Été 50%, fini\",b)", true),
        ("t=not.is.null,n=not.eq.8", true),
        ("n=eq.7,n=eq.8", false),
    ] {
        assert_eq!(holds(filter), expected, "{filter}");
    }
}

#[test]
fn null_is_neither_equal_nor_unequal_but_distinct() {
    let nulls = vec![Value::Null; 6];
    let holds = |filter: &str| RowFilter::parse(&THINGS, filter).unwrap().holds(&nulls);
    for never in [
        "n=eq.7",
        "n=neq.7",
        "n=not.eq.7",
        "t=like.%",
        "t=not.like.%",
        "n=in.(7)",
        "n=not.in.(7)",
        "b=is.true",
    ] {
        assert!(!holds(never), "{never}");
    }
    for always in ["n=is.null", "b=is.unknown", "b=not.is.true", "n=isdistinct.7", "n=not.isdistinct.null"] {
        assert!(holds(always), "{always}");
    }
}

/// A condition as a tree, with its SQL result.
#[derive(Debug, Clone)]
struct Condition {
    column: &'static str,
    negated: bool,
    operator: &'static str,
    values: Vec<String>,
}

impl Condition {
    fn text(&self) -> String {
        let not = if self.negated { "not." } else { "" };
        let quoted = |value: &String| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let value = match self.operator {
            "in" => format!("({})", self.values.iter().map(quoted).collect::<Vec<_>>().join(",")),
            "is" => "null".to_owned(),
            _ => quoted(&self.values[0]),
        };
        format!("{}={not}{}.{value}", self.column, self.operator)
    }

    /// The result by the SQL standard, without a parser, types or an index.
    fn is_true(&self, n: Option<i64>, t: Option<&str>) -> bool {
        let number = |text: &str| text.parse::<i64>().unwrap();
        let is_null = if self.column == "n" { n.is_none() } else { t.is_none() };
        let plain = match self.operator {
            "is" => return is_null != self.negated,
            "isdistinct" => {
                let same = match self.column {
                    "n" => n == Some(number(&self.values[0])),
                    _ => t == Some(self.values[0].as_str()),
                };
                return same == self.negated;
            }
            _ if is_null => return false,
            "in" => self.values.iter().any(|value| match self.column {
                "n" => n == Some(number(value)),
                _ => t == Some(value.as_str()),
            }),
            "like" => naive_like(
                &self.values[0].chars().collect::<Vec<_>>(),
                &t.unwrap().chars().collect::<Vec<_>>(),
            ),
            operator => {
                let (less, equal) = match self.column {
                    "n" => (n.unwrap() < number(&self.values[0]), n.unwrap() == number(&self.values[0])),
                    _ => (t.unwrap() < self.values[0].as_str(), t.unwrap() == self.values[0]),
                };
                match operator {
                    "eq" => equal,
                    "neq" => !equal,
                    "lt" => less,
                    "lte" => less || equal,
                    "gt" => !less && !equal,
                    "gte" => !less,
                    other => panic!("{other}"),
                }
            }
        };
        plain != self.negated
    }
}

fn naive_like(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|cut| naive_like(rest, &text[cut..])),
        ['_', rest @ ..] => !text.is_empty() && naive_like(rest, &text[1..]),
        ['\\', one, rest @ ..] | [one, rest @ ..] => {
            text.first() == Some(one) && naive_like(rest, &text[1..])
        }
    }
}

fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    const ORDER: [&str; 6] = ["eq", "neq", "lt", "lte", "gt", "gte"];
    let operator = prop::sample::select([&ORDER[..], &["in", "is", "isdistinct"]].concat());
    let numbers = prop::collection::vec((-2i64..3).prop_map(|n| n.to_string()), 1..4);
    let number = (any::<bool>(), operator.clone(), numbers)
        .prop_map(|(negated, operator, values)| Condition { column: "n", negated, operator, values });
    let words = prop::collection::vec("[ab,()\"\\\\ é.]{0,3}", 1..4);
    let text = (any::<bool>(), operator, words).prop_map(|(negated, operator, values)| Condition {
        column: "t",
        negated,
        operator,
        values,
    });
    let like = (any::<bool>(), "([ab%_,\"é]|\\\\[%_a]){0,6}").prop_map(|(negated, pattern)| Condition {
        column: "t",
        negated,
        operator: "like",
        values: vec![pattern],
    });
    prop::collection::vec(prop_oneof![number, text, like], 1..4)
}

proptest! {
    #[test]
    fn a_filter_says_what_its_conditions_say(
        conditions in conditions(),
        n in prop::option::of(-2i64..3),
        t in prop::option::of("[ab,()\"\\\\ é.%_]{0,4}"),
    ) {
        let text = conditions.iter().map(Condition::text).collect::<Vec<_>>().join(",");
        let filter = RowFilter::parse(&THINGS, &text).map_err(|why| TestCaseError::fail(format!("{text}: {why}")))?;
        let expected = conditions.iter().all(|condition| condition.is_true(n, t.as_deref()));
        let row = [Value::Null, json!(n), json!(t)];
        prop_assert_eq!(filter.holds(&row), expected, "{} of {:?}", text, row);
    }

    #[test]
    fn nothing_that_is_written_panics(text in ".{0,60}", n in any::<i64>()) {
        for column in ["id", "n", "t", "b", "at", "doc"] {
            for operator in ["eq", "like", "match", "in", "is", "isdistinct", "gt"] {
                if let Ok(filter) = RowFilter::parse(&THINGS, &format!("{column}={operator}.{text}")) {
                    filter.holds(&row(n, &text));
                }
            }
        }
        let _ = RowFilter::parse(&THINGS, &text);
    }
}
