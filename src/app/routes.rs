//! All routes of the service, and the middleware around them.

use std::sync::Arc;

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, Error, web};
use utoipa_actix_web::AppExt;

use super::{App, afritalk, api, asyncapi, metrics, openapi};
use crate::auth;
use crate::config::AllowedOrigins as Configured;
use crate::web::cors::CorsOrigins;
use crate::web::guard::BodySettings;
use crate::web::unmatched::{RouteTable, unmatched, unmatched_outside_api};
use crate::web::{self as conventions, HttpSettings, docs, health};

/// State that every worker of the server shares.
#[derive(Clone)]
pub struct AppFactory {
    app: App,
    conventions: HttpSettings,
    route_table: web::Data<RouteTable>,
    docs_pages: docs::DocsPages,
}

impl AppFactory {
    pub fn new(app: App) -> anyhow::Result<Self> {
        let description = openapi::describe();
        let table = web::Data::new(RouteTable::from_openapi(&description));
        let texts = docs::DocsPages {
            openapi_yaml: openapi::yaml()?.into(),
            asyncapi_yaml: asyncapi::yaml()?.into(),
            sockets_html: asyncapi::html()?.into(),
        };
        Ok(Self { conventions: http_settings(&app), app, route_table: table, docs_pages: texts })
    }

    /// Builds the application of one worker.
    pub fn build(
        &self,
    ) -> ActixApp<
        impl ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<actix_web::body::BoxBody>,
            Error = Error,
            InitError = (),
        > + use<>,
    > {
        let app = &self.app;
        let (v1, short) = (app.auth.clone(), app.auth.clone());
        let limits = app.auth.limits.clone();
        let site = ActixApp::new()
            .app_data(web::Data::new(app.chat.clone()))
            .app_data(web::Data::new(app.directory.clone()))
            .app_data(web::Data::new(app.notifications.clone()))
            .app_data(web::Data::new(app.deliveries.clone()))
            .app_data(web::Data::new(app.db.clone()))
            .app_data(web::Data::new(app.readiness.clone()))
            .app_data(web::Data::from(Arc::clone(&app.realtime)))
            .app_data(self.route_table.clone())
            // Before the scopes: one socket route is under `/api`, whose middleware would require a header.
            .configure(guichet_realtime::http::routes)
            .into_utoipa_app()
            .service(
                utoipa_actix_web::scope("/api/v1")
                    .wrap(from_fn(move |request, next| auth::authenticate(v1.clone(), request, next)))
                    .configure(api::routes)
                    .default_service(web::to(unmatched)),
            )
            .service(
                utoipa_actix_web::scope("/api")
                    .wrap(from_fn(move |request, next| auth::authenticate(short.clone(), request, next)))
                    .configure(api::routes)
                    .default_service(web::to(unmatched)),
            )
            .into_app()
            .configure(health::routes)
            .configure(metrics::routes)
            .configure(docs::routes(self.docs_pages.clone()))
            .default_service(web::to(move |request, table| {
                unmatched_outside_api(limits.clone(), request, table)
            }));
        conventions::wrap(site, &self.conventions)
    }
}

fn http_settings(app: &App) -> HttpSettings {
    let server = &app.config.server;
    HttpSettings {
        origins: match &server.cors_origins {
            Configured::Any => CorsOrigins::Any,
            Configured::Only(list) if list.is_empty() => CorsOrigins::None,
            Configured::Only(list) => CorsOrigins::List(list.clone()),
        },
        trusted_proxies: server.trusted_proxies.clone().into(),
        body: BodySettings { max_bytes: server.body_limit_bytes as u64, ..BodySettings::default() },
        is_https: false,
        error_naming: Some(afritalk::error_naming),
    }
}
