//! What the tests run against: the built binary, real OpenSSH and FTP servers, a server of Courier's.

mod cli;
mod destination;
mod ftpd;
pub(crate) mod hook;
mod needles;
mod postgres;
mod processes;
mod serve;
pub(crate) mod smtpd;
mod sshd;
mod visits;
pub(crate) mod watched;

pub(crate) use cli::{Cli, Outcome, signal, wait_until};
pub(crate) use destination::{Arrived, Destination, arrived};
pub(crate) use ftpd::{Ftpd, PASSWORD as FTP_PASSWORD, Software};
pub(crate) use needles::{Needles, from_base64};
pub(crate) use postgres::Postgres;
pub(crate) use serve::{PASSWORD, Serve};
pub(crate) use sshd::{Sshd, keygen, user};
pub(crate) use visits::Visits;

/// Bytes that don't repeat in a way that could hide a mixed-up block.
pub(crate) fn content(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
