//! Properties of every decision, for random recipients and events.

use chrono::NaiveTime;
use chrono_tz::Tz;
use guichet_base::Timestamp;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray;

use super::at;
use crate::preferences::{
    Category, Channel, ChannelChoices, DecisionRule, EventProfile, PerChannel, PreferenceLevel,
    PreferenceLevels, Priority, QuietHours, RecipientProfile, combine_choices, decide, resolve_preference,
};

fn per_channel<T: std::fmt::Debug>(
    one: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = PerChannel<T>> {
    (one.clone(), one.clone(), one.clone(), one).prop_map(|(inapp, email, sms, push)| PerChannel {
        inapp,
        email,
        sms,
        push,
    })
}

fn channel_choices() -> impl Strategy<Value = ChannelChoices> {
    per_channel(option::of(any::<bool>()))
}

fn levels() -> impl Strategy<Value = PreferenceLevels> {
    (channel_choices(), channel_choices(), channel_choices()).prop_map(|(over, own, tenant)| {
        PreferenceLevels { client_override: over, user: own, tenant_default: tenant }
    })
}

fn category() -> impl Strategy<Value = Category> {
    select(Category::VARIANTS)
}

fn event_profile() -> impl Strategy<Value = EventProfile> {
    let disabled = per_channel(any::<bool>()).prop_map(|disabled| PerChannel { inapp: false, ..disabled });
    (category(), select(Priority::VARIANTS), per_channel(any::<bool>()), disabled).prop_map(
        |(category, priority, channels, disabled)| EventProfile { category, priority, channels, disabled },
    )
}

/// A recipient, with owned quiet hours for the profile to borrow.
#[derive(Debug, Clone)]
struct RecipientFixture {
    levels: PreferenceLevels,
    reachable: PerChannel<bool>,
    suppressed: PerChannel<bool>,
    flags: (bool, bool, bool, bool),
    quiet: Option<QuietHours>,
}

impl RecipientFixture {
    fn recipient(&self) -> RecipientProfile<'_> {
        let (has_digest, is_held, is_out_of_scope, has_subject_open) = self.flags;
        RecipientProfile {
            levels: self.levels,
            reachable: self.reachable,
            suppressed: self.suppressed,
            has_digest,
            quiet_hours: self.quiet.as_ref(),
            is_throttled: is_held,
            is_out_of_scope,
            has_subject_open,
        }
    }
}

fn recipient_fixture() -> impl Strategy<Value = RecipientFixture> {
    let hour = (0..24_u32).prop_map(|hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    let quiet =
        (hour.clone(), hour).prop_map(|(from, to)| QuietHours { from, to, timezone: Tz::Europe__Paris });
    (
        levels(),
        per_channel(any::<bool>()),
        per_channel(any::<bool>()),
        any::<(bool, bool, bool, bool)>(),
        option::of(quiet),
    )
        .prop_map(|(levels, reachable, suppressed, flags, quiet)| RecipientFixture {
            levels,
            reachable,
            suppressed,
            flags,
            quiet,
        })
}

fn now() -> impl Strategy<Value = Timestamp> {
    (0..366 * 24 * 60_i64)
        .prop_map(|minutes| Timestamp::from_millis(at("2026-01-01T00:00:00Z").as_millis() + minutes * 60_000))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_locked_is_on_whatever_anybody_says(levels in levels()) {
        for category in [Category::System, Category::Graduation] {
            prop_assert_eq!(resolve_preference(category, Channel::Inapp, &levels), (true, PreferenceLevel::Locked));
        }
    }

    #[test]
    fn an_override_beats_ones_own_choice_and_that_the_tenants_default(
        category in category(), channel in select(Channel::VARIANTS), levels in levels(),
    ) {
        let (on, level) = resolve_preference(category, channel, &levels);
        let (over, own) = (*levels.client_override.get(channel), *levels.user.get(channel));
        if category.is_locked(channel) {
            prop_assert!(on);
        } else if let Some(forced) = over {
            prop_assert_eq!((on, level), (forced, PreferenceLevel::Override));
        } else if let Some(chosen) = own {
            prop_assert_eq!((on, level), (chosen, PreferenceLevel::User));
        } else {
            prop_assert!(level == PreferenceLevel::Tenant || level == PreferenceLevel::Default);
        }
    }

    #[test]
    fn saying_nothing_anywhere_leaves_everything_on(category in category(), channel in select(Channel::VARIANTS)) {
        prop_assert!(resolve_preference(category, channel, &PreferenceLevels::default()).0);
    }

    #[test]
    fn whoever_has_nothing_to_do_with_it_gets_nothing(asked in event_profile(), mut to in recipient_fixture(), now in now()) {
        to.flags.2 = true;
        for (_, verdict) in decide(&asked, &to.recipient(), now).iter() {
            prop_assert!(!verdict.sent && verdict.rule == DecisionRule::TeamScope);
        }
    }

    #[test]
    fn what_is_not_sent_says_which_rule_stood_in_the_way(asked in event_profile(), to in recipient_fixture(), now in now()) {
        for (channel, verdict) in decide(&asked, &to.recipient(), now).iter() {
            let is_wanted = resolve_preference(asked.category, channel, &to.levels).0;
            match verdict.rule {
                DecisionRule::Preference => prop_assert_eq!(verdict.sent, is_wanted),
                DecisionRule::TeamScope => prop_assert!(!verdict.sent && to.flags.2),
                DecisionRule::Template => prop_assert!(!verdict.sent && !asked.channels.get(channel)),
                DecisionRule::Disabled => prop_assert!(!verdict.sent && *asked.disabled.get(channel)),
                DecisionRule::NoAddress => prop_assert!(!verdict.sent && !to.reachable.get(channel)),
                DecisionRule::Suppressed => prop_assert!(!verdict.sent && *to.suppressed.get(channel)),
                DecisionRule::Throttle => prop_assert!(to.flags.1 && verdict.sent == (channel == Channel::Inapp)),
                DecisionRule::Digest => prop_assert!(!verdict.sent && to.flags.0 && channel == Channel::Email),
                DecisionRule::QuietHours => prop_assert!(verdict.sent && to.quiet.is_some()),
                DecisionRule::Open => prop_assert!(!verdict.sent && to.flags.3 && channel != Channel::Inapp),
            }
        }
    }

    #[test]
    fn only_quiet_hours_put_off_and_never_to_the_past(asked in event_profile(), to in recipient_fixture(), now in now()) {
        for (channel, verdict) in decide(&asked, &to.recipient(), now).iter() {
            prop_assert_eq!(verdict.after.is_some(), verdict.rule == DecisionRule::QuietHours);
            if let Some(after) = verdict.after {
                prop_assert!(after > now && channel != Channel::Inapp);
            }
        }
    }

    #[test]
    fn what_is_critical_waits_for_nothing_but_a_preference(mut asked in event_profile(), to in recipient_fixture(), now in now()) {
        asked.priority = Priority::Critical;
        for (_, verdict) in decide(&asked, &to.recipient(), now).iter() {
            prop_assert!(!matches!(verdict.rule, DecisionRule::QuietHours | DecisionRule::Throttle | DecisionRule::Digest));
        }
    }

    #[test]
    fn the_preference_is_named_with_its_level_and_nothing_else_has_one(
        asked in event_profile(), to in recipient_fixture(), now in now(),
    ) {
        for (channel, verdict) in decide(&asked, &to.recipient(), now).iter() {
            let before = matches!(verdict.rule, DecisionRule::TeamScope | DecisionRule::Template | DecisionRule::Disabled);
            let level = resolve_preference(asked.category, channel, &to.levels).1;
            prop_assert_eq!(verdict.level, (!before).then_some(level));
        }
    }

    #[test]
    fn in_app_depends_on_no_address_no_quiet_hours_and_no_throttle(asked in event_profile(), to in recipient_fixture(), now in now()) {
        let bare = RecipientFixture {
            reachable: PerChannel::default(),
            suppressed: PerChannel::from_fn(|_| true),
            flags: (!to.flags.0, !to.flags.1, to.flags.2, to.flags.3),
            quiet: None,
            ..to.clone()
        };
        let (one, other) = (decide(&asked, &to.recipient(), now), decide(&asked, &bare.recipient(), now));
        prop_assert_eq!(one.inapp.sent, other.inapp.sent);
    }

    #[test]
    fn a_decision_comes_back_from_its_json_as_it_was(asked in event_profile(), to in recipient_fixture(), now in now()) {
        let decision = decide(&asked, &to.recipient(), now);
        let json = serde_json::to_string(&decision).unwrap();
        prop_assert_eq!(serde_json::from_str::<crate::preferences::Decision>(&json).unwrap(), decision);
    }

    #[test]
    fn of_several_overrides_off_wins_then_on_in_whatever_order(mut says in prop::collection::vec(channel_choices(), 0..5)) {
        let combined = combine_choices(&says);
        for channel in Channel::VARIANTS {
            let said: Vec<bool> = says.iter().filter_map(|say| *say.get(*channel)).collect();
            let expected = if said.contains(&false) { Some(false) } else { said.first().copied() };
            prop_assert_eq!(*combined.get(*channel), expected);
        }
        says.reverse();
        prop_assert_eq!(combine_choices(&says), combined);
        says.push(combined);
        prop_assert_eq!(combine_choices(&says), combined, "said twice is said once");
    }
}
