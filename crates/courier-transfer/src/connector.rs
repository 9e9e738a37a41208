//! How sessions with one server are opened, for whoever needs a new one or one more.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::{Client, Result};

/// Opens sessions with one server, always as the same user and under the same rules.
#[async_trait]
pub trait Connector: Send + Sync + fmt::Debug {
    /// A session in place of the one that this gave before, which has broken.
    async fn connect(&self) -> Result<Arc<dyn Client>>;

    /// One more session beside it, for a part of a big file. `None` where there may be no more now.
    async fn another(&self) -> Result<Option<Arc<dyn Client>>>;

    /// Ends a session that [`another`](Self::another) gave.
    async fn release(&self, client: Arc<dyn Client>);

    /// Ends when somebody else waits for a session that [`another`](Self::another) gave.
    async fn wanted(&self) {
        std::future::pending().await
    }
}
