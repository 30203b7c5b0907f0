//! How the shop connects to Kafka, and what it needs to find there.

use std::time::Duration;

use anyhow::{Context as _, bail};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::RDKafkaErrorCode;

use crate::order::{FULFILLED, PLACED};

/// How long a Kafka may take to answer at the start.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// What every client of the shop has in common.
pub(crate) fn client(bootstrap: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("client.id", "shop")
        // Back at work soon after an outage, instead of after the default of up to 10 s.
        .set("reconnect.backoff.ms", "20")
        .set("reconnect.backoff.max.ms", "200")
        .set("socket.nagle.disable", "true");
    config
}

/// Creates both topics on a real broker; those that exist stay as they are.
pub(crate) async fn create_topics(bootstrap: &str, partitions: i32) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> =
        client(bootstrap).create().with_context(|| format!("cannot use kafka {bootstrap}"))?;
    let topics = [PLACED, FULFILLED].map(|name| NewTopic::new(name, partitions, TopicReplication::Fixed(1)));
    let options =
        AdminOptions::new().request_timeout(Some(CONNECT_WITHIN)).operation_timeout(Some(CONNECT_WITHIN));
    let results = admin.create_topics(&topics, &options).await.with_context(|| {
        format!("cannot reach kafka at {bootstrap} within {} s; check --kafka", CONNECT_WITHIN.as_secs())
    })?;
    for result in results {
        match result {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => bail!("cannot create topic {topic} on kafka {bootstrap}: {code}"),
        }
    }
    Ok(())
}
