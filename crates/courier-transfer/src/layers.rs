//! Wrappers around any [`Client`](crate::Client): what is the same for each protocol and belongs in none.
//!
//! They stand in this order, outside first: [`Parallel`], [`Reconnecting`], [`Timeouts`], [`Rooted`], the protocol's own.
//! They forward every method on purpose (`clippy::missing_trait_methods`), so that no default of the trait
//! hides what a protocol does better.

mod parallel;
mod reconnect;
mod rooted;
mod timeout;

pub(crate) use parallel::SHARED_UNASKED;
pub use parallel::{Lanes, Parallel};
pub use reconnect::Reconnecting;
pub use rooted::Rooted;
pub use timeout::Timeouts;
