//! Records in an SQLite database (docs/export.md): a table of all records, a table for each kind, views over several kinds, and
//! what the recordings do not hold.

mod about;
mod rows;
mod schema;

use std::path::Path;

use agentsnoop_pipeline::Record;
use rusqlite::{Connection, OpenFlags};

pub use about::About;
use rows::Rows;

/// What the database says of itself in its header (`PRAGMA application_id`): "ASNP".
pub const APPLICATION: i32 = 0x4153_4e50;

/// The version of the schema (`PRAGMA user_version`). It grows when a query of an older one would be misled: a table or column
/// that goes, or means something else. New ones do not change it.
pub const VERSION: i32 = 2;

/// Memory for pages, KiB; what is beyond goes to the file. Indexes are sorted in as much.
const CACHE_KIB: i32 = 16 * 1024;

/// A database that is filled.
#[derive(Debug)]
pub struct Database {
    connection: Connection,
}

impl Database {
    /// Makes the tables in an empty file. The file must be nobody else's until it is finished: nothing protects it before.
    ///
    /// # Errors
    ///
    /// That of SQLite.
    pub fn create(file: &Path) -> rusqlite::Result<Self> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let connection = Connection::open_with_flags(file, flags)?;
        // What is half written is thrown away, so no journal is needed; the file is synchronised once, when it is whole.
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB}; \
             PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; BEGIN"
        ))?;
        connection.execute_batch(&schema::tables())?;
        Ok(Self { connection })
    }

    /// What takes the records, each with the number of its recording.
    ///
    /// # Errors
    ///
    /// That of SQLite.
    pub fn rows(&self) -> rusqlite::Result<impl FnMut(i64, &Record) -> rusqlite::Result<()>> {
        let mut rows = Rows::new(&self.connection)?;
        Ok(move |recording: i64, record: &Record| rows.add(recording, record))
    }

    /// Adds what is known of a recording as a whole.
    ///
    /// # Errors
    ///
    /// That of SQLite.
    pub fn add(&self, recording: i64, about: &About<'_>) -> rusqlite::Result<()> {
        about.write(recording, &self.connection)
    }

    /// Adds the indexes.
    ///
    /// # Errors
    ///
    /// That of SQLite.
    pub fn finish(self) -> rusqlite::Result<()> {
        self.connection.execute_batch(&schema::indexes())?;
        self.connection.execute_batch("COMMIT; ANALYZE")?;
        self.connection.close().map_err(|(_, error)| error)
    }
}
