//! What the processes that share a database tell each other at once, instead of looking for it.
//!
//! On PostgreSQL notices travel by `NOTIFY`, in batches, and each process that has subscribed listens on a connection of
//! its own. On SQLite the process is alone, and hears only itself.
//!
//! A notice is a hint to look, never the truth: that is in the tables. Notices get lost while the database is away, and
//! whoever lives by them looks again at each [`Heard::Gap`], and now and then without being told.

pub(crate) mod ear;
mod postgres;

use sea_orm::sqlx::PgPool;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::executions::ExecutionState;

/// Notices that a subscriber may be behind before it misses some, and is told so.
const BEHIND: usize = 4096;

/// One thing to tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// Somebody wants something of a running execution: see [`Executions::requested`](crate::executions::Executions::requested).
    Wish {
        /// Of this one.
        execution: Uuid,
    },
    /// An execution changed its state, or one of its steps did.
    State {
        /// This one.
        execution: Uuid,
        /// The execution's state now.
        state: ExecutionState,
        /// The step that changed, from 1; none where the execution itself did.
        step: Option<u32>,
    },
    /// A file moves. Of several notices of one file that wait to be sent only the newest goes, every half second.
    Progress(Progress),
    /// How far a step has come as a whole; sent like [`Self::Progress`].
    Summary(Summary),
    /// Something of this kind may be another than before: who shows it reads it again. Sent like [`Self::Progress`].
    Changed {
        /// What, by the noun that the API has for it: `connections`, `folder-mappings` …
        what: String,
        /// Which one; none where it may be any.
        id: Option<Uuid>,
    },
    /// A session of this connection was closed, so that somebody else may open one.
    Slots {
        /// The connection.
        connection: Uuid,
    },
    /// Somebody waits for a session of this connection, of which there may be no more: who has some that only speed things
    /// up closes one.
    SlotWanted {
        /// The connection.
        connection: Uuid,
    },
}

/// How far a file is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The execution that moves it.
    pub execution: Uuid,
    /// The step, from 1.
    pub step: u32,
    /// Its path on the server.
    pub current_file: String,
    /// Bytes that have arrived, a resumed part included.
    pub bytes_transferred: u64,
    /// Its size, where that is known.
    pub total_bytes: Option<u64>,
    /// Bytes a second.
    pub transfer_rate_bytes_per_sec: f64,
    /// Seconds left at this rate, where that can be told.
    pub eta_sec: Option<u64>,
}

/// How far a step is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The execution.
    pub execution: Uuid,
    /// The step, from 1.
    pub step: u32,
    /// Bytes moved so far.
    pub bytes_transferred: u64,
    /// Files moved so far.
    pub files_transferred: u64,
    /// Bytes a second over the last seconds.
    pub transfer_rate_bytes_per_sec: f64,
}

/// What a subscriber hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// This process said it.
    Here(Notice),
    /// Another one did.
    Elsewhere(Notice),
    /// Notices may have been missed, or only now can the others be heard: look at everything again.
    Gap,
}

/// The way to all processes that share the database.
#[derive(Debug)]
pub struct Bus {
    ears: broadcast::Sender<Heard>,
    line: Option<postgres::Line>,
}

impl Bus {
    /// Of a process that is alone.
    pub(crate) fn alone() -> Self {
        let ears = broadcast::Sender::new(BEHIND);
        Self { ears, line: None }
    }

    /// Of a process among those that use this PostgreSQL. Listens from the first subscription on.
    pub(crate) fn shared(pool: PgPool) -> Self {
        let ears = broadcast::Sender::new(BEHIND);
        let line = Some(postgres::Line::new(pool, ears.clone()));
        Self { ears, line }
    }

    /// Tells everybody, this process's own subscribers at once, and doesn't wait for it: to be called after the commit of
    /// what it is about. [`Notice::Progress`] and [`Notice::Summary`] go to the others only.
    pub fn publish(&self, notice: Notice) {
        if !matches!(notice, Notice::Progress(_) | Notice::Summary(_)) {
            // That nobody listens is no error.
            let _ = self.ears.send(Heard::Here(notice.clone()));
        }
        if let Some(line) = &self.line {
            line.send(notice);
        }
    }

    /// Tells everybody that something may be another than before.
    pub fn changed(&self, what: &str, id: Option<Uuid>) {
        let what = what.to_owned();
        self.publish(Notice::Changed { what, id });
    }

    /// Hears all that is said from now on.
    pub fn subscribe(&self) -> Subscription {
        let subscription = Subscription(self.ears.subscribe());
        if let Some(line) = &self.line {
            line.listen();
        }
        subscription
    }

    /// Says what waits, for a second at most, and then nothing more.
    pub(crate) async fn close(&self) {
        if let Some(line) = &self.line {
            line.close().await;
        }
    }
}

/// A place from which one hears.
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Heard>);

impl Subscription {
    /// The next thing; none once the store is gone. Nothing is lost where this is dropped before it answers.
    pub async fn next(&mut self) -> Option<Heard> {
        match self.0.recv().await {
            Ok(heard) => Some(heard),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Heard::Gap),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
