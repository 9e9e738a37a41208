//! FTP and FTPS against real servers.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod breaks;
mod certificates;
mod conformance;
mod early_tls;
mod everyday;
mod fips;
mod odd_data;
mod odd_logins;
mod odd_replies;
mod odd_sessions;
mod odd_tls;
mod out_of_step;
mod paths_of_data;
mod policies;
mod round_trips;
mod scripted;
mod support;
