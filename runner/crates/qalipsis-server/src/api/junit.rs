//! The JUnit files of a campaign.

use super::Api;
use super::campaigns::{rendered, shown};
use super::request::Parameters;
use crate::outcome::Shown;
use crate::problem::{Failure, ProblemDetails};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use qalipsis_model::suggest::hint;
use serde::Deserialize;
use std::io::{Cursor, Write};
use utoipa::IntoParams;
use zip::write::SimpleFileOptions;
use zip::{ZipWriter, result::ZipResult};

/// Which of the files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Suite {
    /// Name of a scenario: only its suite, as XML. Without it all of them, in a ZIP archive.
    suite: Option<String>,
}

/// Gives the JUnit files of a campaign; while it runs, of what is known so far.
#[utoipa::path(
    get,
    path = "/campaigns/{key}/junit",
    tag = "campaigns",
    params(("key" = String, Path, description = "The campaign's key"), Suite),
    responses(
        (status = 200, description = "A ZIP archive, or one file", content(
            (Vec<u8> = "application/zip"),
            (String = "application/xml"),
        )),
        (status = 404, body = ProblemDetails, content_type = "application/problem+json"),
        (status = 409, description = "There is none", body = ProblemDetails, content_type = "application/problem+json"),
    )
)]
pub(super) async fn junit(
    State(api): State<Api>,
    Path(key): Path<String>,
    Parameters(Suite { suite }): Parameters<Suite>,
) -> Result<Response, Failure> {
    let files = rendered(shown(&api, &key).await?, Shown::junit).await?;
    if let Some(suite) = suite {
        let file = files.iter().find(|(name, _)| name_of(name) == suite || *name == suite);
        let (_, xml) = file.ok_or_else(|| {
            let names = files.iter().map(|(name, _)| name_of(name));
            Failure::not_found(format!("there is no suite '{suite}', {}", hint(&suite, names)))
        })?;
        return Ok(([(header::CONTENT_TYPE, "application/xml")], xml.clone()).into_response());
    }
    let archive = archive(&files).map_err(|error| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("the archive could not be made: {error}"))
    })?;
    Ok(([(header::CONTENT_TYPE, "application/zip")], archive).into_response())
}

/// `TEST-checkout.xml` is the suite `checkout`.
fn name_of(file: &str) -> &str {
    let name = file.strip_prefix("TEST-").unwrap_or(file);
    name.strip_suffix(".xml").unwrap_or(name)
}

fn archive(files: &[(String, String)]) -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(content.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
