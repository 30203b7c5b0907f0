//! The plugin keeps what of the contract shows on the wire.

use axum::Router;
use axum::routing::get;
use futures::future::BoxFuture;
use qalipsis_core::fault::{Fault, IntoFault};
use qalipsis_http::Http;
use qalipsis_testkit::Proxy;
use qalipsis_testkit::plugin::wire::{SECRET, Targets, check_targets};
use std::time::Duration;

struct Plugin {
    proxy: Proxy,
}

fn http(address: &str) -> Http {
    Http::builder(format!("http://alice:{SECRET}@{address}")).timeout(Duration::from_secs(5)).build().unwrap()
}

impl Targets for Plugin {
    type Target = Http;

    fn proxy(&self) -> &Proxy {
        &self.proxy
    }

    async fn open(&self) -> Result<Http, Fault> {
        let http = http(self.proxy.address());
        http.check().await.map_err(IntoFault::into_fault)?;
        Ok(http)
    }

    fn act(&self, http: &Http) -> BoxFuture<'static, Result<(), Fault>> {
        let request = http.get(format!("/?token={SECRET}")).bearer(SECRET);
        Box::pin(async { request.await.map(drop).map_err(IntoFault::into_fault) })
    }

    async fn refusal(&self, address: &str) -> Option<Fault> {
        let http = http(address);
        if let Err(error) = http.check().await {
            return Some(error.into_fault());
        }
        self.act(&http).await.err()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_plugin_complies_on_the_wire() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::to(&listener.local_addr().unwrap().to_string()).unwrap();
    let server = axum::serve(listener, Router::new().route("/", get(|| async { "ok" })));
    tokio::spawn(server.into_future());
    check_targets(&Plugin { proxy }).await.unwrap();
}
