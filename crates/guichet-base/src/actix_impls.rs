//! `Error` as an actix response (feature `actix`).

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};

use crate::error_body::error_envelope;
use crate::{Error, Locale};

/// Fallback body: the envelope in the default language (French), without a request id. The `edge` middleware replaces
/// it with the language and id of the request.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.kind().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(secs) = self.retry_after_secs() {
            response.insert_header((header::RETRY_AFTER, secs));
        }
        response.content_type("application/json").body(error_envelope(self, Locale::default(), None))
    }
}
