//! The remote folders that an upload needs: each is made once, several at a time.

use std::{collections::HashMap, sync::Arc};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared, ready},
};
use parking_lot::Mutex;

use crate::{Client, Error, ErrorKind, RemotePath, Result};

use super::{
    directories::{is_broken, make_dir_all, not_a_directory},
    remove::make_dir,
};

/// Folders that are remembered. One that is forgotten and needed again is found to be there.
const REMEMBERED: usize = 4096;

/// Folders below a base folder.
#[derive(Debug)]
pub(super) struct Folders {
    client: Arc<dyn Client>,
    base: RemotePath,
    /// Is the base folder to be made, too?
    makes_base: bool,
    known: HashMap<RemotePath, Making>,
}

/// A folder that is there when this ends, or why not.
pub(super) type Making = Shared<BoxFuture<'static, Result<(), Refusal>>>;

/// Why a folder, or one above it, could not be made: told once, to whoever asks first.
#[derive(Clone, Debug)]
pub(super) struct Refusal(Arc<Mutex<Option<Error>>>);

impl Refusal {
    /// The error, if nobody has taken it.
    pub(super) fn take(&self) -> Option<Error> {
        self.0.lock().take()
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self(Arc::new(Mutex::new(Some(error))))
    }
}

impl Folders {
    pub(super) fn new(client: Arc<dyn Client>, base: RemotePath, makes_base: bool) -> Self {
        Self {
            client,
            base,
            makes_base,
            known: HashMap::new(),
        }
    }

    /// A folder, relative to the base. Those above it are made before.
    pub(super) fn of(&mut self, folder: &RemotePath) -> Making {
        if let Some(making) = self.known.get(folder) {
            return making.clone();
        }
        let above = folder.parent().filter(|_| !folder.is_top());
        let making = match above.map(|above| self.of(&above)) {
            Some(above) => {
                let (client, folder) = (self.client.clone(), self.base.join_below(folder));
                let make = async move {
                    above.await?;
                    make(&*client, &folder).await.map_err(Refusal::from)
                };
                make.boxed().shared()
            }
            None if self.makes_base => {
                let (client, base) = (self.client.clone(), self.base.clone());
                let make = async move { make_dir_all(&*client, &base).await };
                make.map(|made| made.map(drop).map_err(Refusal::from))
                    .boxed()
                    .shared()
            }
            None => ready(Ok(())).boxed().shared(),
        };
        if self.known.len() >= REMEMBERED {
            self.known.retain(|_, making| making.peek().is_none());
        }
        self.known.insert(folder.clone(), making.clone());
        making
    }
}

/// Makes one folder; one that is there is fine.
async fn make(client: &dyn Client, folder: &RemotePath) -> Result<()> {
    let error = match make_dir(client, folder).await {
        Ok(()) => return Ok(()),
        Err(e) if is_broken(&e) => return Err(e),
        Err(e) => e,
    };
    match client.stat(folder).await {
        Ok(entry) if entry.is_dir() => Ok(()),
        Ok(_) => Err(not_a_directory(folder)),
        // Hidden from this login, and there.
        Err(_) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(_) => Err(error),
    }
}
