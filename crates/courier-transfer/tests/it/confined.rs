//! Local paths that are confined, while somebody else puts links in the way at the worst moment.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use courier_transfer::{
    Error, ErrorKind, Result,
    ops::{
        Confine, Context, DownloadOptions, LocalPath, Locals, PlanOptions, RemoteGlob, UploadOptions,
        Version, download, plan_downloads, remove_version, upload, walk,
    },
};
use futures::StreamExt;

use crate::support::{Setup, path};

/// Allows what lies in the folder, and right after that moves the parent of what was asked for, and puts a link to
/// another folder in its place: as quick as nobody is.
#[derive(Debug)]
struct Swapped {
    root: PathBuf,
    swap: Mutex<Option<(PathBuf, PathBuf)>>,
}

impl Confine for Swapped {
    fn resolve(&self, path: &Path) -> Result<PathBuf> {
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(_) => path
                .parent()
                .unwrap()
                .canonicalize()
                .unwrap()
                .join(path.file_name().unwrap()),
        };
        if !real.starts_with(&self.root) {
            return Err(Error::new(ErrorKind::Denied, "outside"));
        }
        if let Some((from, to)) = self.swap.lock().unwrap().take() {
            fs::rename(&from, from.with_extension("moved")).unwrap();
            symlink(to, from).unwrap();
        }
        Ok(real)
    }
}

/// A root with a folder `in`, and beside the root a folder with a secret.
struct Place {
    setup: Setup,
    root: PathBuf,
    secret: PathBuf,
}

impl Place {
    fn new() -> Self {
        let setup = Setup::new();
        let dir = setup.local("").canonicalize().unwrap();
        let (root, secret) = (dir.join("root"), dir.join("secret"));
        fs::create_dir_all(root.join("in")).unwrap();
        fs::create_dir_all(&secret).unwrap();
        fs::write(secret.join("file"), "the secret").unwrap();
        fs::write(root.join("in/file"), "no secret").unwrap();
        Self { setup, root, secret }
    }

    /// Swaps `what` for a link to `to` after the next question.
    fn swaps(&self, what: &str, to: PathBuf) -> Locals {
        Locals::Within(Arc::new(Swapped {
            root: self.root.clone(),
            swap: Mutex::new(Some((self.root.join(what), to))),
        }))
    }

    fn still(&self) -> Locals {
        Locals::Within(Arc::new(Swapped {
            root: self.root.clone(),
            swap: Mutex::default(),
        }))
    }

    fn context(&self, locals: Locals) -> Context {
        Context {
            locals,
            ..self.setup.context()
        }
    }

    async fn upload(&self, locals: Locals) -> Result<()> {
        let (source, context) = (self.root.join("in/file"), self.context(locals));
        upload(
            &self.setup.client,
            &source,
            &path("up"),
            &UploadOptions::default(),
            &context,
        )
        .await
        .map(drop)
    }

    async fn download(&self, locals: Locals, to: &str) -> Result<()> {
        self.setup.memory.put(&path("f"), b"fetched".to_vec());
        let options = DownloadOptions {
            create_parents: true,
            ..DownloadOptions::default()
        };
        let (target, context) = (self.root.join(to), self.context(locals));
        download(&self.setup.client, &path("f"), &target, &options, &context)
            .await
            .map(drop)
    }

    fn secret_is_alone(&self) {
        let names: Vec<_> = fs::read_dir(&self.secret)
            .unwrap()
            .map(|e| e.unwrap().file_name())
            .collect();
        assert_eq!(names, ["file"]);
        assert_eq!(fs::read(self.secret.join("file")).unwrap(), b"the secret");
    }
}

#[tokio::test]
async fn an_upload_reads_no_file_that_was_put_there_after_the_check() {
    let place = Place::new();
    place
        .upload(place.swaps("in", place.secret.clone()))
        .await
        .unwrap_err();
    assert!(place.setup.memory.content(&path("up")).is_none());

    let place = Place::new();
    place
        .upload(place.swaps("in/file", place.secret.join("file")))
        .await
        .unwrap_err();
    assert!(place.setup.memory.content(&path("up")).is_none());

    // A link that leads to what is allowed is followed, and one that doesn't is refused.
    let place = Place::new();
    fs::rename(place.root.join("in/file"), place.root.join("real")).unwrap();
    symlink("../real", place.root.join("in/file")).unwrap();
    place.upload(place.still()).await.unwrap();
    assert_eq!(place.setup.memory.content(&path("up")).unwrap(), b"no secret");
    fs::remove_file(place.root.join("in/file")).unwrap();
    symlink(place.secret.join("file"), place.root.join("in/file")).unwrap();
    assert_eq!(
        place.upload(place.still()).await.unwrap_err().kind(),
        ErrorKind::Denied
    );
}

#[tokio::test]
async fn a_download_writes_nowhere_else() {
    for (swapped, to) in [("in", "in/new"), ("in", "in/deep/new"), ("in", "in/file")] {
        let place = Place::new();
        // Whether the folder is still entered, or refused: the other one is left alone.
        let _ = place
            .download(place.swaps(swapped, place.secret.clone()), to)
            .await;
        place.secret_is_alone();
    }
    for name in ["new", "new.part"] {
        let place = Place::new();
        symlink(place.secret.join("file"), place.root.join("in").join(name)).unwrap();
        let _ = place.download(place.still(), "in/new").await;
        place.secret_is_alone();
    }
    let place = Place::new();
    symlink(&place.secret, place.root.join("out")).unwrap();
    let error = place.download(place.still(), "out/new").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    place.secret_is_alone();
}

#[tokio::test]
async fn folders_are_made_and_read_nowhere_else() {
    let place = Place::new();
    place.setup.memory.put(&path("out/a/f"), b"x".to_vec());
    let into = LocalPath {
        path: place.root.join("in"),
        locals: place.swaps("in", place.secret.clone()),
    };
    let from = RemoteGlob::new("out/*/f").unwrap();
    let jobs = plan_downloads(
        place.setup.client.clone(),
        from,
        into,
        PlanOptions::default(),
        drop,
    );
    drop(jobs.collect::<Vec<_>>().await);
    place.secret_is_alone();

    let from = LocalPath {
        path: place.root.join("in/*"),
        locals: place.swaps("in", place.secret.clone()),
    };
    let found = walk(from, PlanOptions::default(), drop).collect::<Vec<_>>().await;
    assert!(found.iter().all(std::result::Result::is_err), "{found:?}");
}

#[tokio::test]
async fn only_what_was_sent_is_removed() {
    let place = Place::new();
    let source = place.root.join("in/file");
    let context = place.context(place.still());
    let sent = upload(
        &place.setup.client,
        &source,
        &path("up"),
        &UploadOptions::default(),
        &context,
    )
    .await
    .unwrap();
    let Some(Version::Local(version)) = sent.source else {
        panic!("no version of a local file: {:?}", sent.source);
    };
    let _ = remove_version(&source, &place.swaps("in", place.secret.clone()), &version);
    place.secret_is_alone();
    fs::remove_file(place.root.join("in")).unwrap();
    fs::rename(place.root.join("in.moved"), place.root.join("in")).unwrap();
    assert!(remove_version(&source, &place.still(), &version).unwrap());
    assert!(!source.exists());
}
