//! Servers that have fewer places than a connection's `max_sessions`: a job waits until one takes its session.

use std::time::{Duration, Instant};

use courier_store::connections::Connection;
use courier_transfer::ErrorKind;

use super::Permit;
use crate::{Error, sessions::Sessions};

/// How long a job waits for a place: so many times the connection's `connect_timeout_sec`, five minutes by default.
const PATIENCE: u32 = 10;
/// How long the pull of a folder mapping waits.
const PATIENCE_OF_PULL: Duration = Duration::from_secs(5);
/// How long before the second attempt; then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// A job's wait for a place on a server.
#[derive(Debug)]
pub(super) struct Wait {
    began: Option<Instant>,
    next: Duration,
    noted: bool,
}

impl Wait {
    pub(super) fn new() -> Self {
        Self {
            began: None,
            next: FIRST_WAIT,
            noted: false,
        }
    }

    /// Waits where an attempt failed for want of a place: until another session of the connection is closed, or for a while
    /// that grows. Answers whether to try again: not where it failed for another reason, or has been tried long enough.
    pub(super) async fn again(
        &mut self,
        error: &Error,
        connection: &Connection,
        connect_timeout: Duration,
        permit: &Permit,
        sessions: &Sessions,
    ) -> bool {
        let Error::Transfer(error) = error else {
            return false;
        };
        // Some servers hang up without a word when they have too many. With no other session of ours that was not why.
        let is_full = match error.kind() {
            ErrorKind::Busy => true,
            ErrorKind::Lost => permit.slot().open() > 0,
            _ => false,
        };
        let patience = match sessions.is_pull() {
            true => PATIENCE_OF_PULL,
            false => connect_timeout * PATIENCE,
        };
        let left = patience.saturating_sub(self.began.get_or_insert_with(Instant::now).elapsed());
        if !is_full || left.is_zero() {
            return false;
        }
        if self.next > FIRST_WAIT && !self.noted {
            self.noted = true;
            let why = format!(
                "waits up to {} seconds for a place on the server of the connection \"{}\": {}",
                patience.as_secs(),
                connection.name,
                error.message()
            );
            sessions.note_wait(&why).await;
        }
        // Somebody may wait for a session that this execution has elsewhere and doesn't use.
        sessions.close_idle().await;
        let _waiting = permit.slot().waiting();
        let freed = permit.slot().freed().notified();
        let _ = sessions
            .wait(tokio::time::timeout(self.next.min(left), freed))
            .await;
        self.next = (self.next * 2).min(LONGEST_WAIT);
        true
    }
}
