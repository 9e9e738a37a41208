//! Bars of files that a server moves, by what it tells of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use courier_api::{Progress, StepProgress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::super::text::{bytes, files, printable};
use super::super::{Output, progress};
use crate::exit::Result;

/// Bars at once, at most: more would push what is said off the screen.
const BARS: usize = 12;
/// A file that nothing is heard of for so long moves no more. The server tells of each twice a second.
const SILENCE: Duration = Duration::from_secs(4);

/// Characters of a path that are shown; those of [`SIZED`] and [`UNSIZED`].
const NAME: usize = 30;
const SIZED: &str =
    "{msg:30!} {wide_bar:.cyan/blue} {decimal_bytes:>9}/{decimal_total_bytes:<9} {prefix:>22}";
const UNSIZED: &str = "{msg:30!} {spinner} {decimal_bytes:>9} {prefix:>22}";
const SUMMARY: &str = "{msg}";

/// A bar for each file that moves, and a line for the step; nothing without a terminal.
#[derive(Debug)]
pub(crate) struct Moving {
    output: Output,
    all: MultiProgress,
    files: HashMap<String, FileBar>,
    step: Option<ProgressBar>,
}

#[derive(Debug)]
struct FileBar {
    bar: ProgressBar,
    heard: Instant,
}

impl Moving {
    pub(crate) fn new(output: Output) -> Self {
        let target = match output.has_bars() {
            true => ProgressDrawTarget::stderr_with_hz(progress::DRAWS),
            false => ProgressDrawTarget::hidden(),
        };
        Self {
            output,
            all: MultiProgress::with_draw_target(target),
            files: HashMap::new(),
            step: None,
        }
    }

    /// A file is so far.
    pub(crate) fn file(&mut self, file: &Progress) {
        if !self.output.has_bars() {
            return;
        }
        self.forget_silent();
        if file.total_bytes == Some(file.bytes_transferred) {
            self.forget(&file.current_file);
            return;
        }
        if !self.files.contains_key(&file.current_file) {
            if self.files.len() >= BARS {
                return;
            }
            let bar = self
                .all
                .insert(0, ProgressBar::hidden().with_elapsed(Duration::ZERO));
            bar.set_style(progress::style(match file.total_bytes {
                Some(_) => SIZED,
                None => UNSIZED,
            }));
            bar.set_message(end_of(&printable(&file.current_file)));
            let heard = Instant::now();
            self.files
                .insert(file.current_file.clone(), FileBar { bar, heard });
        }
        if let Some(FileBar { bar, heard }) = self.files.get_mut(&file.current_file) {
            *heard = Instant::now();
            if let Some(total) = file.total_bytes {
                bar.set_length(total);
            }
            bar.set_prefix(pace(file.transfer_rate_bytes_per_sec, file.eta_sec));
            bar.set_position(file.bytes_transferred);
        }
    }

    /// A step is so far.
    pub(crate) fn step(&mut self, step: &StepProgress) {
        if !self.output.has_bars() {
            return;
        }
        self.forget_silent();
        let line = self.step.get_or_insert_with(|| {
            let line = self.all.add(ProgressBar::hidden());
            line.set_style(progress::style(SUMMARY));
            line
        });
        line.set_message(format!(
            "step {}: {}, {}, {}",
            step.step,
            files(step.files_transferred),
            bytes(step.bytes_transferred),
            pace(step.transfer_rate_bytes_per_sec, None)
        ));
    }

    /// Says something above the bars.
    pub(crate) fn say(&self, line: &str) -> Result<()> {
        self.all.suspend(|| self.output.info(line))
    }

    /// Notes something above the bars.
    pub(crate) fn note(&self, line: &str) {
        self.all.suspend(|| self.output.note(line));
    }

    /// Takes the bars away: a step has ended, or everything.
    pub(crate) fn clear(&mut self) {
        for (_, file) in self.files.drain() {
            file.bar.finish_and_clear();
            self.all.remove(&file.bar);
        }
        if let Some(line) = self.step.take() {
            line.finish_and_clear();
            self.all.remove(&line);
        }
    }

    fn forget(&mut self, name: &str) {
        if let Some(file) = self.files.remove(name) {
            file.bar.finish_and_clear();
            self.all.remove(&file.bar);
        }
    }

    fn forget_silent(&mut self) {
        let silent: Vec<String> = self
            .files
            .iter()
            .filter(|(_, file)| file.heard.elapsed() > SILENCE)
            .map(|(name, _)| name.clone())
            .collect();
        for name in silent {
            self.forget(&name);
        }
    }
}

/// The end of a path, which tells more than its beginning, as long as there is room for.
fn end_of(path: &str) -> String {
    let length = path.chars().count();
    match length > NAME {
        true => std::iter::once('…')
            .chain(path.chars().skip(length - NAME + 1))
            .collect(),
        false => path.to_owned(),
    }
}

/// How fast it goes, and how long it takes: `35.0 MB/s, 2:05 left`.
fn pace(rate: f64, eta_sec: Option<u64>) -> String {
    // No rate comes near the limits of the number.
    let rate = format!("{}/s", bytes(rate.max(0.0).round() as u64));
    match eta_sec {
        Some(left) => format!("{rate}, {} left", clock(left)),
        None => rate,
    }
}

fn clock(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        1..=99 => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => format!("{} days", hours / 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_path_is_shown() {
        let shown = end_of("/home/partner/outgoing/2026/11/22/Zahlungsträger-0001.xml");
        assert_eq!(shown, "…11/22/Zahlungsträger-0001.xml");
        assert_eq!(end_of("a.csv"), "a.csv");
    }

    #[test]
    fn the_pace_is_told_in_words() {
        for (rate, eta, said) in [
            (35_000_000.0, Some(125), "35.0 MB/s, 2:05 left"),
            (0.0, None, "0 B/s"),
            (999.6, Some(0), "1.0 kB/s, 0:00 left"),
            (10.0, Some(3725), "10 B/s, 1:02:05 left"),
            (1.0, Some(864_000), "1 B/s, 10 days left"),
        ] {
            assert_eq!(pace(rate, eta), said);
        }
    }
}
