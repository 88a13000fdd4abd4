//! `/preferences`: the caller's own preferences.

use actix_web::web::Data;
use actix_web::{get, put};
use chrono::NaiveTime;
use chrono_tz::Tz;
use guichet_base::Result;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ChannelsBody;
use crate::directory::Directory;
use crate::preferences::digest::DigestMode;
use crate::preferences::effective::CategoryPreferences;
use crate::preferences::model::Category;
use crate::preferences::service::{self, PreferencesPage};
use crate::preferences::settings::{
    DigestChange, DigestView, QuietHoursChange, QuietHoursView, SettingsChange,
};
use crate::web::{Caller, Json, Patch, Path, Reply, Validator};

/// The content of the settings page: categories, digest and quiet hours.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Preferences {
    /// Every category, always in the same order.
    categories: Vec<CategoryPreferences>,
    digest: DigestView,
    #[schema(required)]
    quiet_hours: Option<QuietHoursView>,
}

impl From<PreferencesPage> for Preferences {
    fn from(PreferencesPage { categories, digest, quiet_hours }: PreferencesPage) -> Self {
        Self { categories, digest, quiet_hours }
    }
}

/// The settings to change. Absent fields stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "digest": { "mode": "daily", "hour": 8, "timezone": "Europe/Paris" },
    "quiet_hours": { "from": "22:00", "to": "07:00", "timezone": "Europe/Paris" } }))]
pub(super) struct SettingsBody {
    digest: Option<DigestBody>,
    /// Null turns quiet hours off.
    #[serde(default)]
    #[schema(value_type = Option<QuietHoursBody>)]
    quiet_hours: Patch<QuietHoursBody>,
}

/// The digest of notifications with low priority.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DigestBody {
    mode: DigestMode,
    /// Hour of the local day, 0–23.
    hour: Option<i32>,
    /// A name of the IANA time zone database. Null: the timezone of the profile.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    timezone: Patch<String>,
}

/// Local times, `HH:MM`. If `to` is earlier than `from`, the period includes midnight. The two must differ.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct QuietHoursBody {
    from: String,
    to: String,
    /// The default is the timezone of the profile.
    timezone: Option<String>,
}

impl SettingsBody {
    fn into_change(self, check: &mut Validator) -> SettingsChange {
        let digest = self.digest.map(|digest| digest.into_change(check));
        let quiet = match self.quiet_hours {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            // `None` means that `check` has faults, so the request fails and nothing is changed.
            Patch::Value(quiet) => quiet.into_change(check).map_or(Patch::Absent, Patch::Value),
        };
        SettingsChange { digest, quiet_hours: quiet }
    }
}

impl DigestBody {
    fn into_change(self, check: &mut Validator) -> DigestChange {
        let timezone = match self.timezone {
            Patch::Absent => Patch::Absent,
            Patch::Null => Patch::Null,
            Patch::Value(name) => {
                parse_timezone(check, "digest.timezone", &name).map_or(Patch::Absent, Patch::Value)
            }
        };
        let hour = self.hour.map(|hour| check.range("digest.hour", hour, 0..=23));
        DigestChange { mode: self.mode, hour, timezone }
    }
}

impl QuietHoursBody {
    fn into_change(self, check: &mut Validator) -> Option<QuietHoursChange> {
        let from = check.parse_enum("quiet_hours.from", &self.from, parse_time_of_day);
        let to = check.parse_enum("quiet_hours.to", &self.to, parse_time_of_day);
        check.ensure(from.is_none() || from != to, "quiet_hours.to", "invalid");
        let timezone = self.timezone.and_then(|name| parse_timezone(check, "quiet_hours.timezone", &name));
        Some(QuietHoursChange { from: from?, to: to?, timezone })
    }
}

fn parse_timezone(check: &mut Validator, field: &'static str, name: &str) -> Option<Tz> {
    check.parse_enum(field, name, |name| name.parse().ok())
}

/// Parses `HH:MM`, with two digits each.
fn parse_time_of_day(text: &str) -> Option<NaiveTime> {
    let (hour, minute) = text.split_once(':')?;
    let number = |digits: &str| {
        let is_number = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<u32>().ok())?
    };
    NaiveTime::from_hms_opt(number(hour)?, number(minute)?, 0)
}

/// Get the caller's preferences
///
/// For every category and channel, whether it is on and why: the caller's choice, an operator's override, a lock, or
/// a default. Includes channels that are off for the tenant.
#[utoipa::path(tag = "preferences", operation_id = "read_preferences", responses((status = 200, body = Preferences)))]
#[get("/preferences")]
pub(super) async fn read(caller: Caller, directory: Data<Directory>) -> Result<Reply<Preferences>> {
    Ok(Reply::ok(service::read_page(&directory, &caller).await?.into()))
}

/// Change the caller's digest and quiet hours
#[utoipa::path(tag = "preferences", operation_id = "put_preferences", request_body = SettingsBody, responses((status = 200, body = Preferences)))]
#[put("/preferences")]
pub(super) async fn update(
    caller: Caller,
    directory: Data<Directory>,
    Json(body): Json<SettingsBody>,
) -> Result<Reply<Preferences>> {
    let mut check = Validator::new();
    let change = body.into_change(&mut check);
    check.finish()?;
    Ok(Reply::ok(service::set_personal_settings(&directory, &caller, change).await?.into()))
}

/// Choose the channels of a category
///
/// Takes effect with the next event. In-app cannot be turned off for `system` and `graduation`.
#[utoipa::path(tag = "preferences", operation_id = "put_category_preferences", params(("category" = Category, Path)), request_body = ChannelsBody,
    responses((status = 200, body = CategoryPreferences),
        (status = 422, description = "`PREFERENCE_LOCKED`; `VALIDATION_ERROR`, with all faults")))]
#[put("/preferences/{category}")]
pub(super) async fn update_category(
    caller: Caller,
    directory: Data<Directory>,
    Path(category): Path<Category>,
    Json(body): Json<ChannelsBody>,
) -> Result<Reply<CategoryPreferences>> {
    Ok(Reply::ok(service::set_category_choices(&directory, &caller, category, body.into()).await?))
}

#[cfg(test)]
mod tests {
    use super::parse_time_of_day;

    #[test]
    fn a_time_of_day_is_four_digits_and_a_colon() {
        for (text, shown) in [("00:00", "00:00:00"), ("07:05", "07:05:00"), ("23:59", "23:59:00")] {
            assert_eq!(parse_time_of_day(text).unwrap().to_string(), shown);
        }
        for wrong in
            ["", ":", "7:05", "07:5", "24:00", "12:60", "+7:05", "07:05:00", "0705", "٠٧:٠٥", " 7:05"]
        {
            assert_eq!(parse_time_of_day(wrong), None, "{wrong}");
        }
    }
}
