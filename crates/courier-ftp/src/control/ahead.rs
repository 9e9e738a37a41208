//! EPSV before anybody wants its port: the next of many small files begins a round trip earlier.
//!
//! Only for servers that read one command after another and answer them in that order, whatever they are busy with: others
//! look into what comes during a transfer, and refuse or forget it. The answer is picked out wherever it comes, so that
//! whoever uses the line in between notices nothing.

use std::time::{Duration, Instant};

use courier_transfer::Result;

use super::Control;
use crate::codec::{Command, Reply};

/// So long is a port good for. A session that is not used is left alone by then, and a firewall may have forgotten it.
const FRESH: Duration = Duration::from_secs(5);

/// The question, and where its answer is.
#[derive(Debug)]
pub(super) struct Ahead {
    asked: Instant,
    /// Answers that come before.
    behind: u32,
    answer: Option<Reply>,
}

impl Control {
    /// Asks for a port, behind so many commands that are not answered yet.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub(crate) async fn ask_ahead(&mut self, behind: u32) -> Result<()> {
        self.send(&Command::new("EPSV")).await?;
        self.ahead = Some(Ahead {
            asked: Instant::now(),
            behind,
            answer: None,
        });
        Ok(())
    }

    /// The answer to the question that was asked last, where there was one, and not long ago.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub(crate) async fn told_ahead(&mut self) -> Result<Option<Reply>> {
        while self.ahead.as_ref().is_some_and(|ahead| ahead.answer.is_none()) {
            match self.reply_or_ahead().await? {
                Some(reply) if reply.code == 421 => return Err(self.closed_by(&reply)),
                Some(reply) => tracing::debug!(%reply, "a reply that nobody asked for is passed over"),
                None => {}
            }
        }
        let told = self.ahead.take().filter(|ahead| ahead.asked.elapsed() < FRESH);
        Ok(told.and_then(|ahead| ahead.answer))
    }

    /// Keeps a reply that answers the question; else gives it back.
    pub(super) fn keep_ahead(&mut self, reply: Reply) -> Option<Reply> {
        match &mut self.ahead {
            Some(ahead) if ahead.answer.is_none() && !reply.is_preliminary() && reply.code != 421 => {
                if ahead.behind == 0 {
                    ahead.answer = Some(reply);
                    return None;
                }
                ahead.behind -= 1;
                Some(reply)
            }
            _ => Some(reply),
        }
    }
}
