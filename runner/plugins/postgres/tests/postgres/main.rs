//! The plugin against PostgreSQL.

mod actions;
mod compliance;
mod connecting;
mod outages;
mod polling;
mod pooler;
mod probes;
mod records;
mod rows;
mod sharing;
mod stopping;
mod transactions;

use qalipsis_postgres::Postgres;
use qalipsis_testkit::PostgresServer;
use qalipsis_testkit::plugin as opened;
use std::time::Duration;

/// The server that all tests share.
fn server() -> &'static PostgresServer {
    PostgresServer::shared().expect("a PostgreSQL server")
}

/// A new database of this test's own, in which a statement was executed.
async fn database(prepare: &str) -> Postgres {
    let url = server().create_database().expect("a database");
    let postgres = Postgres::connect(&url).await.expect("it connects");
    for statement in prepare.split(';').filter(|statement| !statement.trim().is_empty()) {
        postgres.execute(statement, &[]).await.expect("it is prepared");
    }
    postgres
}

/// Far longer than anything here should take.
const WAIT_LIMIT: Duration = Duration::from_secs(30);
