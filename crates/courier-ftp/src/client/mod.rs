//! The unified interface over a session: paths in, entries and clear errors out.

mod change;
mod checksum;
pub(crate) mod error;
mod lines;
mod list;
pub(crate) mod look;
mod read;
mod write;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use courier_transfer::{
    Capabilities, Checksum, ChecksumBy, Client, ConnectOptions, CreateOptions, Entry, EntryKind, EntryStream,
    Error, ErrorKind, Fetch, Listed, OpenOptions, Reader, RemotePath, RenameMode, Result, ServerInfo, Store,
    Target, Writer,
};
use futures::StreamExt;
use jiff::Timestamp;

use self::error::of_kind;
use crate::{config::Options, connect::connect, session::Session, tls::TlsOptions};

/// A session with an FTP server. It does one thing at a time; what else is asked waits.
#[derive(Debug)]
pub(crate) struct FtpClient {
    session: Arc<Session>,
    server: ServerInfo,
}

impl FtpClient {
    pub(crate) async fn connect(
        target: Target,
        options: ConnectOptions,
        tls: Option<TlsOptions>,
    ) -> Result<Self> {
        let settings = Options::of(&target.settings, tls)?;
        let (session, server) = connect(target, options, settings).await?;
        Ok(Self { session, server })
    }

    /// What lies at `path`, where only the listing of its folder can tell: on hosts that know nothing but LIST.
    async fn listed(&self, path: &RemotePath, refused: Error) -> Result<Entry> {
        let Some(parent) = path.parent() else {
            return Err(refused);
        };
        let mut listing = match self.list(&parent).await {
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::WrongKind) => {
                return Err(of_kind(ErrorKind::NotFound, &refused, path));
            }
            listing => listing?,
        };
        while let Some(listed) = listing.next().await.transpose()? {
            if let Listed::Entry(entry) = listed
                && entry.path == *path
            {
                return Ok(entry);
            }
        }
        Err(of_kind(ErrorKind::NotFound, &refused, path))
    }

    async fn has_entries(&self, dir: &RemotePath) -> Result<bool> {
        Ok(self.list(dir).await?.next().await.transpose()?.is_some())
    }
}

#[async_trait]
impl Client for FtpClient {
    fn capabilities(&self) -> Capabilities {
        let (features, ascii) = (&self.session.features, self.session.options.ascii);
        Capabilities {
            resume_download: features.rest_stream && !ascii,
            // Where REST is not taken before STOR, APPE is there.
            resume_upload: !ascii,
            atomic_replace: self.session.replaces(),
            set_times: features.mfmt || self.session.sets_times_by_mdtm,
            checksum: checksum::is_offered(features),
            parts: false,
            permissions: self.session.has_mlst() && features.tells("UNIX.mode"),
            concurrency: 1,
        }
    }

    fn server(&self) -> &ServerInfo {
        &self.server
    }

    fn is_connected(&self) -> bool {
        self.session.health().is_alive()
    }

    fn round_trip(&self) -> Option<Duration> {
        self.session.health().round_trip()
    }

    async fn stat(&self, path: &RemotePath) -> Result<Entry> {
        let (session, own_path) = (Arc::clone(&self.session), path.clone());
        let found = self
            .session
            .run(|mut control, _| async move { look::found(&mut control, &session, &own_path).await });
        match found.await {
            Err(e) if e.kind() == ErrorKind::Unsupported => self.listed(path, e).await,
            result => result,
        }
    }

    async fn list(&self, dir: &RemotePath) -> Result<EntryStream> {
        list::listing(&self.session, dir).await
    }

    async fn open(&self, path: &RemotePath, options: OpenOptions) -> Result<Box<dyn Reader>> {
        read::open(&self.session, path, options).await
    }

    async fn create(&self, path: &RemotePath, options: CreateOptions) -> Result<Box<dyn Writer>> {
        write::create(&self.session, path, options).await
    }

    async fn fetch(&self, path: &RemotePath, request: Fetch) -> Result<u64> {
        read::fetch(&self.session, path, request).await
    }

    async fn store(&self, path: &RemotePath, request: Store) -> Result<u64> {
        write::store(&self.session, path, request).await
    }

    async fn rename(&self, from: &RemotePath, to: &RemotePath, mode: RenameMode) -> Result<()> {
        if mode == RenameMode::KeepTarget {
            match self.stat(to).await {
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => return Err(e),
                Ok(_) => {
                    let taken = Error::new(ErrorKind::AlreadyExists, "something has the new name already");
                    return Err(taken.with("path", to));
                }
            }
        }
        let (session, from, to) = (Arc::clone(&self.session), from.clone(), to.clone());
        self.session
            .run(move |mut control, _| async move {
                change::rename(&mut control, &session, &from, &to, mode).await
            })
            .await
    }

    async fn make_dir(&self, path: &RemotePath) -> Result<()> {
        let (session, path) = (Arc::clone(&self.session), path.clone());
        self.session
            .run(|mut control, _| async move { change::make_dir(&mut control, &session, &path).await })
            .await
    }

    async fn remove(&self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        let (session, own_path) = (Arc::clone(&self.session), path.clone());
        let removed = self.session.run(move |mut control, _| async move {
            change::remove(&mut control, &session, &own_path, kind).await
        });
        match removed.await {
            Err(e) if kind == EntryKind::Directory && e.kind() == ErrorKind::Failed => {
                match self.has_entries(path).await {
                    Ok(true) => Err(of_kind(ErrorKind::NotEmpty, &e, path)),
                    _ => Err(e),
                }
            }
            result => result,
        }
    }

    async fn set_modified(&self, path: &RemotePath, modified: Timestamp) -> Result<()> {
        let (session, path) = (Arc::clone(&self.session), path.clone());
        self.session
            .run(move |mut control, _| async move {
                change::set_modified(&mut control, &session, &path, modified).await
            })
            .await
    }

    async fn set_permissions(&self, path: &RemotePath, mode: u32) -> Result<()> {
        let (session, path) = (Arc::clone(&self.session), path.clone());
        self.session
            .run(move |mut control, _| async move {
                change::set_permissions(&mut control, &session, &path, mode).await
            })
            .await
    }

    async fn checksum(&self, path: &RemotePath, by: ChecksumBy) -> Result<Checksum> {
        if by == ChecksumBy::Command {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "FTP has no shell to compute checksums in; use protocol checksums, where the server has them",
            )
            .with("path", path));
        }
        let (session, path) = (Arc::clone(&self.session), path.clone());
        self.session
            .run(|mut control, _| async move { checksum::checksum(&mut control, &session, &path).await })
            .await
    }

    async fn canonicalize(&self, path: &RemotePath) -> Result<RemotePath> {
        match &self.session.home {
            _ if !self.is_connected() => Err(self.session.health().error()),
            Some(home) => {
                let absolute = match path.is_absolute() {
                    true => path.clone(),
                    false => home.join_below(path),
                };
                let session = Arc::clone(&self.session);
                self.session
                    .run(
                        |mut control, _| async move { look::entered(&mut control, &session, absolute).await },
                    )
                    .await
            }
            None if path.is_absolute() => Ok(path.clone()),
            None => Err(Error::new(
                ErrorKind::Unsupported,
                "the server's login folder is no path of Unix, so that there is no absolute path",
            )
            .with("path", path)),
        }
    }

    async fn keepalive(&self) -> Result<()> {
        self.session.keepalive().await
    }

    async fn disconnect(&self) -> Result<()> {
        self.session.disconnect().await;
        Ok(())
    }
}
