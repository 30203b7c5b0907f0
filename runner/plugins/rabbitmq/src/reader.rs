//! The thread that reads.
//!
//! One thread per source, with a runtime and a connection of its own: decoding then keeps no other source
//! waiting, and a broker that throttles publishers does not throttle what is read. The arrival of a message
//! is noted on lapin's own thread, as soon as its last byte is there.

use crate::consume::{Consume, Origin};
use crate::evidence::Read;
use crate::handed::Handed;
use crate::link::Link;
use crate::message::{BorrowedMessage, Message};
use crate::publish::PERSISTENT;
use crate::text::{cause, quote};
use futures::future::{self, Ready};
use lapin::Channel;
use lapin::message::{Delivery, DeliveryResult};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use qalipsis_core::execution::Exchanged as _;
use qalipsis_core::fault::Fault;
use qalipsis_core::model::duration::human;
use qalipsis_core::source::{Feed, Recovery, SourceContext};
use qalipsis_plugin::reader::{self, Ending};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

/// How long a queue and its consumer may take to be there at warm-up.
const WARM_UP: Duration = Duration::from_secs(10);

/// Between two attempts to connect again, and the limit of each.
const PAUSE: Duration = Duration::from_millis(200);
const ATTEMPT: Duration = Duration::from_secs(5);

/// How long the broker must have been away at the end for the source to have failed.
const OUTAGE: Duration = Duration::from_secs(1);

/// How long a broker that is back may refuse what it had before: others may have to declare it again.
const REFUSED: Duration = Duration::from_secs(3);

/// How often the broker is asked for what it has left.
const LAG: Duration = Duration::from_secs(1);

/// Messages are acknowledged together when that many were handed over, that much time has passed or no
/// other is there; and never more than a quarter of those that may be on their way.
const BATCH: u16 = 64;
const BATCH_TIME: Duration = Duration::from_millis(5);

/// Whether the broker refused for a reason that stays: the queue or exchange is gone, the user has lost a right.
fn is_refusal(fault: &Fault) -> bool {
    matches!(
        &*fault.code,
        "not-found" | "access-refused" | "not-allowed" | "precondition-failed" | "login" | "vhost"
    )
}

/// Whether the broker is being stopped or is not there: it loses messages that are not persistent then.
fn is_restart(fault: &Fault) -> bool {
    match &*fault.code {
        // Who closes this connection only gives another reason.
        "connection-forced" => fault.message.contains("shutdown"),
        _ => fault.message.ends_with(": connection refused"),
    }
}

/// Longest name that is given to a queue; AMQP allows 255 bytes.
const NAME: usize = 200;

pub(crate) async fn run<T: Send + 'static>(source: Consume<T>, feed: Feed<Message<T>>) -> Result<(), Fault> {
    reader::run_async("rabbitmq-reader", feed, |feed, ending| async move {
        Reading::new(source, &feed).run(&ending).await
    })
    .await
}

/// What lapin's thread sends to the one that reads.
enum Event {
    Arrived(Box<Delivery>, Instant),
    /// The queue or the channel is gone.
    Cancelled(Fault),
}

/// A consumer that is there.
struct Consumer {
    link: Link,
    channel: Channel,
    queue: Arc<str>,
    events: mpsc::UnboundedReceiver<Event>,
    /// Dropping it cancels it.
    _consuming: lapin::Consumer,
}

struct Reading<'a, T> {
    source: Consume<T>,
    feed: &'a Feed<Message<T>>,
    handed: Handed,
    /// When the broker was heard last.
    heard: Instant,
    /// Whether a message came that a broker loses when it is started again.
    transient: bool,
}

impl<'a, T: Send + 'static> Reading<'a, T> {
    fn new(source: Consume<T>, feed: &'a Feed<Message<T>>) -> Self {
        Self { source, feed, handed: Handed::default(), heard: Instant::now(), transient: false }
    }

    /// Reads until it has to end.
    async fn run(mut self, ending: &Ending) -> Result<(), Fault> {
        let feed = self.feed;
        let stop = ending.wait();
        tokio::pin!(stop);

        let warm_up = self.open(Instant::now() + WARM_UP);
        let mut consumer = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            opened = timeout(WARM_UP, warm_up) => match opened {
                Ok(opened) => opened?,
                Err(_) => return Err(self.failed(&format!("no answer within {}", human(WARM_UP))).code("connect")),
            },
        };
        self.heard = Instant::now();
        self.feed.ready();

        loop {
            let lost = tokio::select! {
                biased;
                () = &mut stop => None,
                lost = self.read(&mut consumer) => Some(lost),
            };
            let Some(mut why) = lost else {
                consumer.link.close().await;
                return Ok(());
            };
            // What came since then may have been sent to a connection that was dead already.
            feed.interrupted_since(self.heard, self.clause(&why));
            let since = Instant::now();
            // A farewell first; but if the broker does not hear it, it must notice, and deliver again.
            consumer.link.close().await;
            let mut recovery = match self.source.origin {
                Origin::Queue(_) => {
                    self.handed.lost();
                    Recovery::Complete
                }
                // Its queue is gone with the connection, and what was in it.
                Origin::Exchange { .. } => Recovery::Lossy,
            };
            tracing::warn!(source = %self.source.origin, "reading was interrupted: {why}");
            if self.may_have_lost(&why) {
                recovery = Recovery::Lossy;
            }
            let mut refused_since = None;
            consumer = loop {
                let attempt = async {
                    sleep(PAUSE).await;
                    timeout(ATTEMPT, self.open(Instant::now() + ATTEMPT)).await
                };
                tokio::select! {
                    biased;
                    () = &mut stop => return self.ended_without(since, &why),
                    opened = attempt => match opened {
                        Ok(Ok(opened)) => break opened,
                        Ok(Err(fault)) => why = fault,
                        Err(_) => why = self.failed(&format!("no answer within {}", human(ATTEMPT))),
                    },
                }
                if self.may_have_lost(&why) {
                    recovery = Recovery::Lossy;
                }
                if is_refusal(&why) {
                    if refused_since.get_or_insert_with(Instant::now).elapsed() >= REFUSED {
                        return Err(why);
                    }
                } else {
                    refused_since = None;
                }
            };
            self.heard = Instant::now();
            feed.resumed(recovery);
        }
    }

    /// Why reading was interrupted, without what the name of the source says already.
    fn clause(&self, why: &Fault) -> String {
        let place = format!("{} at {}: ", self.source.origin, self.source.target);
        why.message.strip_prefix(&place).unwrap_or(&why.message).to_owned()
    }

    /// How a source ends that has no connection.
    fn ended_without(&self, since: Instant, why: &Fault) -> Result<(), Fault> {
        let outage = since.elapsed();
        if outage < OUTAGE {
            return Ok(());
        }
        let fault =
            Fault::error(format!("nothing was read for the last {} of the campaign: {why}", human(outage)));
        Err(fault.code("unreachable"))
    }

    /// `rabbitmq queue orders at 127.0.0.1:5672: problem`.
    fn failed(&self, problem: &str) -> Fault {
        Fault::error(format!("{} at {}: {problem}", self.source.origin, self.source.target))
    }

    fn refused(&self, error: &lapin::Error) -> Fault {
        let (text, code) = cause(error);
        self.failed(&text).code(code)
    }

    /// Connects and consumes: on return, whatever is routed to the queue from now on will come.
    async fn open(&self, deadline: Instant) -> Result<Consumer, Fault> {
        let refused = |error: lapin::Error| self.refused(&error);
        let link = Link::open(&self.source.target, &Handle::current(), "source", deadline).await;
        let link = link.map_err(|refusal| {
            let fault = self.failed(&refusal.fault.message);
            fault.code(refusal.fault.code.clone())
        })?;
        let channel = link.channel().await.map_err(refused)?;
        channel.basic_qos(self.source.prefetch, BasicQosOptions::default()).await.map_err(refused)?;
        let queue = match &self.source.origin {
            Origin::Queue(name) => self.short("queue", name)?,
            Origin::Exchange { exchange, routing_key } => {
                let own = QueueDeclareOptions::exclusive().auto_delete();
                let name = self.short("queue", &own_queue(self.feed.context()))?;
                let queue = channel.queue_declare(name, own, FieldTable::default()).await.map_err(refused)?;
                let (exchange, key) =
                    (self.short("exchange", exchange)?, self.short("routing key", routing_key)?);
                let bind = QueueBindOptions::default();
                let bound =
                    channel.queue_bind(queue.name().clone(), exchange, key, bind, FieldTable::default());
                bound.await.map_err(refused)?;
                queue.name().clone()
            }
        };
        let consuming = channel.basic_consume(
            queue.clone(),
            ShortString::default(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let consumer = consuming.await.map_err(refused)?;
        let (sender, events) = mpsc::unbounded_channel();
        let gone = self.failed("the queue was deleted, or the broker took it from its consumers");
        let gone = gone.code("cancelled");
        let place = format!("{} at {}", self.source.origin, self.source.target);
        consumer.set_delegate(move |delivery: DeliveryResult| -> Ready<()> {
            let event = match delivery {
                Ok(Some(delivery)) => Event::Arrived(Box::new(delivery), Instant::now()),
                Ok(None) => Event::Cancelled(gone.clone()),
                Err(error) => {
                    let (text, code) = cause(&error);
                    Event::Cancelled(Fault::error(format!("{place}: {text}")).code(code))
                }
            };
            // Bounded by the prefetch. It fails if nobody reads any more.
            let _ = sender.send(event);
            future::ready(())
        });
        Ok(Consumer { link, channel, queue: queue.as_str().into(), events, _consuming: consumer })
    }

    fn short(&self, what: &str, name: &str) -> Result<ShortString, Fault> {
        ShortString::try_new(name).map_err(|_| {
            let text = format!("the name of the {what} has {} bytes, AMQP allows 255", name.len());
            self.failed(&text).code("too-long")
        })
    }

    /// Reads until the consumer is lost; gives the reason.
    async fn read(&mut self, consumer: &mut Consumer) -> Fault {
        let mut lag = interval_at(Instant::now() + LAG, LAG);
        lag.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = lag.tick() => {
                    if let Err(fault) = self.report_lag(consumer).await {
                        return fault;
                    }
                }
                event = consumer.events.recv() => match event {
                    Some(Event::Arrived(delivery, received)) => {
                        self.heard = received;
                        if let Err(fault) = self.batch(consumer, delivery, received).await {
                            return fault;
                        }
                    }
                    Some(Event::Cancelled(why)) => return why,
                    None => return self.failed("the connection was lost").code("connection-lost"),
                },
            }
        }
    }

    /// Hands over what is there, and acknowledges it then: messages that wait to be handed over count
    /// against the prefetch, so that the broker sends no more than this source can take.
    async fn batch(
        &mut self,
        consumer: &mut Consumer,
        delivery: Box<Delivery>,
        received: Instant,
    ) -> Result<(), Fault> {
        let began = Instant::now();
        let most = (self.source.prefetch / 4).clamp(1, BATCH);
        let mut last = delivery.delivery_tag;
        self.hand_over(&consumer.queue, &delivery, received);
        let mut count = 1;
        let mut cancelled = None;
        while count < most && began.elapsed() < BATCH_TIME {
            match consumer.events.try_recv() {
                Ok(Event::Arrived(delivery, received)) => {
                    last = delivery.delivery_tag;
                    self.hand_over(&consumer.queue, &delivery, received);
                    count += 1;
                }
                Ok(Event::Cancelled(why)) => {
                    cancelled = Some(why);
                    break;
                }
                Err(_) => break,
            }
        }
        let acknowledged = consumer.channel.basic_ack(last, BasicAckOptions { multiple: true }).await;
        match cancelled {
            Some(why) => Err(why),
            None => acknowledged.map_err(|error| self.refused(&error)),
        }
    }

    fn hand_over(&mut self, queue: &Arc<str>, delivery: &Delivery, received: Instant) {
        if self.handed.comes_again(delivery) {
            return;
        }
        // The queue of an exchange is gone with its connection, and nothing comes again.
        if matches!(self.source.origin, Origin::Queue(_)) {
            self.handed.add(delivery);
        }
        self.transient |= *delivery.properties.delivery_mode() != Some(PERSISTENT);
        let message = BorrowedMessage::new(delivery, queue);
        self.feed.bytes(delivery.data.len() as u64);
        match (self.source.decode)(&message) {
            Ok(value) => self.feed.record(message.decoded(value, received), received),
            Err(problem) => {
                let body = quote(&delivery.data);
                let fault = Fault::undecodable(format!("{}: {problem}, body {body}", message.coordinates()));
                let shown = Read::new(&message.decoded((), received)).details();
                self.feed.undecodable(fault.exchange(shown));
            }
        }
    }

    /// Reports the lag, for which it asks the broker what is left in the queue. The answer also proves that the
    /// broker has read all acknowledgements before, because both go by the same channel.
    async fn report_lag(&mut self, consumer: &Consumer) -> Result<(), Fault> {
        let name = self.short("queue", &consumer.queue)?;
        let asked = Instant::now();
        if let Origin::Exchange { exchange, routing_key } = &self.source.origin {
            // An exchange that is deleted takes its bindings along, and no consumer hears of it. Binding again
            // changes nothing while the exchange is there, and is refused when it is not.
            let (exchange, key) =
                (self.short("exchange", exchange)?, self.short("routing key", routing_key)?);
            let bind = QueueBindOptions::default();
            let bound = consumer.channel.queue_bind(name.clone(), exchange, key, bind, FieldTable::default());
            match timeout(ATTEMPT, bound).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(self.refused(&error)),
                Err(_) => return Err(self.silent()),
            }
        }
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let asking = consumer.channel.queue_declare(name, passive, FieldTable::default());
        match timeout(ATTEMPT, asking).await {
            Ok(Ok(queue)) => {
                self.handed.settled();
                self.heard = Instant::now();
                self.feed.answered("the broker", asked, self.heard, Duration::ZERO);
                self.feed.lag(u64::from(queue.message_count()) + consumer.events.len() as u64);
                Ok(())
            }
            Ok(Err(error)) => Err(self.refused(&error)),
            Err(_) => Err(self.silent()),
        }
    }

    /// Whether the broker may have lost messages with what broke the reading: whatever made it take the queue away may
    /// have taken messages along, and a restart loses those that are not persistent.
    fn may_have_lost(&self, why: &Fault) -> bool {
        why.code == "cancelled" || is_refusal(why) || self.transient && is_restart(why)
    }

    fn silent(&self) -> Fault {
        self.failed(&format!("the broker has not answered for {}", human(ATTEMPT))).code("unreachable")
    }
}

/// A queue that no other source has. A name that would be too long is left to the broker.
fn own_queue(context: &SourceContext) -> String {
    let name = context.unique_name();
    if name.len() > NAME { String::new() } else { name }
}
