//! How sessions with one server are opened, for whoever needs a new one or one more.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use tokio::sync::OnceCell;

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

/// Lets the first session beside the main one tell for the others whether there may be any: servers lock accounts after
/// some rejected logins, so several must not be rejected at once.
#[derive(Debug, Default)]
pub struct Scout(OnceCell<()>);

impl Scout {
    /// Opens one more session. Until one was opened, only one is tried at a time, and the others wait for it.
    ///
    /// # Errors
    /// Those of `open`.
    pub async fn open<T, E, Fut>(&self, open: impl Fn() -> Fut) -> Result<Option<T>, E>
    where
        Fut: Future<Output = Result<Option<T>, E>>,
    {
        let mut first = None;
        let slot = &mut first;
        let opening = &open;
        let tried = self
            .0
            .get_or_try_init(move || async move {
                *slot = opening().await.map_err(Some)?;
                slot.as_ref().map(|_| ()).ok_or(None)
            })
            .await;
        match tried {
            Ok(()) if first.is_some() => Ok(first),
            Ok(()) => open().await,
            Err(Some(e)) => Err(e),
            Err(None) => Ok(None),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn one_rejection_is_enough() {
        let (scout, tries) = (Scout::default(), AtomicU32::new(0));
        let reject = || async {
            tries.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Err::<Option<u32>, &str>("rejected")
        };
        assert_eq!(scout.open(reject).await, Err("rejected"));
        assert_eq!(tries.load(Ordering::Relaxed), 1);
        let accept = async || Ok::<_, &str>(Some(7));
        let both = tokio::join!(scout.open(accept), scout.open(accept));
        assert_eq!(both, (Ok(Some(7)), Ok(Some(7))));
    }
}
