//! The REST API.

mod campaigns;
mod compare;
mod control;
mod document;
mod follow;
mod general;
mod junit;
mod list;
mod page;
mod publish;
mod request;
mod schedules;
mod timeline;

pub use list::{CampaignList, Listing};

use crate::log::Log;
use crate::problem;
use crate::security::Guard;
use crate::service::CampaignService;
use crate::session::Sessions;
use crate::settings::ServerSettings;
use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use qalipsis_publication::LARGEST_PUBLICATION;
use std::time::Duration;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The largest body that is read, in bytes.
const LARGEST_BODY: usize = 1024 * 1024;

/// How long a client may take for the next part of a body.
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// Where the API is.
pub(crate) const ROOT: &str = "/api/v1";

/// What all handlers share.
#[derive(Debug, Clone)]
pub struct Api {
    /// The campaigns.
    pub service: CampaignService,
    /// Who may use it.
    pub sessions: Sessions,
}

fn routes_v1() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(general::health))
        .routes(routes!(general::scenarios))
        .routes(routes!(general::zones))
        .routes(routes!(general::factories))
        .routes(routes!(general::openapi_document))
        .routes(routes!(campaigns::start, list::list))
        .routes(routes!(campaigns::validate))
        .routes(routes!(schedules::list, schedules::add))
        .routes(routes!(schedules::show, schedules::replace, schedules::remove))
        .routes(routes!(campaigns::show, campaigns::remove))
        .routes(routes!(campaigns::summary))
        .routes(routes!(campaigns::configuration))
        .routes(routes!(campaigns::report))
        .routes(routes!(junit::junit))
        .routes(routes!(follow::events))
        .routes(routes!(timeline::timeline))
        .routes(routes!(compare::compare_campaigns))
        .routes(routes!(campaigns::abort))
        .routes(routes!(campaigns::replay))
        .routes(routes!(control::mark, control::markers))
        .routes(routes!(control::pause))
        .routes(routes!(control::resume))
}

/// All of them, with the largest body that each reads.
fn limited_v1() -> OpenApiRouter<Api> {
    let published = OpenApiRouter::new().routes(routes!(publish::publish));
    let published = published.layer(RequestBodyLimitLayer::new(LARGEST_PUBLICATION));
    routes_v1().layer(RequestBodyLimitLayer::new(LARGEST_BODY)).merge(published)
}

/// The paths of the JVM product.
fn routes_jvm() -> Router<Api> {
    use axum::routing::{get, post};
    Router::new()
        .route("/api/campaigns", post(campaigns::start).get(list::list))
        .route("/api/campaigns/{key}", get(campaigns::show))
}

fn described() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(document::Description::openapi()).nest(ROOT, limited_v1())
}

/// What describes the API.
pub fn openapi() -> utoipa::openapi::OpenApi {
    document::with_refusals(described().split_for_parts().1)
}

/// The API, and further routes beside it, for those who may use it.
pub fn router(api: Api, beside: Router<Api>, settings: &ServerSettings, log: Log) -> Router {
    let (router, _) = described().split_for_parts();
    let guard = Guard::new(settings, api.sessions.clone(), log);
    let door = guard.clone();
    let admitted = middleware::from_fn(move |request: Request, next: Next| door.clone().admit(request, next));
    let authenticated =
        middleware::from_fn(move |request: Request, next: Next| guard.clone().authenticate(request, next));
    let router = router
        .merge(routes_jvm().merge(beside).layer(RequestBodyLimitLayer::new(LARGEST_BODY)))
        .method_not_allowed_fallback(|| async { StatusCode::METHOD_NOT_ALLOWED })
        .layer(RequestBodyTimeoutLayer::new(BODY_LIMIT))
        .layer(authenticated);
    // Around the question who asks: a browser asks for permission without a token, and its page reads why it has none.
    let router = match cors(&settings.origins) {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router
        .layer(admitted)
        .layer(middleware::map_response(problem::unify))
        .layer(middleware::map_response(as_it_is_called))
        .with_state(api)
}

/// Nothing is run that is not called a script: what campaigns and their names hold is text.
async fn as_it_is_called(mut response: Response) -> Response {
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What scripts of other pages may do, when any may.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let layer = CorsLayer::new()
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            HeaderName::from_static("last-event-id"),
        ]);
    (!origins.is_empty()).then(|| layer.allow_origin(origins))
}
