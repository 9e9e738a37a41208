//! Work on local files, which blocks the thread that does it.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::{Error, ErrorKind, Result};

/// Handing work to another thread costs some 20 µs on both ends; below this it is not worth it.
const QUICK: Duration = Duration::from_micros(200);

thread_local! {
    /// How long short work has taken lately, on average.
    static USUAL: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Runs work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(e) => Err(Error::new(ErrorKind::Local, "a local file operation did not end").with_source(e)),
    }
}

/// Runs work that is short unless the disk is slow: opening, renaming, looking.
///
/// A thread that carries nothing but its caller's own work (the command line's) does it itself, as long as the disk answers
/// at once; with thousands of small files that is most of what they cost.
pub(super) async fn quickly<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let timed = move || {
        let began = Instant::now();
        let result = work();
        Ok((result, began.elapsed()))
    };
    let alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    let (result, took) = match alone && USUAL.get() < QUICK {
        true => timed()?,
        false => blocking(timed).await?,
    };
    USUAL.set((USUAL.get() * 7 + took) / 8);
    result
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn a_slow_disk_gets_threads_until_it_is_quick_again() {
        let here = thread::current().id();
        let on = |took: Duration| {
            quickly(move || {
                thread::sleep(took);
                Ok(thread::current().id())
            })
        };
        assert_eq!(on(Duration::ZERO).await.unwrap(), here);
        on(QUICK * 20).await.unwrap();
        assert_ne!(on(Duration::ZERO).await.unwrap(), here);
        while on(Duration::ZERO).await.unwrap() != here {}
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn a_server_waits_for_no_disk() {
        let ran = tokio::spawn(async {
            let here = thread::current().id();
            (here, quickly(|| Ok(thread::current().id())).await.unwrap())
        });
        let (here, there) = ran.await.unwrap();
        assert_ne!(here, there);
    }
}
