//! What the file holds, and how a file of an older benchtop becomes one of this one: a list of steps, each in a
//! transaction of its own. A step that was released is never changed; a new one is added at the end.

use rusqlite::{Connection, TransactionBehavior};

/// "bnch": what distinguishes our files from those of other programs, in the header of the file.
pub const APPLICATION_ID: i64 = 0x626e_6368;

/// The step at position N leads from version N to version N + 1.
const MIGRATIONS: &[&str] = &[
    // 1: benchmarks. Samples, fingerprints and notes are JSON, so that `sqlite3` reads them and computes with them.
    "CREATE TABLE runs (
        id INTEGER PRIMARY KEY,      -- in the order of writing
        run TEXT NOT NULL UNIQUE,    -- the run's own id
        batch TEXT NOT NULL,         -- figures that were measured together share it
        benchmark TEXT NOT NULL,
        of TEXT NOT NULL,            -- what it was measured on; empty: the machine
        unit TEXT NOT NULL,
        better TEXT NOT NULL,        -- higher, lower
        at_ms INTEGER NOT NULL,      -- when it began, Unix time
        took_ns INTEGER NOT NULL,
        samples TEXT NOT NULL,       -- [12.5, 12.7, …], in the order of measurement
        fingerprint TEXT NOT NULL,   -- {\"kernel\": \"6.1.0\", …}
        notes TEXT NOT NULL          -- [\"…\"]
    ) STRICT;
    CREATE INDEX runs_of_series ON runs (benchmark, of, at_ms);
    CREATE TABLE marks (             -- what the user said of a series
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        benchmark TEXT NOT NULL,
        of TEXT NOT NULL,
        says TEXT NOT NULL,          -- accept, pin, unpin, forget
        run TEXT                     -- of pin and forget
    ) STRICT;
    CREATE TABLE verdicts (          -- as they were given: later ones may differ, for the baseline moves on
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,    -- the newest run that was judged
        at_ms INTEGER NOT NULL,
        verdict TEXT NOT NULL,
        against TEXT NOT NULL,       -- with what it was compared, in words; empty: nothing
        ratio REAL,                  -- over the baseline
        p REAL,
        text TEXT NOT NULL           -- the sentence
    ) STRICT;
    CREATE TABLE changes (           -- what a result may depend on, and has another value than before
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        kind TEXT NOT NULL,          -- kernel, driver, engine, image, limits, pool, dataset, config, governor
        of TEXT NOT NULL,
        property TEXT NOT NULL,
        before TEXT,                 -- NULL: it was not there
        after TEXT                   -- NULL: it is gone
    ) STRICT;",
    // 2: alerts.
    "CREATE TABLE alert_book (       -- every alert as it was last judged: one row
        id INTEGER PRIMARY KEY CHECK (id = 1),
        at_ms INTEGER NOT NULL,
        run TEXT NOT NULL,           -- of the program that judged
        book TEXT NOT NULL           -- JSON
    ) STRICT;
    CREATE TABLE alerts (            -- each time that one fired
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- a row that changes gets another id
        rule TEXT NOT NULL,
        identity TEXT NOT NULL,      -- [[\"pool\",\"tank\"], …]
        labels TEXT NOT NULL,        -- what it was shown with
        level TEXT NOT NULL,         -- advice, warn, crit: the worst
        fired_ms INTEGER NOT NULL,
        ended_ms INTEGER,            -- NULL: it fires
        how TEXT,                    -- resolved, removed
        value REAL,
        text TEXT NOT NULL,          -- the sentence
        UNIQUE (rule, identity, fired_ms)
    ) STRICT;
    CREATE TABLE alert_marks (       -- what users said: acknowledged, silenced, seen
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_ms INTEGER NOT NULL,
        run TEXT NOT NULL,           -- of the program that took it in
        says TEXT NOT NULL           -- JSON
    ) STRICT;",
    // 3: what was undone as the config allows.
    "CREATE TABLE undos (             -- each step, written before the next one is taken
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        benchmark TEXT NOT NULL,
        of TEXT NOT NULL,
        run TEXT NOT NULL,           -- the first one that was worse
        step TEXT NOT NULL,          -- begins, done, failed, helped, helped_in_part, did_not_help, restored, unmeasured
        text TEXT NOT NULL           -- the sentence
    ) STRICT;",
];

/// The version that this program reads and writes.
pub const VERSION: i64 = MIGRATIONS.len() as i64;

/// Each table with a column that only ours has: a file that lacks one is damaged.
const TABLES: [(&str, &str); 8] = [
    ("runs", "fingerprint"),
    ("marks", "says"),
    ("verdicts", "against"),
    ("changes", "property"),
    ("undos", "step"),
    ("alert_book", "book"),
    ("alerts", "fired_ms"),
    ("alert_marks", "says"),
];

/// The version of the file, as other connections left it; 0: nothing is in it yet.
pub fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings the file to [`VERSION`]. Two programs that do so at once take turns.
pub fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    while version(connection)? < VERSION {
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let from = version(&step)?;
        let sql = usize::try_from(from).ok().and_then(|from| MIGRATIONS.get(from));
        // Another program was faster.
        let Some(sql) = sql else { break };
        step.execute_batch(sql)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)?;
        step.pragma_update(None, "user_version", from + 1)?;
        step.commit()?;
    }
    Ok(())
}

/// The first table that is not as it should be.
pub fn missing(connection: &Connection) -> Option<&'static str> {
    let lacks = |(table, column): &&(&str, &str)| connection.prepare(&format!("SELECT {column} FROM {table}")).is_err();
    TABLES.iter().find(lacks).map(|(table, _)| *table)
}
