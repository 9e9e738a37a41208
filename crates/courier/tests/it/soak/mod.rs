//! What runs at night goes on: everything that takes part in a transfer is killed in the middle of it, at moments that a
//! seed decides.
//!
//! ```sh
//! make soak                                                        # twenty rounds each, with a bigger file
//! make soak SOAK_SEED=7 SOAK_ROUNDS=3 SOAK_ARGS="-E 'test(nodes)'"   # some of them again
//! ```
//!
//! Files that are pulled ([`pulls`]) are many instead of big: COURIER_SOAK_FILES of them, each destination's own.
//!
//! The moment is chosen in bytes that have passed the line to the partner, not in seconds, so that a slow machine
//! kills at the same places. Each round runs a job of five steps ([`course`]) and looks at all that it left.
// What a soak test prints is how it is run again, and how it went.
#![allow(clippy::print_stdout)]

mod course;
mod database;
mod dice;
mod nodes;
mod partner;
mod process;
mod pulls;
mod server;

/// A number from the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// How often each kill happens: once where nobody asks for more.
fn rounds() -> u64 {
    setting("COURIER_SOAK_ROUNDS", 1)
}

/// The size of the big file.
fn size() -> usize {
    setting("COURIER_SOAK_MIB", 16) as usize * 1024 * 1024
}
