//! Runs `decisions.tsv`: locked × override × own × tenant × template × channel × priority, followed by all obstacles,
//! each row with its expected result, which was derived by hand.

use std::collections::{BTreeSet, HashMap};
use strum::VariantArray;

use chrono_tz::Tz;

use super::{all, at, quiet};
use crate::preferences::{
    Category, Channel, ChannelChoices, ChannelDecision, DecisionRule, EventProfile, PerChannel,
    PreferenceLevel, PreferenceLevels, Priority, RecipientProfile, decide,
};

const TABLE: &str = include_str!("decisions.tsv");
const NIGHT: &str = "2026-06-01T23:30:00Z";
const MORNING: &str = "2026-06-02T07:00:00Z";

struct Row<'a>(HashMap<&'a str, &'a str>);

impl<'a> Row<'a> {
    fn is(&self, column: &str, word: &str) -> bool {
        self.0[column] == word
    }

    /// The choice of one level, for the row's channel only.
    fn channel_choices(&self, column: &str) -> ChannelChoices {
        let said = match self.0[column] {
            "on" => Some(true),
            "off" => Some(false),
            "-" => None,
            other => panic!("{column} is {other}"),
        };
        let channel = self.channel();
        // The other channels have the opposite value, so that a mixed-up channel is noticed.
        PerChannel::from_fn(|one| if one == channel { said } else { said.map(|on| !on) })
    }

    fn channel(&self) -> Channel {
        self.0["channel"].parse::<Channel>().ok().unwrap()
    }

    /// True for the row's channel if `column` is `word`, and the opposite for the other channels.
    fn flag(&self, column: &str, word: &str) -> PerChannel<bool> {
        let channel = self.channel();
        let is = self.is(column, word);
        PerChannel::from_fn(|one| if one == channel { is } else { !is })
    }

    fn event_profile(&self) -> EventProfile {
        EventProfile {
            category: self.0["category"].parse::<Category>().ok().unwrap(),
            priority: self.0["priority"].parse::<Priority>().ok().unwrap(),
            channels: self.flag("template", "yes"),
            disabled: self.flag("service", "off"),
        }
    }

    fn expected(&self) -> (bool, DecisionRule, Option<PreferenceLevel>, Option<&'static str>) {
        let rule = serde_json::from_value(self.0["rule"].into()).unwrap();
        let level = (!self.is("level", "-")).then(|| serde_json::from_value(self.0["level"].into()).unwrap());
        match self.0["sent"] {
            "yes" => (true, rule, level, None),
            "later" => (true, rule, level, Some(MORNING)),
            "no" => (false, rule, level, None),
            other => panic!("sent is {other}"),
        }
    }
}

fn rows() -> Vec<(usize, Row<'static>)> {
    let mut lines = TABLE.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    let columns: Vec<&str> = lines.next().unwrap().1.split('\t').collect();
    lines
        .map(|(number, line)| {
            let values: Vec<&str> = line.split('\t').collect();
            assert_eq!(values.len(), columns.len(), "line {}", number + 1);
            (number + 1, Row(columns.iter().copied().zip(values).collect()))
        })
        .collect()
}

fn decide_row(row: &Row<'_>) -> ChannelDecision {
    let nightly = quiet("22:00", "07:00", Tz::UTC);
    let to = RecipientProfile {
        levels: PreferenceLevels {
            client_override: row.channel_choices("over"),
            user: row.channel_choices("own"),
            tenant_default: row.channel_choices("tenant"),
        },
        reachable: if row.is("address", "none") { row.flag("address", "yes") } else { all(true) },
        suppressed: row.flag("address", "bounced"),
        has_digest: row.is("digest", "yes"),
        quiet_hours: row.is("quiet", "yes").then_some(&nightly),
        is_throttled: row.is("held", "yes"),
        is_out_of_scope: row.is("scope", "out"),
        has_subject_open: false,
    };
    *decide(&row.event_profile(), &to, at(NIGHT)).get(row.channel())
}

#[test]
fn every_row_of_the_table_is_decided_as_it_was_written_down() {
    let rows = rows();
    let mut wrong = Vec::new();
    for (line, row) in &rows {
        let ChannelDecision { sent, rule, level, after } = decide_row(row);
        let (is_sent, by, at_level, not_before) = row.expected();
        if (sent, rule, level, after) != (is_sent, by, at_level, not_before.map(at)) {
            wrong.push(format!("line {line}: {sent} {rule:?} {level:?} {after:?}, not {:?}", row.expected()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn the_table_has_every_word_of_every_column_and_no_row_twice() {
    let rows = rows();
    assert!(rows.len() >= 400, "{} rows", rows.len());
    let words = |column: &str| rows.iter().map(|(_, row)| row.0[column]).collect::<BTreeSet<_>>();
    assert_eq!(words("category").len(), Category::VARIANTS.len());
    assert_eq!(words("channel").len(), Channel::VARIANTS.len());
    assert_eq!(words("priority").len(), Priority::VARIANTS.len());
    for column in ["over", "own", "tenant", "address", "sent"] {
        assert_eq!(words(column).len(), 3, "{column}");
    }
    for column in ["template", "service", "scope", "held", "digest", "quiet"] {
        assert_eq!(words(column).len(), 2, "{column}");
    }
    assert_eq!(words("rule").len(), 9, "{:?}", words("rule"));
    assert_eq!(words("level").len(), 6, "five, and none");
    let distinct: BTreeSet<_> = TABLE.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(distinct.len(), rows.len() + 1);
}
