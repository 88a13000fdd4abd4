//! The routes of the API, for the server and for its description.

use utoipa_actix_web::service_config::ServiceConfig;

use super::afritalk;
use crate::{activity, auth, chat, deliveries, directory, notifications, preferences};

/// The routes of the API under any base path. Literal paths stand before patterns that would match them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .configure(chat::http::routes)
        .configure(directory::routes)
        .configure(auth::routes)
        .configure(preferences::http::routes)
        .configure(notifications::routes)
        .configure(deliveries::http::routes)
        .configure(activity::http::routes)
        .configure(notifications::templates::http::routes)
        .configure(afritalk::http::routes);
}
