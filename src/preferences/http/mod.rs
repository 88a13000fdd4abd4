//! The REST endpoints of preferences.

mod overrides;
mod personal;

use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::store::ChannelChoicesChange;
use crate::web::Patch;

/// The routes under the API's base path. They need a `web::Data<Directory>`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(personal::read)
        .service(personal::update)
        .service(personal::update_category)
        .service(overrides::list)
        .service(overrides::read)
        .service(overrides::put)
        .service(overrides::remove);
}

/// Channels to turn on (true), off (false), or to reset (null). Absent channels stay unchanged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "channel_email": false, "channel_push": null }))]
struct ChannelsBody {
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    channel_inapp: Patch<bool>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    channel_email: Patch<bool>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    channel_sms: Patch<bool>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    channel_push: Patch<bool>,
}

impl From<ChannelsBody> for ChannelChoicesChange {
    fn from(body: ChannelsBody) -> Self {
        Self {
            channel_inapp: body.channel_inapp.into_change(),
            channel_email: body.channel_email.into_change(),
            channel_sms: body.channel_sms.into_change(),
            channel_push: body.channel_push.into_change(),
        }
    }
}
