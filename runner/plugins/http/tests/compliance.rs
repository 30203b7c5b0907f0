//! The contract of plugins.

mod common;

use common::server::{self, Server};
use qalipsis_core::fault::Fault;
use qalipsis_http::{Http, Request};
use qalipsis_testkit::plugin::compliance::{self, ActionKit, SECRET};

struct Site {
    server: Server,
    http: Http,
}

impl Site {
    async fn new() -> Self {
        let server = server::plain().await;
        let http = Http::new(server.url()).expect("a client");
        Self { server, http }
    }
}

impl ActionKit for Site {
    type Action = Request;

    fn action(&self) -> Request {
        self.http.get("/")
    }

    async fn unreachable(&self, address: String) -> Result<Request, Fault> {
        let away = Http::new(format!("http://{address}")).expect("a client");
        Ok(away.get("/").basic("alice", SECRET))
    }
}

#[tokio::test]
async fn requests_keep_the_contract() {
    let site = Site::new().await;
    compliance::assert_action(&site).await;
    assert!(site.server.connections() > 0, "they were real");
}
