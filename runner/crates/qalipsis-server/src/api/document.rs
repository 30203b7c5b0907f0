//! The description of the API.

use crate::problem::{PROBLEM_JSON, ProblemDetails};
use crate::view::{CampaignDetails, CampaignItem};
use qalipsis_payload::ScenarioRequest;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, ResponseBuilder};
use utoipa::{Modify, OpenApi, openapi};

/// Name of the way to authenticate.
const TOKEN: &str = "token";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "QALIPSIS",
        description = "Campaigns of load over REST: start them, follow them, find them again.",
        version = "1",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemDetails, CampaignItem, CampaignDetails, ScenarioRequest)),
    modifiers(&Token)
)]
pub(super) struct Description;

/// Says that a token is needed, where the head has tokens.
struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.description = Some("One of `server.token`; a head without tokens needs none.".to_owned());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme(TOKEN, SecurityScheme::Http(scheme));
        document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], _>(TOKEN, [])]);
    }
}

/// Adds what the guards of the API answer on any path, to those that may.
pub(super) fn with_refusals(mut document: openapi::OpenApi) -> openapi::OpenApi {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        // An operation that asks for nothing overrides that the API asks for a token.
        let is_open = operation.security.is_some();
        if !is_open {
            refuse(operation, "401", "There is no token, or it is wrong");
        }
        refuse(operation, "403", "The host or the origin may not use the API, or the token may only read");
        refuse(operation, "default", "Any other error");
    }
    document
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, .. } = path;
    [get, put, post, delete].into_iter().flatten()
}

fn refuse(operation: &mut Operation, status: &str, description: &str) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ProblemDetails"))).build();
    let response = ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build();
    operation.responses.responses.insert(status.to_owned(), response.into());
}
