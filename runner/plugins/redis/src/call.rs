//! One command and its answer: the action of a step.

use crate::client::Redis;
use crate::evidence::HIDDEN;
use crate::text::{code, quote, show};
use futures::future::BoxFuture;
use qalipsis_core::execution::{self, Exchanged};
use qalipsis_core::fault::Fault;
use redis::{Cmd, Pipeline, Value};
use std::fmt;
use std::sync::Arc;

/// Turns an answer into a value, or says why it can't.
pub(crate) type Decode<T> = Box<dyn FnOnce(&Value) -> Result<T, String> + Send + Sync>;

/// A command to be sent: the action of a step. Awaiting it sends it and gives its answer.
///
/// It fails when the server can't be reached, refuses it, or does not answer within 10 s. A command that
/// was under way when the connection was lost is not sent again, because it may have had its effect.
#[must_use = "a command is sent when it is awaited: `minion.step(Order::Check, redis.get(key))`"]
pub struct Call<T> {
    pub(crate) redis: Redis,
    pub(crate) command: Command,
    pub(crate) decode: Decode<T>,
}

/// What is sent, and how it shows.
pub(crate) struct Command {
    pub(crate) body: Body,
    /// The key that it is about, if any.
    pub(crate) key: Option<String>,
    /// The command without its values: `SET order:1`.
    pub(crate) shown: String,
    /// The values, for evidence.
    pub(crate) input: String,
    /// Whether its answer is a secret, as that of a field of such a name.
    pub(crate) answers_secret: bool,
}

pub(crate) enum Body {
    One(Cmd),
    Transaction(Pipeline),
}

impl Command {
    /// A command about a key.
    pub(crate) fn about(name: &str, key: impl Into<String>) -> Self {
        let key = key.into();
        let mut command = Cmd::new();
        // Two words for a command with a subcommand.
        for word in name.split(' ') {
            command.arg(word);
        }
        command.arg(&key);
        Self {
            body: Body::One(command),
            shown: format!("{name} {}", quote(key.as_bytes())),
            key: Some(key),
            input: String::new(),
            answers_secret: false,
        }
    }

    /// One more argument. Only for commands that are not a transaction.
    pub(crate) fn arg(mut self, argument: impl redis::ToRedisArgs) -> Self {
        if let Body::One(command) = &mut self.body {
            command.arg(argument);
        }
        self
    }

    /// Sends it, and remembers the exchange for evidence.
    pub(crate) async fn send(self, redis: &Redis) -> Result<Arc<Exchange>, Fault> {
        let input = |command: &Self| match command.input.as_str() {
            "" => command.shown.clone(),
            input => format!("{} {input}", command.shown),
        };
        let (mut connection, slot) = redis.0.connection().await.map_err(|fault| fault.input(input(&self)))?;
        let answer = match &self.body {
            Body::One(command) => connection.query(command).await,
            Body::Transaction(commands) => connection.transact(commands).await,
        };
        match answer {
            Ok(answer) => {
                let exchange = Arc::new(Exchange { command: self, answer });
                execution::remember(Arc::<Exchange>::clone(&exchange));
                Ok(exchange)
            }
            Err(error) => {
                slot.note(&error);
                let mut fault = redis.0.server.failed(&self.shown, &error).input(input(&self));
                if code(&error) == "wrongtype"
                    && let Some(key) = &self.key
                    && let Some(found) = connection.type_of(key).await
                {
                    fault.message.push_str(&format!(", the key holds a {found}"));
                }
                Err(fault)
            }
        }
    }
}

/// A command and its answer, formatted only if somebody has to see it.
pub(crate) struct Exchange {
    command: Command,
    pub(crate) answer: Value,
}

impl Exchange {
    /// The answer as it may be shown.
    fn shown(&self) -> String {
        if self.command.answers_secret && self.answer != Value::Nil {
            HIDDEN.to_owned()
        } else {
            show(&self.answer)
        }
    }
}

impl Exchanged for Exchange {
    fn summary(&self) -> String {
        format!("redis {} → {}", self.command.shown, self.shown().lines().next().unwrap_or_default())
    }

    fn details(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis {}", self.command.shown)?;
        if !self.command.input.is_empty() {
            write!(f, " {}", self.command.input)?;
        }
        write!(f, "\n\n{}", self.shown())
    }
}

impl<T> Call<T> {
    pub(crate) fn new(
        redis: &Redis,
        command: Command,
        decode: impl FnOnce(&Value) -> Result<T, String> + Send + Sync + 'static,
    ) -> Self {
        Self { redis: redis.clone(), command, decode: Box::new(decode) }
    }
}

impl<T> fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Call").field(&self.command.shown).finish()
    }
}

impl<T: 'static> IntoFuture for Call<T> {
    type Output = Result<T, Fault>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { redis, command, decode } = self;
            let shown = command.shown.clone();
            let exchange = command.send(&redis).await?;
            decode(&exchange.answer).map_err(|problem| {
                let message = format!(
                    "redis at {}: {shown}: {problem}, the answer was {}",
                    redis.0.server.name,
                    quote(exchange.shown().as_bytes())
                );
                Fault::undecodable(message).code("undecodable").exchange(exchange.to_string())
            })
        })
    }
}
