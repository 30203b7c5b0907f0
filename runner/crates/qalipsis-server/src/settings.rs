//! The configuration of the server.

use crate::token::Token;
use qalipsis_config::Settings;
use qalipsis_config::keys::Kind;
use qalipsis_config::problem::Problem;
use qalipsis_config::section::{Section, SectionDefinition, SectionKey, unchecked};
use qalipsis_store::STORE;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

static SERVER: SectionDefinition = SectionDefinition {
    name: "server",
    keys: &[
        SectionKey::new(
            "address",
            Kind::Text,
            "Address and port of the REST API; with port 0 a free one is taken. Others than this machine reach it only \
             with `server.token`. With `--autostart` nothing listens unless a key of `server` is set.",
        )
        .or("127.0.0.1:8400"),
        SectionKey::new(
            "hosts",
            Kind::Text,
            "Names by which clients reach the head, with commas between them. The names and addresses of this machine \
             for itself need not be listed; requests for any other name are refused.",
        ),
        SectionKey::new(
            "origins",
            Kind::Text,
            "Origins of other web pages whose scripts may use the API, with commas between them: \
             `https://grafana.example`.",
        ),
        SectionKey::new("tls.certificate", Kind::Text, "Path of the certificate and its chain, in PEM."),
        SectionKey::new("tls.key", Kind::Text, "Path of the key of the certificate, in PEM."),
        SectionKey::new(
            "token",
            Kind::Text,
            "Tokens that clients send as `Authorization: Bearer`, with commas between them: `SECRET`, which may write, \
             `NAME:read:SECRET` or `NAME:write:SECRET`. A secret has 16 characters or more.",
        )
        .secret(),
    ],
    check: check_server,
};

static HEAD: SectionDefinition = SectionDefinition {
    name: "head",
    keys: &[SectionKey::new(
        "campaigns",
        Kind::PositiveNumber,
        "How many campaigns run side by side; further ones wait for their turn.",
    )
    .or("1")],
    check: unchecked,
};

/// The keys of the server, and of the store that it keeps campaigns in.
pub static SECTIONS: &[&SectionDefinition] = &[&SERVER, &HEAD, &STORE];

/// How the server is configured.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `server.address`.
    pub address: SocketAddr,
    /// `server.hosts`.
    pub hosts: Vec<String>,
    /// `server.origins`.
    pub origins: Vec<String>,
    /// `server.tls.*`.
    pub tls: Option<TlsFiles>,
    /// `server.token`; without any, everybody who reaches the address may do everything.
    pub tokens: Vec<Token>,
    /// `head.campaigns`.
    pub campaigns: usize,
}

/// A certificate and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `server.tls.certificate`.
    pub certificate: PathBuf,
    /// `server.tls.key`.
    pub key: PathBuf,
}

impl ServerSettings {
    /// As configured, when any key of the server is set.
    pub fn if_given(settings: &Settings) -> Option<Self> {
        settings.section(&SERVER).is_given().then(|| Self::of(settings))
    }

    /// As configured. The values were checked when the configuration was read.
    pub fn of(settings: &Settings) -> Self {
        let server = settings.section(&SERVER);
        let head = settings.section(&HEAD);
        let file = |key| server.text(key).map(PathBuf::from);
        let tls = file("tls.certificate").zip(file("tls.key"));
        Self {
            address: address(&server).expect("the address was checked, and so was its default"),
            hosts: list(server.text("hosts")),
            origins: list(server.text("origins")),
            tls: tls.map(|(certificate, key)| TlsFiles { certificate, key }),
            tokens: tokens(&server).unwrap_or_default(),
            campaigns: head.text("campaigns").and_then(|text| text.parse().ok()).unwrap_or(1),
        }
    }
}

fn address(server: &Section<'_>) -> Option<SocketAddr> {
    let text = server.text("address")?;
    text.replace("localhost:", "127.0.0.1:").parse().ok()
}

fn tokens(server: &Section<'_>) -> Result<Vec<Token>, String> {
    server.secret("token").map_or_else(|| Ok(Vec::new()), |tokens| Token::parse(tokens.reveal()))
}

fn list(text: Option<&str>) -> Vec<String> {
    let parts = text.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// Whether this is what browsers send as `Origin`.
fn is_origin(text: &str) -> bool {
    let Ok(uri) = text.parse::<http::Uri>() else { return false };
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    is_web && uri.host().is_some() && !text.ends_with('/') && uri.path() == "/" && uri.query().is_none()
}

fn check_server(server: &Section<'_>) -> Option<Problem> {
    let Some(address) = address(server) else {
        return Some(Problem::new(
            "server.address must be an IP address and a port, for example 127.0.0.1:8400 or [::1]:8400",
        ));
    };
    let is_open = match tokens(server) {
        Ok(tokens) => tokens.is_empty(),
        Err(why) => return Some(Problem::new(format_args!("server.token: {why}"))),
    };
    if is_open && !address.ip().is_loopback() {
        return Some(Problem::new(format_args!(
            "server.token must be set, since others than this machine reach server.address {address}"
        )));
    }
    if let Some(origin) = list(server.text("origins")).iter().find(|origin| !is_origin(origin)) {
        return Some(Problem::new(format_args!(
            "server.origins: '{origin}' is no origin, give scheme, host and port: https://ci.example.org"
        )));
    }
    let is_wrong = |host: &&String| host.contains([':', '/', '*']) && host.parse::<IpAddr>().is_err();
    if let Some(host) = list(server.text("hosts")).iter().find(is_wrong) {
        return Some(Problem::new(format_args!(
            "server.hosts: '{host}' is no name of a host, give it without scheme and port"
        )));
    }
    match (server.text("tls.certificate"), server.text("tls.key")) {
        (Some(_), None) => Some(server.incomplete("tls.key", "tls.certificate")),
        (None, Some(_)) => Some(server.incomplete("tls.certificate", "tls.key")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qalipsis_config::{Sections, Sources};

    fn read(pairs: &[&str]) -> (Settings, Vec<String>) {
        let sources = Sources {
            directory: "/nonexistent".into(),
            pairs: pairs.iter().map(|pair| (*pair).to_owned()).collect(),
            sections: Sections::all(SECTIONS.iter().copied()),
            ..Sources::default()
        };
        let (settings, problems) = sources.read();
        (settings, problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn the_defaults_are_for_this_machine_alone() {
        let (settings, problems) = read(&[]);
        assert_eq!(problems, [""; 0]);
        let server = ServerSettings::of(&settings);
        assert_eq!((server.address.to_string().as_str(), server.campaigns), ("127.0.0.1:8400", 1));
        assert!(server.tokens.is_empty() && server.tls.is_none());
        assert!(ServerSettings::if_given(&settings).is_none());
        let (settings, _) = read(&["server.hosts=head.example.org"]);
        assert_eq!(ServerSettings::if_given(&settings).unwrap().hosts, ["head.example.org"]);
    }

    #[test]
    fn what_is_wrong_is_one_line_without_secrets() {
        for (pairs, expected) in [
            (
                &["server.address=8400"][..],
                "server.address must be an IP address and a port, for example 127.0.0.1:8400 or [::1]:8400",
            ),
            (
                &["server.address=0.0.0.0:80"],
                "server.token must be set, since others than this machine reach server.address 0.0.0.0:80",
            ),
            (
                &["server.token=hunter2"],
                "server.token: the secret of token 1 must have 16 or more characters of ASCII, without spaces",
            ),
            (&["server.tls.key=x"], "server.tls.certificate must be set, since server.tls.key is set"),
        ] {
            assert_eq!(read(pairs).1, [expected]);
        }
        let (settings, problems) =
            read(&["server.address=0.0.0.0:80", "server.token=ci:read:0123456789abcdef"]);
        assert_eq!(problems, [""; 0]);
        assert_eq!(settings.configuration(&[], &[])["server.token"], "***");
        assert_eq!(ServerSettings::of(&settings).tokens.len(), 1);
    }
}
