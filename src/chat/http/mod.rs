//! The REST endpoints of chat.

mod conversations;
mod dto;
mod messages;
mod search;

pub use conversations::{ConversationQuery, list_reply};
pub use dto::{HistoryQuery, ReadCommand, SendBody, SendCommand, TypingCommand};
pub use messages::{history, send};
use utoipa_actix_web::service_config::ServiceConfig;

/// The routes under the API's base path. Literal paths stand before patterns that would match them.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(conversations::unread_count)
        .service(conversations::draft)
        .service(conversations::list)
        .service(conversations::open)
        .service(conversations::get)
        .service(conversations::mark_read)
        .service(conversations::typing)
        .service(conversations::follow)
        .service(conversations::unfollow)
        .service(messages::list_of_conversation)
        .service(messages::send_to_conversation)
        .service(messages::list_of_client)
        .service(messages::send_to_client)
        .service(search::search)
        .service(search::list_related)
        .service(messages::edit)
        .service(messages::delete)
        .service(messages::mark_read);
}
