//! Connections to the server, and what their errors mean.

use super::target::{CONNECT_WITHIN, Target, chain};
use crate::campaign;
use crate::error::{StoreError, StoreProblem};
use crate::schema;
use crate::value::{Row, Statement, Value};
use bytes::BytesMut;
use qalipsis_plugin::tls::TlsOptions;
use std::error::Error as _;
use std::fs;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Error, IsolationLevel, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

/// The schema that all tables are in, so that they disturb nothing else in a database.
const SCHEMA: &str = "qalipsis";

/// How long the server may take to answer: without a limit one that fell silent would never be left.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a head may be silent before its campaigns count as ended, in nanoseconds of the server's clock.
const SILENT_NS: u64 = 30_000_000_000;

/// Keeps two heads from migrating the schema at the same time: any number that nobody else uses.
const MIGRATION: i64 = 0x5141_4c49_5053_4953;

/// The time of the server, so that clocks of heads do not matter.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000000000)::bigint";

/// Why something failed.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: StoreError,
    /// Whether another connection may succeed.
    pub(super) is_lost: bool,
}

/// Makes connections as one head.
#[derive(Debug)]
pub(super) struct Connector {
    target: Target,
    tls: Tls,
    head: String,
    name: String,
}

struct Tls(MakeRustlsConnect);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Connector {
    pub(super) fn new(target: &Target, head: &str, name: &str) -> Result<Self, StoreError> {
        let refused = |reason: String| StoreError::new(target.to_string(), StoreProblem::Location(reason));
        let mut options = TlsOptions::default();
        if let Some(path) = &target.root_certificates {
            let pem = fs::read(path)
                .map_err(|error| refused(format!("sslrootcert {}: {error}", path.display())))?;
            options.ca_pem.push(pem);
        }
        // Without TLS nothing is read from this machine.
        let config = match target.config.get_ssl_mode() {
            SslMode::Disable => options.client_config_without_platform(),
            _ => options.client_config(),
        };
        let tls = Tls(MakeRustlsConnect::new(config.map_err(|error| refused(error.to_string()))?));
        Ok(Self { target: target.clone(), tls, head: head.to_owned(), name: name.to_owned() })
    }

    pub(super) async fn connect(&self) -> Result<Session, Failure> {
        let place = self.target.to_string();
        let limit = self.target.config.get_connect_timeout().copied().unwrap_or(CONNECT_WITHIN);
        // tokio-postgres limits the way to the server only, not how long the server takes to greet.
        let connecting = timeout(limit, self.target.config.connect(self.tls.0.clone()));
        let (client, connection) = match connecting.await {
            Ok(Ok(made)) => made,
            Ok(Err(error)) => {
                let mut failure = failure(&place, &error);
                failure.error = failure.error.map_text(|text| self.target.redact(text));
                return Err(failure);
            }
            Err(_) => return Err(silent(&place)),
        };
        let task = tokio::spawn(async {
            // The client reports the end of the connection to whoever uses it.
            let _ = connection.await;
        });
        let session = Session { client, task, place };
        session.limited(session.client.batch_execute(&format!("SET search_path TO {SCHEMA}"))).await?;
        Ok(session)
    }

    /// What takes this head out of the store.
    pub(super) fn leave(&self) -> Statement {
        Statement::new("DELETE FROM heads WHERE id = $1", [self.head.as_str().into()])
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    /// Ends with the session.
    task: JoinHandle<()>,
    place: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session {
    async fn limited<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
        limited(&self.place, work).await
    }

    /// Brings the schema to the latest version, which another head may be doing as well.
    pub(super) async fn migrate(&mut self, migrations: &[&str]) -> Result<(), Failure> {
        let place = self.place.clone();
        let refused = |problem| Failure { error: StoreError::new(&place, problem), is_lost: false };
        let work = async {
            let transaction = self.client.transaction().await?;
            transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION]).await?;
            let number =
                async |sql: &str| -> Result<i64, Error> { transaction.query_one(sql, &[]).await?.try_get(0) };
            // A user that may not create schemas can use one that was created for it.
            if number(&format!("SELECT count(*) FROM pg_namespace WHERE nspname = '{SCHEMA}'")).await? == 0 {
                transaction.batch_execute(&format!("CREATE SCHEMA {SCHEMA}")).await?;
            }
            let tables = format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{SCHEMA}'");
            let version = if number(&tables).await? == 0 {
                transaction.batch_execute("CREATE TABLE schema_version (version BIGINT NOT NULL)").await?;
                transaction.batch_execute("INSERT INTO schema_version VALUES (0)").await?;
                0
            } else if number(&format!("{tables} AND tablename = 'schema_version'")).await? == 0 {
                return Ok(Err(refused(StoreProblem::Foreign)));
            } else {
                number("SELECT version FROM schema_version").await?
            };
            let Some(missing) = schema::missing(version, migrations) else {
                let known = migrations.len() as i64;
                return Ok(Err(refused(StoreProblem::Newer { found: version, known })));
            };
            for (version, migration) in missing {
                transaction.batch_execute(migration).await?;
                transaction.execute("UPDATE schema_version SET version = $1", &[&version]).await?;
            }
            transaction.commit().await?;
            Ok(Ok(()))
        };
        limited(&place, work).await?
    }

    /// Shows that this head lives, and ends campaigns of those that do not.
    pub(super) async fn beat(&mut self, connector: &Connector) -> Result<(), Failure> {
        let statements = [
            Statement::new(
                format!(
                    "INSERT INTO heads (id, name, beat_ns) VALUES ($1, $2, {NOW}) \
                     ON CONFLICT (id) DO UPDATE SET beat_ns = excluded.beat_ns"
                ),
                [connector.head.as_str().into(), connector.name.as_str().into()],
            ),
            Statement::new(format!("DELETE FROM heads WHERE beat_ns < {NOW} - {SILENT_NS}"), []),
            campaign::abort_those_of_lost_heads(),
            // Others ended them while this head was suspended or could not reach the server.
            campaign::revive(&connector.head),
        ];
        self.write(&statements).await.map(|_| ())
    }

    /// Executes all statements in one transaction, and gives the number of rows that the last one changed.
    pub(super) async fn write(&mut self, statements: &[Statement]) -> Result<u64, Failure> {
        let place = self.place.clone();
        let work = async {
            let transaction = self.client.transaction().await?;
            let mut changed = 0;
            for Statement { sql, parameters } in statements {
                changed = transaction.execute(sql.as_str(), &borrowed(parameters)).await?;
            }
            transaction.commit().await?;
            Ok(changed)
        };
        limited(&place, work).await
    }

    /// The answers of all statements, of one instant.
    pub(super) async fn select(&mut self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, Failure> {
        let place = self.place.clone();
        let work = async {
            let transaction = self
                .client
                .build_transaction()
                .isolation_level(IsolationLevel::RepeatableRead)
                .read_only(true)
                .start()
                .await?;
            let mut answers = Vec::with_capacity(statements.len());
            for statement in statements {
                answers.push(rows(&transaction, statement).await?);
            }
            transaction.commit().await?;
            Ok(answers)
        };
        limited(&place, work).await
    }
}

async fn limited<T>(place: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Failure> {
    match timeout(ANSWER_WITHIN, work).await {
        Ok(outcome) => outcome.map_err(|error| failure(place, &error)),
        Err(_) => Err(silent(place)),
    }
}

async fn rows(transaction: &Transaction<'_>, statement: &Statement) -> Result<Vec<Row>, Error> {
    let found = transaction.query(statement.sql.as_str(), &borrowed(&statement.parameters)).await?;
    found
        .into_iter()
        .map(|row| {
            let value = |(index, column): (usize, &tokio_postgres::Column)| {
                Ok(match *column.type_() {
                    Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
                    Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index)?.into(),
                    _ => row.try_get::<_, Option<String>>(index)?.into(),
                })
            };
            row.columns().iter().enumerate().map(value).collect::<Result<_, Error>>().map(Row::new)
        })
        .collect()
}

fn borrowed(parameters: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    parameters.iter().map(|parameter| parameter as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        as_type: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql_checked(as_type, out),
            Self::Text(text) => text.to_sql_checked(as_type, out),
            Self::Blob(bytes) => bytes.to_sql_checked(as_type, out),
        }
    }

    /// Which values a column takes is known only with the value.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

fn silent(place: &str) -> Failure {
    let problem = StoreProblem::Unreachable("the server does not answer".to_owned());
    Failure { error: StoreError::new(place, problem), is_lost: true }
}

/// What an error of the server or of the way to it means.
fn failure(place: &str, error: &Error) -> Failure {
    let failed = |problem, is_lost| Failure { error: StoreError::new(place, problem), is_lost };
    let Some(refusal) = error.as_db_error() else {
        let is_way = error.is_closed() || error.source().is_some_and(|cause| cause.is::<io::Error>());
        let text = chain(error);
        let problem = if is_way { StoreProblem::Unreachable(text) } else { StoreProblem::Database(text) };
        return failed(problem, is_way);
    };
    let text = refusal.message().to_owned();
    let code = refusal.code();
    let goes_by = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::TOO_MANY_CONNECTIONS,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    match code.code() {
        _ if goes_by.contains(code) => failed(StoreProblem::Unreachable(text), true),
        class if class.starts_with("08") => failed(StoreProblem::Unreachable(text), true),
        // Wrong password, no such user, no such database, no right.
        class if class.starts_with("28") => failed(StoreProblem::Refused(text), false),
        "3D000" | "42501" => failed(StoreProblem::Refused(text), false),
        "53100" => failed(StoreProblem::Full, false),
        "25006" => failed(StoreProblem::ReadOnly(text), false),
        class if class.starts_with("XX") => failed(StoreProblem::Corrupt(text), false),
        _ => failed(StoreProblem::Database(text), false),
    }
}
