//! One head.

use crate::campaign::{Campaign, CampaignList, Offered};
use crate::connection::Connection;
use crate::error::{ClientError, shown};
use backon::{ExponentialBuilder, Retryable};
use qalipsis_config::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Duration;

/// How long connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// How long a head may be silent within an answer. It shows every 15 s that a silent stream of events is alive.
const SILENCE_LIMIT: Duration = Duration::from_secs(45);

/// A head elsewhere.
#[derive(Debug, Clone)]
pub struct Head {
    address: Url,
    token: Option<Secret>,
    /// The section of the configuration that it comes from.
    keys: &'static str,
    client: Client,
}

impl Head {
    /// The head behind a connection. Nothing is sent yet.
    ///
    /// # Errors
    /// When the trusted certificates cannot be read.
    pub fn new(connection: &Connection) -> Result<Self, ClientError> {
        // Fails when another part of the program has installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(concat!("qalipsis/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            // Following one would turn a request to start a campaign into one that lists them.
            .redirect(Policy::none())
            .read_timeout(SILENCE_LIMIT);
        if let Some(file) = &connection.certificate {
            let refused = |why: String| {
                let place = format!("{}.certificate", connection.keys);
                ClientError::Setup(format!("{place}: {} cannot be used: {why}", file.display()))
            };
            let pem = std::fs::read(file).map_err(|error| refused(error.to_string()))?;
            let certificates =
                Certificate::from_pem_bundle(&pem).map_err(|error| refused(error.to_string()))?;
            if certificates.is_empty() {
                return Err(refused("it has no certificate in PEM".to_owned()));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client =
            builder.build().map_err(|error| ClientError::Setup(format!("no HTTP client: {error}")))?;
        let (address, token) = (connection.head.clone(), connection.token.clone());
        Ok(Self { address, token, keys: connection.keys, client })
    }

    /// Its address.
    pub fn address(&self) -> String {
        shown(&self.address)
    }

    /// The address of a campaign, for people.
    pub fn address_of(&self, key: &str) -> String {
        format!("{}/api/v1/campaigns/{key}", self.address())
    }

    /// Names of the scenarios that can run there.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn scenarios(&self) -> Result<Vec<String>, ClientError> {
        let scenarios: Vec<Offered> = self.read(&["scenarios"], &[]).await?;
        Ok(scenarios.into_iter().map(|one| one.name).collect())
    }

    /// Starts a campaign. This is not tried twice once it was sent: nobody wants two campaigns.
    ///
    /// # Errors
    /// When it cannot be asked, or refuses.
    pub async fn start(&self, payload: &Value) -> Result<Campaign, ClientError> {
        let response = self.send(self.request(Method::POST, &["campaigns"]).json(payload)).await?;
        self.json(response).await
    }

    /// A page of campaigns. `query` has the parameters of the API.
    ///
    /// # Errors
    /// When it cannot be asked, or refuses.
    pub async fn campaigns(&self, query: &[(&str, String)]) -> Result<CampaignList, ClientError> {
        self.read(&["campaigns"], query).await
    }

    /// A campaign, running or ended.
    ///
    /// # Errors
    /// When it cannot be asked, or knows no such campaign.
    pub async fn campaign(&self, key: &str) -> Result<Campaign, ClientError> {
        self.read(&["campaigns", key], &[]).await
    }

    /// A campaign with everything that the head shows of it.
    ///
    /// # Errors
    /// When it cannot be asked, or knows no such campaign.
    pub async fn document(&self, key: &str) -> Result<Value, ClientError> {
        self.read(&["campaigns", key], &[]).await
    }

    /// Stops a campaign; `hard` cancels running iterations.
    ///
    /// # Errors
    /// When it cannot be asked, or the campaign has ended.
    pub async fn abort(&self, key: &str, hard: bool) -> Result<Campaign, ClientError> {
        let request = self.request(Method::POST, &["campaigns", key, "abort"]);
        let response = self.send(request.query(&[("hard", hard)])).await?;
        self.json(response).await
    }

    /// The content of one of the reports of a campaign; tried again for a while.
    pub(crate) async fn report(
        &self,
        key: &str,
        report: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<u8>, ClientError> {
        let attempt = || async {
            let request = self.request(Method::GET, &["campaigns", key, report]).query(query);
            let body = self.send(request).await?.bytes().await;
            body.map(|bytes| bytes.to_vec()).map_err(|error| ClientError::unreachable(&self.address, error))
        };
        attempt.retry(ExponentialBuilder::default()).when(ClientError::is_passing).await
    }

    /// Sends what is known of an ended campaign.
    pub(crate) async fn put(&self, key: &str, campaign: Vec<u8>) -> Result<(), ClientError> {
        let request = self.request(Method::PUT, &["campaigns", key]).header(CONTENT_TYPE, "application/json");
        self.send(request.body(campaign)).await.map(|_| ())
    }

    /// The events of a campaign after the one of this number.
    pub(crate) async fn events(&self, key: &str, last: Option<&str>) -> Result<Response, ClientError> {
        let mut request = self.request(Method::GET, &["campaigns", key, "events"]);
        request = request.header(ACCEPT, "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        self.send(request).await
    }

    async fn read<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let attempt = || async {
            let response = self.send(self.request(Method::GET, path).query(query)).await?;
            self.json(response).await
        };
        attempt.retry(ExponentialBuilder::default()).when(ClientError::is_passing).await
    }

    /// Names are segments of the path, whatever is in them.
    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.address.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        let request = self.client.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token.reveal()),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response =
            request.send().await.map_err(|error| ClientError::unreachable(&self.address, error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Err(ClientError::Setup(format!(
                "the head at {} redirects to {to}: give the address of the head itself",
                self.address()
            )));
        }
        // Without a body there is still the status.
        let body = response.text().await.unwrap_or_default();
        Err(ClientError::refused(status, &body, self.keys))
    }

    async fn json<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        response.json().await.map_err(|error| ClientError::unreachable(&self.address, error))
    }
}
