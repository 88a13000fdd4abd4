//! `/docs`: the API description as an offline page, with `/openapi.yaml`; `/docs/sockets` and `/asyncapi.yaml` for
//! sockets.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use utoipa_swagger_ui::Config;

use guichet_base::{Error, Result};

/// Allows scripts of this server only, and inline styles, which Swagger UI needs.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'";

/// The generated API descriptions.
#[derive(Clone)]
pub struct DocsPages {
    pub openapi_yaml: Arc<str>,
    pub asyncapi_yaml: Arc<str>,
    /// The description of the sockets as an HTML page without scripts.
    pub sockets_html: Arc<str>,
}

#[derive(Clone)]
struct DocsState {
    swagger_config: Arc<Config<'static>>,
    pages: DocsPages,
}

/// The routes of the descriptions, outside `/api`.
pub fn routes(pages: DocsPages) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        let docs = DocsState { swagger_config: Arc::new(Config::from("/openapi.yaml")), pages };
        config
            .app_data(web::Data::new(docs))
            .service(web::resource("/openapi.yaml").route(web::get().to(openapi)))
            .service(web::resource("/asyncapi.yaml").route(web::get().to(asyncapi)))
            .service(web::redirect("/docs", "/docs/"))
            .service(web::resource("/docs/sockets").route(web::get().to(sockets)))
            .service(web::resource("/docs/{file:.*}").route(web::get().to(swagger_file)));
    }
}

async fn openapi(docs: web::Data<DocsState>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/yaml").body(docs.pages.openapi_yaml.to_string())
}

async fn asyncapi(docs: web::Data<DocsState>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/yaml").body(docs.pages.asyncapi_yaml.to_string())
}

async fn sockets(docs: web::Data<DocsState>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type("text/html; charset=utf-8")
        .body(docs.pages.sockets_html.to_string())
}

async fn swagger_file(docs: web::Data<DocsState>, file: web::Path<String>) -> Result<HttpResponse> {
    let result = utoipa_swagger_ui::serve(&file, Arc::clone(&docs.swagger_config));
    let file = result
        .map_err(|cause| Error::internal(cause.to_string()))?
        .ok_or_else(|| Error::not_found("page of the docs"))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .content_type(file.content_type)
        .body(file.bytes.into_owned()))
}
