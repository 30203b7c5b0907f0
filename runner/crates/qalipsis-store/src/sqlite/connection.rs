//! Connections to a file: how they are opened, and what their errors mean.

use super::lock::in_folder;
use crate::error::{StoreError, StoreProblem};
use crate::schema::{self, MIGRATIONS};
use crate::value::{Row, Statement, Value};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags, ToSql, TransactionBehavior, ffi};
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// How long a connection waits for another one of this file: a backup that is made with SQLite's own shell.
const BUSY: Duration = Duration::from_secs(5);

/// Marks a file of SQLite as ours: "QALI".
const APPLICATION: i64 = 0x5141_4c49;

/// Opens the connection that writes, with the latest schema.
pub(super) fn open_writer(file: &Path) -> Result<Connection, StoreError> {
    let problem = |problem| StoreError::of_file(file, problem);
    // SQLite would create it readable by everybody; its other files take over the mode of this one.
    let created = OpenOptions::new().append(true).create(true).mode(0o600).open(file);
    created.map_err(|error| problem(in_folder(file.parent().unwrap_or(file), &error)))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags).map_err(|error| failed(file, &error))?;
    migrate(&mut connection, MIGRATIONS).map_err(|error| match error {
        MigrationError::Sqlite(error) => failed(file, &error),
        MigrationError::Refused(refused) => problem(refused),
    })?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(file: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags);
    let configured = connection.and_then(|connection| {
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    });
    configured.map_err(|error| failed(file, &error))
}

/// Why a file has not the latest schema.
#[derive(Debug)]
enum MigrationError {
    Sqlite(Error),
    Refused(StoreProblem),
}

impl From<Error> for MigrationError {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

fn migrate(connection: &mut Connection, migrations: &[&str]) -> Result<(), MigrationError> {
    connection.busy_timeout(BUSY)?;
    let number = |connection: &Connection, of: &str| connection.query_row(of, [], |row| row.get::<_, i64>(0));
    let application = number(connection, "PRAGMA application_id")?;
    let version = number(connection, "PRAGMA user_version")?;
    let is_empty = number(connection, "SELECT count(*) FROM sqlite_schema")? == 0;
    if application != APPLICATION && !(application == 0 && version == 0 && is_empty) {
        return Err(MigrationError::Refused(StoreProblem::Foreign));
    }
    let Some(missing) = schema::missing(version, migrations) else {
        let known = migrations.len() as i64;
        return Err(MigrationError::Refused(StoreProblem::Newer { found: version, known }));
    };
    // Only a file without tables takes the first. With a log beside the file a commit is one write without a wait for
    // the disk: a process that is killed loses nothing that it committed, a machine that loses its power the last
    // commits, and neither damages the file.
    connection.execute_batch(
        "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; \
         PRAGMA foreign_keys = ON",
    )?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (version, migration) in missing {
        transaction.execute_batch(migration)?;
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {version}"
        ))?;
    }
    transaction.commit()?;
    Ok(())
}

/// Executes all statements in one transaction, and gives the number of rows that the last one changed.
pub(super) fn write(connection: &mut Connection, statements: &[Statement]) -> Result<u64, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut changed = 0;
    for Statement { sql, parameters } in statements {
        changed = transaction.execute(sql, rusqlite::params_from_iter(parameters))? as u64;
    }
    transaction.commit()?;
    Ok(changed)
}

/// Executes a statement to its last row.
pub(super) fn exhaust(connection: &Connection, sql: &str) -> Result<(), Error> {
    let mut prepared = connection.prepare(sql)?;
    let mut rows = prepared.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}

/// The answers of all statements, of one instant.
pub(super) fn select(connection: &mut Connection, statements: &[Statement]) -> Result<Vec<Vec<Row>>, Error> {
    let transaction = connection.transaction()?;
    let mut answers = Vec::with_capacity(statements.len());
    for Statement { sql, parameters } in statements {
        let mut prepared = transaction.prepare(sql)?;
        let columns = prepared.column_count();
        let rows = prepared.query_map(rusqlite::params_from_iter(parameters), |row| {
            let values: Result<Vec<Value>, Error> =
                (0..columns).map(|column| read(row.get_ref(column)?)).collect();
            Ok(Row::new(values?))
        })?;
        answers.push(rows.collect::<Result<_, _>>()?);
    }
    Ok(answers)
}

fn read(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        // No column of the schema has such numbers.
        ValueRef::Real(number) => Value::Text(number.to_string()),
        ValueRef::Text(_) => Value::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    })
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// What an error of SQLite means.
pub(super) fn failed(file: &Path, error: &Error) -> StoreError {
    let text = match error {
        Error::SqliteFailure(failure, text) => text.clone().unwrap_or_else(|| failure.to_string()),
        other => other.to_string(),
    };
    let problem = match error.sqlite_error() {
        Some(failure) => match failure.code {
            ErrorCode::DiskFull => StoreProblem::Full,
            // The size of its shared memory: it is a file beside the others.
            ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                StoreProblem::Full
            }
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => StoreProblem::ReadOnly(text),
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreProblem::Corrupt(text),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreProblem::Locked(None),
            ErrorCode::CannotOpen => {
                let reason = io::Error::last_os_error();
                match in_folder(file.parent().unwrap_or(file), &reason) {
                    StoreProblem::Folder { .. } => StoreProblem::Database(text),
                    known => known,
                }
            }
            _ => StoreProblem::Database(text),
        },
        None => StoreProblem::Database(text),
    };
    StoreError::of_file(file, problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    fn version(file: &Path) -> i64 {
        let connection = Connection::open(file).unwrap();
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    }

    fn migrate_to(file: &Path, migrations: &[&str]) -> Result<(), MigrationError> {
        migrate(&mut Connection::open(file).unwrap(), migrations)
    }

    #[test]
    fn an_older_file_is_migrated_completely_or_not_at_all() {
        let folder = tempdir().unwrap();
        let file = folder.path().join("campaigns.db");
        migrate_to(&file, &MIGRATIONS[..1]).unwrap();
        Connection::open(&file)
            .unwrap()
            .execute_batch("INSERT INTO heads VALUES ('one', 'kept', 7)")
            .unwrap();
        let broken =
            [MIGRATIONS[0], "ALTER TABLE heads ADD COLUMN place TEXT; ALTER TABLE missing RENAME TO x"];
        assert!(matches!(migrate_to(&file, &broken), Err(MigrationError::Sqlite(_))));
        assert_eq!(version(&file), 1);
        let good = [MIGRATIONS[0], "ALTER TABLE heads ADD COLUMN place TEXT NOT NULL DEFAULT 'here'"];
        migrate_to(&file, &good).unwrap();
        assert_eq!(version(&file), 2);
        let row = Connection::open(&file).unwrap().query_row("SELECT name, place FROM heads", [], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
        });
        assert_eq!(row, Ok(("kept".to_owned(), "here".to_owned())));
        assert!(
            matches!(
                migrate_to(&file, &MIGRATIONS[..1]),
                Err(MigrationError::Refused(StoreProblem::Newer { found: 2, known: 1 }))
            ),
            "a newer file is refused"
        );
    }

    #[test]
    fn a_database_of_another_program_is_left_alone() {
        let folder = tempdir().unwrap();
        let file = folder.path().join("other.db");
        Connection::open(&file).unwrap().execute_batch("CREATE TABLE theirs (x)").unwrap();
        let before = std::fs::read(&file).unwrap();
        assert!(matches!(migrate_to(&file, MIGRATIONS), Err(MigrationError::Refused(StoreProblem::Foreign))));
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
}
