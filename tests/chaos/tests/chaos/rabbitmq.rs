use crate::rig::{Fault, Round, disturb, run};
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties, ExchangeKind};
use qalipsis_rabbitmq::RabbitMq as Client;
use qalipsis_testkit::{Proxy, RabbitMq as Server};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) struct RabbitMq {
    server: Server,
    proxy: Proxy,
    names: AtomicU64,
}

impl RabbitMq {
    pub(crate) async fn start() -> Self {
        let server = tokio::task::block_in_place(|| Server::start_own().unwrap());
        let proxy = Proxy::to(server.address()).unwrap();
        Self { server, proxy, names: AtomicU64::new(0) }
    }

    fn name(&self) -> String {
        format!("chaos-{}", self.names.fetch_add(1, Relaxed))
    }

    async fn admin(&self) -> (Connection, Channel) {
        let connection =
            Connection::connect(&self.server.url(), ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        (connection, channel)
    }

    /// Through the proxy, and beside it.
    async fn clients(&self) -> (Client, Client) {
        let through = format!("amqp://guest:guest@{}?heartbeat=2", self.proxy.address());
        let through = Client::connect(&through).await.unwrap();
        (through, Client::connect(&self.server.url()).await.unwrap())
    }

    async fn declare_queue(&self, name: &str) {
        let (_connection, channel) = self.admin().await;
        let durable = QueueDeclareOptions::durable();
        channel.queue_declare(name.into(), durable, FieldTable::default()).await.unwrap();
    }

    async fn declare_exchange(&self, name: &str) {
        let (_connection, channel) = self.admin().await;
        let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let declared =
            channel.exchange_declare(name.into(), ExchangeKind::Topic, durable, FieldTable::default());
        declared.await.unwrap();
    }

    pub(crate) async fn queue_round(&self, round: Round, fault: Fault) {
        let queue = self.name();
        self.declare_queue(&queue).await;
        let (through, direct) = self.clients().await;
        let source = through.consume(&queue).json::<u64>();
        let produce =
            async |index: u64| direct.publish("", &queue).persistent().mandatory().json(&index).await.is_ok();
        let happen = async || {
            if disturb(&self.proxy, fault).await {
                return;
            }
            match fault {
                Fault::Garbage => drop(direct.publish("", &queue).text("garbage").await.unwrap()),
                Fault::Delete => {
                    let (_connection, channel) = self.admin().await;
                    channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
                    self.declare_queue(&queue).await;
                }
                _ => tokio::task::block_in_place(|| self.server.restart().unwrap()),
            }
        };
        run(round, fault, source, |message| message.value, produce, happen).await;
    }

    pub(crate) async fn exchange_round(&self, round: Round, fault: Fault) {
        let exchange = self.name();
        self.declare_exchange(&exchange).await;
        let (through, direct) = self.clients().await;
        let source = through.consume_exchange(&exchange, "#").json::<u64>();
        let produce =
            async |index: u64| direct.publish(&exchange, "a").persistent().json(&index).await.is_ok();
        let happen = async || {
            if disturb(&self.proxy, fault).await {
                return;
            }
            match fault {
                Fault::Garbage => drop(direct.publish(&exchange, "a").text("garbage").await.unwrap()),
                // For longer than the source waits for it.
                Fault::Delete => {
                    let (_connection, channel) = self.admin().await;
                    channel.exchange_delete(exchange.as_str().into(), Default::default()).await.unwrap();
                }
                _ => tokio::task::block_in_place(|| self.server.restart().unwrap()),
            }
        };
        run(round, fault, source, |message| message.value, produce, happen).await;
    }
}
