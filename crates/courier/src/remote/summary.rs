//! The last line of a transfer, and its document.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use courier_transfer::ops::{Outcome, Transferred, Verified};
use serde_json::json;

use super::Tally;
use crate::exit::Result;
use crate::output::Output;
use crate::output::progress::Transfers;
use crate::output::text::{bytes, files, printable};

/// Notes on what is left out, before they are only counted.
const NOTES: u64 = 20;

/// What a command has moved.
#[derive(Debug)]
pub(crate) struct Summary {
    output: Output,
    bars: Transfers,
    tally: Tally,
    began: Instant,
    files: u64,
    skipped: u64,
    bytes: u64,
    resumed: u64,
    /// The weakest check that was made of a file.
    verified: Option<Verified>,
    left_out: Arc<AtomicU64>,
}

impl Summary {
    pub(crate) fn new(output: Output, bars: &Transfers) -> Self {
        Self {
            output,
            bars: bars.clone(),
            tally: Tally::new(output),
            began: Instant::now(),
            files: 0,
            skipped: 0,
            bytes: 0,
            resumed: 0,
            verified: None,
            left_out: Arc::default(),
        }
    }

    /// Notes what a plan leaves out: the first ones by name, the others by their number at the end.
    pub(crate) fn left_out(&self) -> impl Fn(String) + Send + Sync + use<> {
        let (output, bars, count) = (self.output, self.bars.clone(), self.left_out.clone());
        move |what| {
            if count.fetch_add(1, Ordering::Relaxed) < NOTES {
                bars.suspend(|| output.note(format!("{}, and is left out", printable(&what))));
            }
        }
    }

    /// Counts what came of one file.
    pub(crate) fn add(&mut self, result: courier_transfer::Result<Transferred>) {
        match result {
            Ok(done) => {
                self.tally.ok();
                self.bytes += done.bytes;
                self.resumed += done.resumed_from.unwrap_or(0);
                if done.outcome == Outcome::Skipped {
                    self.skipped += 1;
                } else {
                    self.files += 1;
                    let before = self.verified.unwrap_or(done.verified);
                    self.verified = Some(weaker(before, done.verified));
                }
            }
            Err(error) => self.bars.suspend(|| self.tally.fail(error)),
        }
    }

    /// Takes the bars away, says what was done, and gives the command's result.
    pub(crate) fn end(self) -> Result<()> {
        self.bars.end();
        let left_out = self.left_out.load(Ordering::Relaxed);
        if let Some(more @ 1..) = left_out.checked_sub(NOTES) {
            self.output
                .note(format!("{more} more were left out, {left_out} in all"));
        }
        let seconds = self.began.elapsed().as_secs_f64();
        if self.output.json {
            self.output.document(&json!({
                "files": self.files,
                "skipped": self.skipped,
                "left_out": left_out,
                "failed": self.tally.failed,
                "bytes": self.bytes,
                "resumed_from": self.resumed,
                "verified": self.verified,
                "duration_ms": (seconds * 1000.0) as u64,
            }))?;
        } else if self.files > 0 {
            let rate = bytes((self.bytes as f64 / seconds.max(1e-3)) as u64);
            let mut line = format!(
                "{}, {} in {seconds:.1} s, {rate}/s",
                files(self.files),
                bytes(self.bytes)
            );
            if self.resumed > 0 {
                line.push_str(&format!(", resumed at {}", bytes(self.resumed)));
            }
            line.push_str(match self.verified {
                Some(Verified::Checksum) => ", checksums compared",
                Some(Verified::Command) => ", checksums compared by the server's shell",
                Some(Verified::Nothing) => ", not checked: the server tells no sizes",
                Some(Verified::Size) | None => "",
            });
            self.output.info(line)?;
        }
        self.tally.end()
    }
}

/// The one that says less.
fn weaker(one: Verified, other: Verified) -> Verified {
    let order = [
        Verified::Nothing,
        Verified::Size,
        Verified::Command,
        Verified::Checksum,
    ];
    let is_there = |check: &Verified| [one, other].contains(check);
    order.into_iter().find(is_there).unwrap_or(one)
}
