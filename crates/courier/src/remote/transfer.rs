//! How files are moved: what `get` and `put` have in common.

use std::sync::Arc;

use courier_transfer::Rate;
use courier_transfer::layers::Lanes;
use courier_transfer::ops::Verify;

use super::url::Scheme;

/// Sessions that share one big file where nobody says how many. OpenSSH lets ten log in at a time.
const MOST_LANES: usize = 8;
/// Sessions that several files are spread over where nobody says how many, since FTP does one thing at a time on each.
/// Servers often take five of one client.
pub(super) const FTP_LANES: Lanes = Lanes::Automatic { most: 4 };
/// Reconnects in a row that bring no new byte, as a connection has them by default.
pub(super) const RETRIES: u32 = 2;

/// How files are moved.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Transfer")]
pub(crate) struct TransferArgs {
    /// Sessions. With SFTP they share one file of 8 MiB or more [default: up to 8 for files from 64 MiB on where a round trip
    /// takes 10 ms or more, else 1]; with FTP each takes its own of several files [default: up to 4]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: Option<u8>,

    /// Bytes a second that all files together may take; with k, M or G for 1024, 1024² or 1024³
    #[arg(long, value_name = "RATE", value_parser = rate)]
    limit_rate: Option<u64>,

    /// How often to reconnect in a row without anything new; with 0 a broken line ends the command
    #[arg(long, value_name = "N", default_value_t = RETRIES, value_parser = clap::value_parser!(u32).range(0..=1000))]
    retries: u32,

    /// What is compared when all bytes have moved: sizes always; checksums where the server computes them; with `command`
    /// also by a command in the server's shell
    #[arg(long, value_name = "CHECK", value_enum, default_value_t = Check::Checksum)]
    verify: Check,
}

/// The words of `--verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Check {
    /// The sizes
    Size,
    /// Checksums too, where the protocol has them
    Checksum,
    /// Checksums too, by a command in the server's shell where the protocol has none
    Command,
}

impl TransferArgs {
    pub(crate) fn lanes(&self, scheme: Scheme) -> Lanes {
        match self.parallel {
            Some(lanes) => Lanes::Exactly(lanes.into()),
            None if scheme.is_ftp() => FTP_LANES,
            None => Lanes::Automatic { most: MOST_LANES },
        }
    }

    pub(crate) fn rate(&self) -> Option<Arc<Rate>> {
        self.limit_rate.map(|rate| Arc::new(Rate::new(rate)))
    }

    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    pub(crate) fn verify(&self) -> Verify {
        match self.verify {
            Check::Size => Verify::Size,
            Check::Checksum => Verify::Checksum,
            Check::Command => Verify::Command,
        }
    }
}

/// `500k`, `2M`, `1.5G`, or bytes.
fn rate(text: &str) -> Result<u64, &'static str> {
    let text = text.trim().trim_end_matches(['B', 'b']);
    let number = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let factor = match text.get(number.len()..).unwrap_or_default() {
        "" => Some(1.0),
        "k" | "K" => Some(1024.0),
        "m" | "M" => Some(1024.0 * 1024.0),
        "g" | "G" => Some(1024.0 * 1024.0 * 1024.0),
        _ => None,
    };
    let rate = factor.and_then(|factor| Some(number.parse::<f64>().ok()? * factor));
    rate.filter(|rate| rate.is_finite() && *rate >= 1.0)
        .map(|rate| rate as u64)
        .ok_or("expected bytes a second, such as 500k or 2M")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        assert_eq!(rate("1000"), Ok(1000));
        assert_eq!(rate("500k"), Ok(512_000));
        assert_eq!(rate("1.5MB"), Ok(1_572_864));
        for wrong in ["", "k", "-1", "0", "5x", "1e999", "nan"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
