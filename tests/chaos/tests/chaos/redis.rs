use crate::rig::{Fault, Round, disturb, run};
use qalipsis_redis::Redis as Client;
use qalipsis_testkit::{Proxy, RedisServer};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) struct Redis {
    server: RedisServer,
    proxy: Proxy,
    names: AtomicU64,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        let server = RedisServer::start_with(&["--appendonly", "no"]).unwrap();
        let proxy = Proxy::to(server.address()).unwrap();
        Self { server, proxy, names: AtomicU64::new(0) }
    }

    fn name(&self) -> String {
        format!("chaos-{}", self.names.fetch_add(1, Relaxed))
    }

    async fn clients(&self) -> (Client, Client) {
        let through = Client::connect(format!("redis://{}", self.proxy.address())).await.unwrap();
        (through, Client::connect(self.server.url()).await.unwrap())
    }

    fn delete(&self, key: &str) {
        let mut connection = redis::Client::open(self.server.url()).unwrap().get_connection().unwrap();
        let _: i64 = redis::Cmd::new().arg("DEL").arg(key).query(&mut connection).unwrap();
    }

    /// The server keeps nothing on disk, so that what it had is lost.
    fn restart(&self) {
        tokio::task::block_in_place(|| self.server.restart().unwrap());
    }

    pub(crate) async fn stream_round(&self, round: Round, fault: Fault) {
        let stream = self.name();
        let (through, direct) = self.clients().await;
        let source = through.consume_stream(&stream).json_field::<u64>("n");
        let produce =
            async |index: u64| direct.add_to_stream(&stream, [("n", index.to_string())]).await.is_ok();
        let happen = async || {
            if disturb(&self.proxy, fault).await {
                return;
            }
            match fault {
                Fault::Garbage => drop(direct.add_to_stream(&stream, [("n", "garbage")]).await.unwrap()),
                Fault::Delete => self.delete(&stream),
                _ => self.restart(),
            }
        };
        run(round, fault, source, |record| record.value, produce, happen).await;
    }

    pub(crate) async fn channel_round(&self, round: Round, fault: Fault) {
        let channel = self.name();
        let (through, direct) = self.clients().await;
        let source = through.subscribe(&channel).json::<u64>();
        let produce = async |index: u64| direct.publish(&channel, index.to_string()).await.is_ok();
        let happen = async || {
            if disturb(&self.proxy, fault).await {
                return;
            }
            match fault {
                Fault::Garbage => drop(direct.publish(&channel, "garbage").await.unwrap()),
                // Channels cannot be deleted.
                Fault::Delete => {}
                _ => self.restart(),
            }
        };
        run(round, fault, source, |message| message.value, produce, happen).await;
    }
}
