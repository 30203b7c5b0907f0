//! Files of the pages: the style sheet, the scripts and the icon.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

/// A file.
struct Asset {
    name: &'static str,
    kind: &'static str,
    content: String,
    /// Its address, another one for another content: a browser may keep it for ever.
    address: String,
}

impl Asset {
    fn new(name: &'static str, kind: &'static str, content: String) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        let address = format!("{}{name}?v={:016x}", qalipsis_server::ASSETS, hasher.finish());
        Self { name, kind, content, address }
    }
}

pub(crate) const STYLE: &str = "style.css";
/// Follows a campaign. It must run before [`CHARTS`], which changes the page.
pub(crate) const FOLLOW: &str = "follow.mjs";
pub(crate) const CHARTS: &str = "charts.mjs";
pub(crate) const ICON: &str = "icon.svg";

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    let style = [qalipsis_chart::STYLE, qalipsis_report::html::STYLE, include_str!("asset/style.css")];
    [
        Asset::new(STYLE, "text/css", style.concat()),
        Asset::new(FOLLOW, "text/javascript", include_str!("asset/follow.mjs").to_owned()),
        Asset::new(CHARTS, "text/javascript", qalipsis_chart::SCRIPT.clone()),
        Asset::new(ICON, "image/svg+xml", include_str!("asset/icon.svg").to_owned()),
    ]
});

/// Where a file is.
pub(crate) fn address(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.address.as_str())
}

/// Gives a file.
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers =
        [(header::CONTENT_TYPE, asset.kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, asset.content.as_str()).into_response()
}
