//! Adds the middleware of the conventions to an app, in the required order.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Compress, Next, from_fn};
use actix_web::web::PayloadConfig;
use actix_web::{App, Error};

use crate::web::settings::HttpSettings;
use crate::web::{compress, cors, edge, guard};

/// Wraps an app that already has its routes and inner middleware. From the outside: `edge` (id, log, envelope,
/// headers), CORS (so that browsers can read errors of the layers below), compression, `guard` (before anything reads a
/// body), then the app.
pub fn wrap<T, B>(
    app: App<T>,
    settings: &HttpSettings,
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
    let body = settings.body;
    let edge_settings = settings.clone();
    let max_bytes = usize::try_from(body.max_bytes).unwrap_or(usize::MAX);
    // The default of actix is lower than our limit; `guard` enforces the limit for all bodies.
    app.app_data(PayloadConfig::new(max_bytes))
        .wrap(from_fn(move |request, next: Next<B>| guard::guard(body, request, next)))
        .wrap(from_fn(compress::mark_uncompressed))
        .wrap(Compress::default())
        .wrap(cors::cors(settings.origins.clone()))
        .wrap(from_fn(move |request, next: Next<_>| edge::edge(edge_settings.clone(), request, next)))
}
