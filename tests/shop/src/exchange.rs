//! Fulfilled events on a topic exchange of RabbitMQ.

use anyhow::anyhow;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, LongString, ShortString};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use uuid::Uuid;

use crate::order::{FULFILLED, TRACEPARENT};
use crate::sink::{Failure, Job, Target};

/// Name of the exchange; durable, of type topic.
const EXCHANGE: &str = "orders";
/// Delivery mode of a message that survives a restart of the broker.
const PERSISTENT: u8 = 2;
/// Messages that wait for their confirms together at most.
const BATCH_MAX: usize = 256;

/// A RabbitMQ whose exchange `orders` gets the events.
pub(crate) struct Exchange {
    uri: AMQPUri,
    address: String,
}

/// A fulfilled event.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) id: Uuid,
    pub(crate) product: String,
    /// The event as JSON, as on Kafka.
    pub(crate) body: Vec<u8>,
    pub(crate) traceparent: Option<Vec<u8>>,
}

/// A channel, and the connection that it needs.
pub(crate) struct Link {
    channel: Channel,
    _connection: Connection,
}

impl Exchange {
    pub(crate) fn new(url: &str) -> anyhow::Result<Self> {
        // Not the parser's own words, which may quote the URL and with it the password.
        let invalid =
            || anyhow!("cannot use --rabbitmq: expected a URL such as amqp://user:password@host:5672/%2f");
        let uri: AMQPUri = url.parse().map_err(|_| invalid())?;
        if uri.scheme != AMQPScheme::AMQP {
            return Err(invalid());
        }
        let address = format!("{}:{}", uri.authority.host, uri.authority.port);
        Ok(Self { uri, address })
    }
}

impl Target for Exchange {
    type Item = Message;
    type Connection = Link;

    const NAME: &'static str = "rabbitmq";

    fn address(&self) -> &str {
        &self.address
    }

    fn batch_max(&self) -> usize {
        BATCH_MAX
    }

    async fn connect(&self) -> anyhow::Result<Link> {
        let properties = ConnectionProperties::default().with_connection_name("shop".into());
        let connection = Connection::connect_uri(self.uri.clone(), properties).await?;
        let channel = connection.create_channel().await?;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        channel
            .exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, durable, FieldTable::default())
            .await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Link { channel, _connection: connection })
    }

    async fn write(&self, link: &mut Link, jobs: &mut [Job<Message>]) -> Result<(), Failure> {
        // Before anything is sent, because a refused batch is tried again one by one.
        let keys = jobs.iter().map(|job| ShortString::try_new(format!("{FULFILLED}.{}", job.item.product)));
        let keys: Vec<ShortString> =
            keys.collect::<Result<_, _>>().map_err(|error| Failure::Unwritable(error.into()))?;
        let mut confirms = Vec::with_capacity(jobs.len());
        let mut failure = None;
        for (Job { item: message, .. }, key) in jobs.iter().zip(keys) {
            let options = BasicPublishOptions::default();
            let sent = link.channel.basic_publish(
                EXCHANGE.into(),
                key,
                options,
                &message.body,
                message.properties(),
            );
            match sent.await {
                Ok(confirm) => confirms.push(confirm),
                Err(error) => {
                    failure = Some(error.into());
                    break;
                }
            }
        }
        for (job, confirm) in jobs.iter_mut().zip(confirms) {
            match confirm.await {
                Ok(confirmation) if confirmation.is_ack() => job.written = true,
                Ok(_) => failure = Some(anyhow!("the broker did not take a message")),
                Err(error) => failure = Some(error.into()),
            }
        }
        failure.map_or(Ok(()), |error| Err(Failure::Lost(error)))
    }
}

impl Message {
    fn properties(&self) -> BasicProperties {
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_delivery_mode(PERSISTENT)
            .with_message_id(self.id.to_string().into());
        let Some(traceparent) = &self.traceparent else { return properties };
        let mut headers = FieldTable::default();
        headers.insert(TRACEPARENT.into(), AMQPValue::LongString(LongString::from(traceparent.clone())));
        properties.with_headers(headers)
    }
}
