//! A source ends within 1 s of being stopped, whatever it is doing.

use crate::opened::open;
use crate::{Admin, connect, server};
use qalipsis_rabbitmq::RabbitMq;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use tokio::time::sleep;

/// Passes bytes on to the shared server, or swallows them while `swallowing` is set.
struct Relay {
    url: String,
    swallowing: Arc<AtomicBool>,
}

impl Relay {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("amqp://guest:guest@{}", listener.local_addr().unwrap());
        let swallowing = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&swallowing);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(server().address())) else {
                    return;
                };
                pass(client.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(&shared));
                pass(server, client, Arc::clone(&shared));
            }
        });
        Self { url, swallowing }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, swallowing: Arc<AtomicBool>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if !swallowing.load(Relaxed) && to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(std::net::Shutdown::Both);
    });
}

#[tokio::test]
async fn while_it_connects_to_a_server_that_says_nothing() {
    let relay = Relay::start();
    let rabbit = RabbitMq::connect(&relay.url).await.unwrap();
    relay.swallowing.store(true, Relaxed);
    let reader = open(rabbit.consume("orders")).await;
    sleep(Duration::from_millis(300)).await;
    reader.stop().await.1.expect("it was not ready, so it failed nobody");
}

#[tokio::test]
async fn while_it_waits_for_messages() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let reader = open(rabbit.consume(&queue)).await.ready().await;
    assert_eq!(admin.figures(&queue).await.1, 1);
    reader.stop().await.1.unwrap();
    assert_eq!(admin.figures(&queue).await.1, 0);
}

#[tokio::test]
async fn while_messages_flow_without_end() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    for _ in 0..10 {
        let messages = (0..500).map(|_| rabbit.publish("", &queue).text("x").into_future());
        futures::future::try_join_all(messages).await.unwrap();
    }
    let slow = rabbit.consume(&queue).decode(|_| {
        std::thread::sleep(Duration::from_millis(2));
        Ok::<_, String>(())
    });
    let mut reader = open(slow).await.ready().await;
    reader.next().await;
    let (left, ended) = reader.stop().await;
    ended.unwrap();
    assert!(left.len() < 4_000, "it read on to the end");
}

#[tokio::test]
async fn while_the_server_has_fallen_silent() {
    let admin = Admin::new(server()).await;
    let (relay, queue) = (Relay::start(), admin.queue().await);
    let rabbit = RabbitMq::connect(&relay.url).await.unwrap();
    let reader = open(rabbit.consume(&queue)).await.ready().await;
    relay.swallowing.store(true, Relaxed);
    // It asks for its lag each second, and gets no answer.
    sleep(Duration::from_millis(1500)).await;
    let _ = reader.stop().await;
}

#[tokio::test]
async fn a_server_that_has_fallen_silent_is_noticed() {
    let admin = Admin::new(server()).await;
    let (relay, queue) = (Relay::start(), admin.queue().await);
    let rabbit = RabbitMq::connect(&relay.url).await.unwrap();
    let mut reader = open(rabbit.consume(&queue).string()).await.ready().await;
    relay.swallowing.store(true, Relaxed);
    connect().await.publish("", &queue).text("meanwhile").await.unwrap();
    sleep(Duration::from_millis(1500)).await;
    relay.swallowing.store(false, Relaxed);
    assert_eq!(reader.next().await.value, "meanwhile");
    reader.end().await;
}

#[tokio::test]
async fn when_it_is_dropped() {
    let admin = Admin::new(server()).await;
    let (rabbit, queue) = (connect().await, admin.queue().await);
    let reader = open(rabbit.consume(&queue)).await.ready().await;
    assert_eq!(reader.abort().await, 0);
    let reader = open(rabbit.consume(&queue)).await;
    assert_eq!(reader.abort().await, 0);
}
