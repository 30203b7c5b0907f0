//! Orders and stock in PostgreSQL.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::time::sleep;
use tokio_postgres::config::Host;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, Statement};
use uuid::Uuid;

use crate::sink::{Failure, Job, Target};

/// Number that all shops agree on, so that two which start together do not create the tables at once.
const START_LOCK: i64 = 0x5348_4f50;

const TABLES: &str = "\
    create table if not exists orders (id uuid primary key, product text not null, quantity int not null, \
        customer text not null, status text not null, updated_at timestamptz not null default now()); \
    create table if not exists stock (product text primary key, start int not null, stock int not null);";

/// Brings the products of a batch into the table, in the same order everywhere, so that two writers
/// cannot wait for each other.
const ADD_PRODUCTS: &str = "insert into stock (product, start, stock) \
    select product, $2::int, $2::int from (select distinct unnest($1::text[]) as product) as products order by product \
    on conflict do nothing";

const LOCK_PRODUCTS: &str = "select from stock where product = any($1) order by product for update";

/// Writes the rows of a batch and takes its pieces from the stock. What was committed already, when only
/// the acknowledgement got lost, changes nothing a second time; only an order without a row cannot be
/// known again.
const SELL: &str = "\
    with placed as (select * from unnest($1::uuid[], $2::text[], $3::text[], $4::int8[], $5::int8[]) \
            as placed (id, product, customer, sold, written)), \
        inserted as (insert into orders (id, product, quantity, customer, status) \
            select id, product, written::int, customer, 'fulfilled' from placed where written is not null \
            on conflict (id) do nothing returning id), \
        taken as (select product, sum(sold)::int as pieces from placed left join inserted using (id) \
            where written is null or inserted.id is not null group by product) \
    update stock set stock = stock - pieces from taken where stock.product = taken.product";

const READ_STOCK: &str = "select stock from stock where product = $1";
const WRITE_STOCK: &str = "update stock set stock = ($2::int8)::int where product = $1";

/// Rows written in one transaction at most.
const BATCH_MAX: usize = 256;
/// Time between read and write of a stock without a lock.
const STALE_PAUSE: Duration = Duration::from_millis(2);

/// A database to write orders to.
pub(crate) struct Database {
    config: Config,
    address: String,
    stock: i32,
    stale: bool,
}

/// An order for the database.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    pub(crate) product: String,
    pub(crate) customer: String,
    /// Pieces to take from the stock.
    pub(crate) sold: u32,
    /// Quantity in the row; none for an order whose row is not written.
    pub(crate) written: Option<u32>,
}

/// A connection with its statements.
pub(crate) struct Session {
    client: Client,
    add_products: Statement,
    lock_products: Statement,
    sell: Statement,
    read_stock: Statement,
    write_stock: Statement,
}

impl Database {
    /// The database of a URL. `stock` is the stock of products that it does not know yet; with `stale` the
    /// stock is read, and written a little later, without a lock.
    pub(crate) fn new(url: &str, stock: i32, stale: bool) -> anyhow::Result<Self> {
        // The error names what is wrong, never the URL, which holds a password.
        let mut config: Config = url.parse().context("cannot use --postgres")?;
        config.application_name("shop");
        let host = match config.get_hosts().first() {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => return Err(anyhow!("cannot use --postgres: the URL names no host")),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let database = config.get_dbname().or(config.get_user()).unwrap_or_default();
        let address = format!("{host}:{port}/{database}");
        Ok(Self { config, address, stock, stale })
    }

    async fn client(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(NoTls).await?;
        tokio::spawn(async move {
            // Whoever uses the client gets the error.
            let _ = connection.await;
        });
        Ok(client)
    }
}

impl Target for Database {
    type Item = Row;
    type Connection = Session;

    const NAME: &'static str = "postgres";

    fn address(&self) -> &str {
        &self.address
    }

    fn batch_max(&self) -> usize {
        // Only one order at a time leaves the others time to read the same stock.
        if self.stale { 1 } else { BATCH_MAX }
    }

    /// Creates the tables that do not exist. With `reset`, deletes all orders and refills the stock.
    async fn prepare(&self, reset: bool) -> anyhow::Result<()> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        transaction.execute("select pg_advisory_xact_lock($1)", &[&START_LOCK]).await?;
        transaction.batch_execute(TABLES).await?;
        if reset {
            transaction.batch_execute("truncate orders").await?;
            transaction.execute("update stock set start = $1, stock = $1", &[&self.stock]).await?;
        }
        Ok(transaction.commit().await?)
    }

    async fn connect(&self) -> anyhow::Result<Session> {
        let client = self.client().await?;
        let (add_products, lock_products, sell, read_stock, write_stock) = tokio::try_join!(
            client.prepare(ADD_PRODUCTS),
            client.prepare(LOCK_PRODUCTS),
            client.prepare(SELL),
            client.prepare(READ_STOCK),
            client.prepare(WRITE_STOCK),
        )?;
        Ok(Session { client, add_products, lock_products, sell, read_stock, write_stock })
    }

    async fn write(&self, session: &mut Session, jobs: &mut [Job<Row>]) -> Result<(), Failure> {
        let written = if self.stale {
            session.sell_stale(jobs, self.stock).await
        } else {
            session.sell(jobs, self.stock).await
        };
        written.map_err(|error| {
            // Class 22: a value that does not fit, such as a zero character in a text.
            match error.code().is_some_and(|code| code.code().starts_with("22")) {
                true => Failure::Unwritable(error.into()),
                false => Failure::Lost(error.into()),
            }
        })
    }
}

impl Session {
    /// Takes the orders from the stock under its lock and writes their rows, in one transaction.
    async fn sell(&mut self, jobs: &[Job<Row>], stock: i32) -> Result<(), tokio_postgres::Error> {
        let rows = jobs.iter().map(|job| &job.item);
        let ids: Vec<Uuid> = rows.clone().map(|row| row.id).collect();
        let products: Vec<&str> = rows.clone().map(|row| row.product.as_str()).collect();
        let customers: Vec<&str> = rows.clone().map(|row| row.customer.as_str()).collect();
        let sold: Vec<i64> = rows.clone().map(|row| i64::from(row.sold)).collect();
        let written: Vec<Option<i64>> = rows.map(|row| row.written.map(i64::from)).collect();
        let transaction = self.client.transaction().await?;
        let added: [&(dyn ToSql + Sync); 2] = [&products, &stock];
        let locked: [&(dyn ToSql + Sync); 1] = [&products];
        let sold: [&(dyn ToSql + Sync); 5] = [&ids, &products, &customers, &sold, &written];
        // Sent together: they cost one round trip.
        tokio::try_join!(
            transaction.execute(&self.add_products, &added),
            transaction.execute(&self.lock_products, &locked),
            transaction.execute(&self.sell, &sold),
        )?;
        transaction.commit().await
    }

    /// Takes each order from a stock that it read a little before, and writes its row, each by itself.
    async fn sell_stale(&mut self, jobs: &[Job<Row>], stock: i32) -> Result<(), tokio_postgres::Error> {
        for Job { item: row, .. } in jobs {
            self.client.execute(&self.add_products, &[&vec![&row.product], &stock]).await?;
            let read: i32 = self.client.query_one(&self.read_stock, &[&row.product]).await?.get(0);
            sleep(STALE_PAUSE).await;
            let left = i64::from(read) - i64::from(row.sold);
            self.client.execute(&self.write_stock, &[&row.product, &left]).await?;
            if let Some(written) = row.written {
                let insert = "insert into orders (id, product, quantity, customer, status) \
                    values ($1, $2, ($3::int8)::int, $4, 'fulfilled') on conflict (id) do nothing";
                let quantity = i64::from(written);
                self.client.execute(insert, &[&row.id, &row.product, &quantity, &row.customer]).await?;
            }
        }
        Ok(())
    }
}
