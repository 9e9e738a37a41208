//! Progress bars of transfers, drawn on standard error.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use courier_transfer::ops::{BatchProgress, Job};
use courier_transfer::{NoProgress, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Output;
use super::text::printable;

mod moving;

pub(crate) use moving::Moving;

/// Files below this size move too fast for a bar of their own to be read.
const OWN_BAR_FROM: u64 = 4_000_000;
/// Draws a second; a terminal over a slow line should not slow a transfer down.
const DRAWS: u8 = 10;

const SIZED: &str = "{msg:30!} {wide_bar:.cyan/blue} {decimal_bytes:>9}/{decimal_total_bytes:<9} {decimal_bytes_per_sec:>11} {eta:>4}";
const UNSIZED: &str = "{msg:30!} {spinner} {decimal_bytes:>9} {decimal_bytes_per_sec:>11}";

/// A bar of one file on a terminal.
fn file_bar(name: String, size: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr_with_hz(DRAWS));
    bar.set_style(style(if size.is_some() { SIZED } else { UNSIZED }));
    bar.set_message(name);
    bar
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The progress of a command: one bar for all, and one for each big file; nothing without a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Transfers(Option<Arc<Bars>>);

#[derive(Debug)]
struct Bars {
    all: MultiProgress,
    total: ProgressBar,
    own_from: u64,
}

impl Transfers {
    /// For many files.
    pub(crate) fn many(output: Output) -> Self {
        let bars = Self::with(output, OWN_BAR_FROM);
        if let Some(bars) = &bars.0 {
            let total = bars.all.add(bars.total.clone());
            total.set_style(style(SIZED));
            total.set_message("total");
            total.enable_steady_tick(Duration::from_millis(500));
        }
        bars
    }

    /// For one file, whose bar is also the total.
    pub(crate) fn one(output: Output) -> Self {
        Self::with(output, 0)
    }

    /// Bars where there is a terminal to draw on.
    fn with(output: Output, own_from: u64) -> Self {
        if !output.has_bars() {
            return Self(None);
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(DRAWS));
        let total = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        Self(Some(Arc::new(Bars { all, total, own_from })))
    }

    /// The progress of one more file.
    pub(crate) fn file(&self, name: &str) -> Arc<dyn Progress> {
        let Some(bars) = &self.0 else {
            return Arc::new(NoProgress);
        };
        Arc::new(File {
            bars: bars.clone(),
            name: printable(name),
            own: OnceLock::new(),
            size: AtomicU64::new(0),
            reached: AtomicU64::new(0),
        })
    }

    /// Says something above the bars.
    pub(crate) fn suspend<T>(&self, say: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(bars) => bars.all.suspend(say),
            None => say(),
        }
    }

    /// Takes the bars away.
    pub(crate) fn end(&self) {
        if let Some(bars) = &self.0 {
            bars.total.finish_and_clear();
        }
    }
}

impl BatchProgress for Transfers {
    fn begin(&self, job: &Job) -> Arc<dyn Progress> {
        self.file(&job.remote.to_text())
    }
}

/// One file's share.
#[derive(Debug)]
struct File {
    bars: Arc<Bars>,
    name: String,
    own: OnceLock<ProgressBar>,
    size: AtomicU64,
    reached: AtomicU64,
}

impl Progress for File {
    fn begin(&self, offset: u64, size: Option<u64>) {
        let total = &self.bars.total;
        let length = size.unwrap_or(0);
        let before = self.size.swap(length, Ordering::Relaxed);
        total.set_length((total.length().unwrap_or(0) + length).saturating_sub(before));
        if size.is_none_or(|size| size >= self.bars.own_from) {
            self.own.get_or_init(|| {
                let bar = file_bar(self.name.clone(), size);
                self.bars.all.insert(0, bar)
            });
        }
        self.reached(offset);
    }

    fn reached(&self, offset: u64) {
        let before = self.reached.swap(offset, Ordering::Relaxed);
        if offset >= before {
            self.bars.total.inc(offset - before);
        } else {
            self.bars.total.dec(before - offset);
        }
        if let Some(own) = self.own.get() {
            own.set_position(offset);
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        if let Some(own) = self.own.get() {
            own.finish_and_clear();
            self.bars.all.remove(own);
        }
    }
}
