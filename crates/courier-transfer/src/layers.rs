//! Wrappers around any [`Client`](crate::Client): what is the same for each protocol and belongs in none.
//!
//! They forward every method on purpose (`clippy::missing_trait_methods`), so that no default of the trait
//! hides what a protocol does better.

mod rooted;
mod timeout;

pub use rooted::Rooted;
pub use timeout::Timeouts;
