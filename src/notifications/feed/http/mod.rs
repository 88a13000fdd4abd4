//! The REST endpoints of feeds.

mod change;
mod dto;
mod list;

use utoipa_actix_web::service_config::ServiceConfig;

/// Registers the routes. Literal paths under `/notifications`, also of other modules, must precede `{id}`.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list::unread)
        .service(list::analytics)
        .service(list::list)
        .service(change::read_many)
        .service(change::ack)
        .service(change::read)
        .service(change::read_with)
        .service(change::archive)
        .service(change::unarchive)
        .service(change::snooze)
        .service(change::delete)
        .service(list::get);
}
