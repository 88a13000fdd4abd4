//! A person's digest and quiet hours: as stored, as changed, and as the API returns them.

use chrono::NaiveTime;
use chrono_tz::Tz;
use guichet_base::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::digest::{DigestMode, next_due};
use crate::web::Patch;

const DEFAULT_DIGEST_HOUR: i32 = 8;

/// A row of `notification_settings`; people without a row have the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalSettings {
    pub digest_mode: String,
    pub digest_hour: i32,
    /// `None` means the person's own timezone.
    pub digest_timezone: Option<String>,
    pub digest_due_at: Option<Timestamp>,
    pub quiet_from: Option<NaiveTime>,
    pub quiet_to: Option<NaiveTime>,
    pub quiet_timezone: Option<String>,
}

impl Default for PersonalSettings {
    fn default() -> Self {
        Self {
            digest_mode: DigestMode::Off.into_str().to_owned(),
            digest_hour: DEFAULT_DIGEST_HOUR,
            digest_timezone: None,
            digest_due_at: None,
            quiet_from: None,
            quiet_to: None,
            quiet_timezone: None,
        }
    }
}

/// A change of the digest; `None` and [`Patch::Absent`] leave a field unchanged.
#[derive(Debug, Clone)]
pub struct DigestChange {
    pub mode: DigestMode,
    pub hour: Option<i32>,
    /// Null means the person's own timezone.
    pub timezone: Patch<Tz>,
}

#[derive(Debug, Clone, Copy)]
pub struct QuietHoursChange {
    pub from: NaiveTime,
    pub to: NaiveTime,
    /// `None` means the person's own timezone.
    pub timezone: Option<Tz>,
}

#[derive(Debug, Clone)]
pub struct SettingsChange {
    pub digest: Option<DigestChange>,
    /// Null turns quiet hours off.
    pub quiet_hours: Patch<QuietHoursChange>,
}

impl PersonalSettings {
    fn parsed_mode(&self) -> DigestMode {
        self.digest_mode.parse::<DigestMode>().ok().unwrap_or(DigestMode::Off)
    }

    /// Applies `change` for a person whose own timezone is `own_timezone`. An unchanged digest keeps its due time;
    /// otherwise a person who saves while a digest is due would miss it.
    pub fn with_change(&self, change: &SettingsChange, own_timezone: Tz, now: Timestamp) -> Self {
        let mut new = self.clone();
        if let Some(digest) = &change.digest {
            new.digest_mode = digest.mode.into_str().to_owned();
            new.digest_hour = digest.hour.unwrap_or(self.digest_hour);
            match digest.timezone {
                Patch::Absent => {}
                Patch::Null => new.digest_timezone = None,
                Patch::Value(zone) => new.digest_timezone = Some(zone.name().to_owned()),
            }
        }
        match change.quiet_hours {
            Patch::Absent => {}
            Patch::Null => (new.quiet_from, new.quiet_to, new.quiet_timezone) = (None, None, None),
            Patch::Value(quiet) => {
                new.quiet_from = Some(quiet.from);
                new.quiet_to = Some(quiet.to);
                new.quiet_timezone = Some(quiet.timezone.unwrap_or(own_timezone).name().to_owned());
            }
        }
        if new != *self {
            let hour = u32::try_from(new.digest_hour).unwrap_or_default();
            let zone = timezone_or(new.digest_timezone.as_deref(), own_timezone);
            let is_same_digest = (&new.digest_mode, new.digest_hour, &new.digest_timezone)
                == (&self.digest_mode, self.digest_hour, &self.digest_timezone);
            if !is_same_digest {
                new.digest_due_at = next_due(new.parsed_mode(), hour, zone, now);
            }
        }
        new
    }

    pub fn digest_view(&self, own_timezone: Tz) -> DigestView {
        let timezone = timezone_or(self.digest_timezone.as_deref(), own_timezone).name();
        DigestView { mode: self.parsed_mode(), hour: self.digest_hour, timezone }
    }

    pub fn quiet_hours_view(&self, own_timezone: Tz) -> Option<QuietHoursView> {
        let timezone = timezone_or(self.quiet_timezone.as_deref(), own_timezone).name();
        let format_time = |time: NaiveTime| time.format("%H:%M").to_string();
        Some(QuietHoursView {
            from: format_time(self.quiet_from?),
            to: format_time(self.quiet_to?),
            timezone,
        })
    }
}

/// The timezone of that name, or the person's own if there is no name or it is unknown.
pub fn timezone_or(name: Option<&str>, own_timezone: Tz) -> Tz {
    name.and_then(|name| name.parse().ok()).unwrap_or(own_timezone)
}

/// When the digest of notifications with low priority is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DigestView {
    pub mode: DigestMode,
    /// Hour of the local day, 0–23.
    #[schema(example = 8)]
    pub hour: i32,
    #[schema(value_type = String, example = "Europe/Paris")]
    pub timezone: &'static str,
}

/// Hours in which email, SMS and push wait until the end, except for critical notifications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct QuietHoursView {
    #[schema(example = "22:00")]
    pub from: String,
    #[schema(example = "07:00")]
    pub to: String,
    #[schema(value_type = String, example = "Europe/Paris")]
    pub timezone: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn digest(mode: DigestMode, hour: Option<i32>, timezone: Patch<Tz>) -> SettingsChange {
        SettingsChange { digest: Some(DigestChange { mode, hour, timezone }), quiet_hours: Patch::Absent }
    }

    #[test]
    fn a_digest_that_is_switched_on_is_due_at_its_next_hour_by_the_clock_of_the_person() {
        let noon = at("2026-07-01T12:00:00Z");
        let tokyo = Tz::Asia__Tokyo;
        let on = PersonalSettings::default().with_change(
            &digest(DigestMode::Daily, None, Patch::Absent),
            tokyo,
            noon,
        );
        assert_eq!(on.digest_due_at, Some(at("2026-07-01T23:00:00Z")), "08:00 in Tokyo");
        let moved = on.with_change(&digest(DigestMode::Daily, Some(9), Patch::Value(Tz::UTC)), tokyo, noon);
        assert_eq!(moved.digest_due_at, Some(at("2026-07-02T09:00:00Z")));
        let back = moved.with_change(&digest(DigestMode::Daily, None, Patch::Null), tokyo, noon);
        assert_eq!((back.digest_hour, back.digest_timezone.as_deref()), (9, None));
        assert_eq!(back.digest_due_at, Some(at("2026-07-02T00:00:00Z")));
        let off = back.with_change(&digest(DigestMode::Off, None, Patch::Absent), tokyo, noon);
        assert_eq!((off.digest_due_at, off.digest_hour), (None, 9));
    }

    #[test]
    fn a_digest_that_is_due_is_not_put_off_by_saving_the_same_again() {
        let home = Tz::Europe__Paris;
        let daily = digest(DigestMode::Daily, Some(8), Patch::Absent);
        let on = PersonalSettings::default().with_change(&daily, home, at("2026-07-01T00:00:00Z"));
        let again = on.with_change(&daily, home, at("2026-07-01T06:00:30Z"));
        assert_eq!(again.digest_due_at, Some(at("2026-07-01T06:00:00Z")));
        let quiet = QuietHoursChange { from: NaiveTime::MIN, to: NaiveTime::MIN, timezone: None };
        let change = SettingsChange { digest: None, quiet_hours: Patch::Value(quiet) };
        let quieter = again.with_change(&change, home, at("2026-07-01T06:00:30Z"));
        assert_eq!(quieter.digest_due_at, again.digest_due_at);
        assert_eq!(quieter.quiet_timezone.as_deref(), Some("Europe/Paris"));
    }

    #[test]
    fn quiet_hours_come_and_go_whole() {
        let (home, now) = (Tz::Europe__Paris, at("2026-07-01T00:00:00Z"));
        let time = |hour| NaiveTime::from_hms_opt(hour, 30, 0).unwrap();
        let quiet = QuietHoursChange { from: time(22), to: time(7), timezone: Some(Tz::America__New_York) };
        let on = PersonalSettings::default().with_change(
            &SettingsChange { digest: None, quiet_hours: Patch::Value(quiet) },
            home,
            now,
        );
        let shown = on.quiet_hours_view(home).unwrap();
        assert_eq!((&*shown.from, &*shown.to, shown.timezone), ("22:30", "07:30", "America/New_York"));
        let off = on.with_change(&SettingsChange { digest: None, quiet_hours: Patch::Null }, home, now);
        assert_eq!(off, PersonalSettings::default());
        assert_eq!(off.quiet_hours_view(home), None);
    }
}
