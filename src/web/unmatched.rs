//! Responses for requests without a route: 405 with `Allow` if the path has other methods, otherwise 404.
//!
//! The method attribute of a handler is a guard of its whole resource, so actix treats a wrong method like an unknown
//! path. This default service looks the path up in the API description, which has all routes.

use actix_web::dev::ResourceDef;
use actix_web::http::{Method, header};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use guichet_base::{Error, Result};
use utoipa::openapi::OpenApi;

use super::rate_limit::LimitKey;
use super::{CallerAddress, RateLimits};

/// Every path pattern of the service with its methods.
pub struct RouteTable {
    routes: Vec<(ResourceDef, Vec<Method>)>,
}

impl RouteTable {
    pub fn new(routes: impl IntoIterator<Item = (String, Vec<Method>)>) -> Self {
        let routes = routes.into_iter().map(|(pattern, methods)| (ResourceDef::new(pattern), methods));
        Self { routes: routes.collect() }
    }

    pub fn from_openapi(api: &OpenApi) -> Self {
        Self::new(api.paths.paths.iter().map(|(pattern, item)| {
            let methods = [
                (item.get.is_some(), Method::GET),
                (item.put.is_some(), Method::PUT),
                (item.post.is_some(), Method::POST),
                (item.patch.is_some(), Method::PATCH),
                (item.delete.is_some(), Method::DELETE),
            ];
            let methods = methods.into_iter().filter_map(|(exists, method)| exists.then_some(method));
            (pattern.clone(), methods.collect())
        }))
    }

    /// The methods of `path`, collected from every pattern that matches it, literal routes included, each method listed
    /// once.
    fn methods(&self, path: &str) -> Vec<Method> {
        let mut allowed = Vec::new();
        for (_, methods) in self.routes.iter().filter(|(route, _)| route.is_match(path)) {
            for method in methods {
                if !allowed.contains(method) {
                    allowed.push(method.clone());
                }
            }
        }
        allowed
    }
}

/// The app's default service. `RouteTable` must be in the app's data; without it, every unknown route is a 404.
pub async fn unmatched(request: HttpRequest, table: Option<web::Data<RouteTable>>) -> Result<HttpResponse> {
    let methods = table.map(|table| table.methods(request.path())).unwrap_or_default();
    if methods.is_empty() {
        return Err(Error::not_found("route"));
    }
    Ok(HttpResponse::MethodNotAllowed().insert_header(header::Allow(methods)).finish())
}

/// The same outside `/api`, where no middleware counts requests: it counts against the rate limit of the address.
pub async fn unmatched_outside_api(
    limits: RateLimits,
    request: HttpRequest,
    table: Option<web::Data<RouteTable>>,
) -> Result<HttpResponse> {
    let address = request.extensions().get::<CallerAddress>().map(|address| address.0);
    if let Some(address) = address {
        limits.check_request(&request, LimitKey::Anonymous(address))?;
    }
    unmatched(request, table).await
}
