//! Wraps an app with the conventions, in the order that they need.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::web::PayloadConfig;
use actix_web::{App, Error};

use crate::web::settings::HttpSettings;
use crate::web::{compress, cors, edge, guard};

/// Wraps an app whose routes and inner middleware are in place. From the outside: `edge` (id, log, envelope,
/// headers), CORS (so that browsers can read refusals of the layers below), gzip, `guard` (before anything reads a
/// body), then the app.
pub fn wrap<T, B>(
    app: App<T>,
    conventions: &HttpSettings,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    > + use<T, B>,
>
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let body = conventions.body;
    let edge_conventions = conventions.clone();
    let max_bytes = usize::try_from(body.max_bytes).unwrap_or(usize::MAX);
    // actix's own limit for whole bodies is lower; the guard above it counts all bodies alike.
    app.app_data(PayloadConfig::new(max_bytes))
        .wrap(from_fn(move |request, next: Next<B>| guard::guard(body, request, next)))
        .wrap(from_fn(compress::mark_small))
        .wrap(Compress::default())
        .wrap(cors::cors(conventions.origins.clone()))
        .wrap(from_fn(move |request, next: Next<_>| edge::edge(edge_conventions.clone(), request, next)))
}
