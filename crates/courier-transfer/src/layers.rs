//! Wrappers around any [`Client`](crate::Client): what is the same for each protocol and belongs in none.
//!
//! They stand in this order, outside first: [`Parallel`], [`Reconnecting`], [`Timeouts`], [`Rooted`], the protocol's own.
//! They forward every method on purpose (`clippy::missing_trait_methods`), so that no default of the trait
//! hides what a protocol does better.

use crate::{Error, ErrorKind};

mod parallel;
mod reconnect;
mod rooted;
mod timeout;

pub(crate) use parallel::SHARED_UNASKED;
pub use parallel::{Lanes, Parallel};
pub use reconnect::Reconnecting;
pub use rooted::Rooted;
pub use timeout::Timeouts;

/// The error as that of a session that broke, while there is another one to go on with.
fn loss(error: Error) -> Error {
    told_of(Error::new(ErrorKind::Lost, error.message()), error)
}

/// `what` of the operation that met `error`.
fn told_of(what: Error, error: Error) -> Error {
    let named = match error.operation() {
        Some(operation) => what.in_operation(operation),
        None => what,
    };
    let context = error.context().to_vec();
    context
        .into_iter()
        .fold(named, |told, (key, value)| told.with(key, value))
        .with_source(error)
}
