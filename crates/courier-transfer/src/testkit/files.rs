//! Cases about the bytes and attributes of files.

use std::sync::Arc;

use super::{BytesSink, BytesSource, Fixture, kind, pattern};
use crate::{
    ChecksumBy, CreateOptions, Error, ErrorKind, OpenOptions, RemotePath, RenameMode, Result, Store,
};

/// Sizes on both sides of what protocols cut bytes into.
const SIZES: [usize; 10] = [
    1, 32_767, 32_768, 32_769, 261_120, 261_121, 262_143, 262_144, 262_145, 5_000_001,
];

async fn fetch(f: &Fixture, path: &RemotePath, offset: u64, hint: Option<u64>) -> Result<Arc<BytesSink>> {
    let sink = Arc::new(BytesSink::default());
    let reached = f.client.fetch(path, sink.request(offset, hint)).await?;
    assert_eq!(sink.written(), reached - offset, "ranges overlap or are missing");
    assert_eq!(
        sink.reached().max(offset),
        reached,
        "progress ends where the file does"
    );
    Ok(sink)
}

async fn store(f: &Fixture, path: &RemotePath, offset: u64, source: &Arc<BytesSource>) -> Result<u64> {
    let options = CreateOptions {
        offset,
        create_new: false,
    };
    f.client
        .store(path, Store::new(source.clone(), options, None))
        .await
}

/// Reading starts at any offset; at and behind the end there is nothing.
pub async fn reads_start_at_offsets(f: &Fixture) {
    if !f.client.capabilities().resume_download {
        return;
    }
    let (file, bytes) = (f.path("f"), pattern(300_000));
    f.write(&file, &bytes).await;
    for offset in [0, 1, 32_768, 299_999, 300_000] {
        let rest = f.read_from(&file, offset as u64).await.unwrap();
        assert!(rest == bytes[offset..], "from {offset}");
    }
}

/// Writing goes on at an offset, keeps what lies before, and needs the file to be there.
pub async fn writes_continue_at_offsets(f: &Fixture) {
    if !f.client.capabilities().resume_upload {
        return;
    }
    let (file, bytes) = (f.path("f"), pattern(150_000));
    f.write(&file, &bytes[..70_000]).await;
    let options = CreateOptions {
        offset: 70_000,
        create_new: false,
    };
    let mut writer = f.client.create(&file, options).await.unwrap();
    writer.write(bytes[70_000..].to_vec().into()).await.unwrap();
    writer.finish().await.unwrap();
    assert!(f.read(&file).await == bytes);
    let missing = match f.client.create(&f.path("none"), options).await {
        Ok(writer) => writer.finish().await,
        Err(e) => Err(e),
    };
    assert_eq!(kind(missing), ErrorKind::NotFound);
    assert!(!f.exists(&f.path("none")).await);
}

/// Creating cuts an existing file, or refuses to where it must be new; the folder must exist.
pub async fn creating_cuts_or_refuses(f: &Fixture) {
    let file = f.path("f");
    f.write(&file, b"a long text").await;
    f.write(&file, b"short").await;
    assert_eq!(f.read(&file).await, b"short");
    let new = CreateOptions {
        offset: 0,
        create_new: true,
    };
    let refused = match f.client.create(&file, new).await {
        Ok(writer) => writer.finish().await,
        Err(e) => Err(e),
    };
    assert_eq!(kind(refused), ErrorKind::AlreadyExists);
    assert_eq!(f.read(&file).await, b"short");
    let mut writer = f.client.create(&f.path("new"), new).await.unwrap();
    writer.write(b"x".to_vec().into()).await.unwrap();
    writer.finish().await.unwrap();
    assert_eq!(f.read(&f.path("new")).await, b"x");
    let below = f.path("none").join(&file.name().unwrap());
    let refused = match f.client.create(&below, CreateOptions::default()).await {
        Ok(writer) => writer.finish().await,
        Err(e) => Err(e),
    };
    assert_eq!(kind(refused), ErrorKind::NotFound);
}

/// Nothing, and a folder, are no files to read or write.
pub async fn opening_what_is_no_file_fails(f: &Fixture) {
    let missing = f.read_from(&f.path("none"), 0).await;
    assert_eq!(kind(missing), ErrorKind::NotFound);
    assert_eq!(
        kind(fetch(f, &f.path("none"), 0, Some(5)).await),
        ErrorKind::NotFound
    );
    let dir = f.path("d");
    f.client.make_dir(&dir).await.unwrap();
    assert!(f.read_from(&dir, 0).await.is_err());
    assert!(fetch(f, &dir, 0, None).await.is_err());
    assert!(store(f, &dir, 0, &BytesSource::new(pattern(10))).await.is_err());
    assert!(f.client.stat(&dir).await.unwrap().is_dir());
}

/// Files of sizes around the protocols' blocks come back as they went.
pub async fn sizes_around_blocks_survive(f: &Fixture) {
    for size in SIZES {
        let (file, bytes) = (f.path(format!("f{size}")), pattern(size));
        f.write(&file, &bytes).await;
        assert_eq!(f.client.stat(&file).await.unwrap().size, Some(size as u64));
        assert!(f.read(&file).await == bytes, "{size} bytes");
    }
}

/// Files of no bytes exist.
pub async fn empty_files_survive(f: &Fixture) {
    let file = f.path("empty");
    f.write(&file, b"").await;
    assert_eq!(f.client.stat(&file).await.unwrap().size, Some(0));
    assert_eq!(f.read(&file).await, b"");
    assert_eq!(fetch(f, &file, 0, Some(0)).await.unwrap().bytes(), b"");
    let stored = f.path("stored");
    let reached = store(f, &stored, 0, &BytesSource::new(Vec::new())).await.unwrap();
    assert_eq!((reached, f.read(&stored).await), (0, Vec::new()));
}

/// `fetch` and `store` move files of any size, whatever the hint said.
pub async fn fetch_and_store_move_whole_files(f: &Fixture) {
    for size in SIZES {
        let (file, bytes) = (f.path(format!("f{size}")), pattern(size));
        let source = BytesSource::new(bytes.clone());
        assert_eq!(store(f, &file, 0, &source).await.unwrap(), size as u64);
        assert_eq!(source.reached(), size as u64);
        for hint in [Some(size as u64), None, Some(0), Some(size as u64 * 2 + 1)] {
            let sink = fetch(f, &file, 0, hint).await.unwrap();
            assert!(sink.bytes() == bytes, "{size} bytes with hint {hint:?}");
        }
    }
    let file = f.path("f5000001");
    store(f, &file, 0, &BytesSource::new(pattern(10))).await.unwrap();
    assert_eq!(f.read(&file).await, pattern(10), "a longer file is cut");
}

/// `fetch` and `store` move the rest of a file.
pub async fn fetch_and_store_move_rests(f: &Fixture) {
    let (file, bytes) = (f.path("f"), pattern(700_001));
    let capabilities = f.client.capabilities();
    f.write(&file, &bytes[..300_000]).await;
    if capabilities.resume_upload {
        let source = BytesSource::new(bytes.clone());
        assert_eq!(store(f, &file, 300_000, &source).await.unwrap(), 700_001);
        assert!(f.read(&file).await == bytes);
        let missing = store(f, &f.path("none"), 300_000, &source).await;
        assert_eq!(kind(missing), ErrorKind::NotFound);
    } else {
        f.write(&file, &bytes).await;
    }
    if capabilities.resume_download {
        for offset in [1, 650_000, 700_001] {
            let sink = fetch(f, &file, offset as u64, Some(700_001)).await.unwrap();
            assert!(sink.bytes().get(offset..).unwrap_or_default() == &bytes[offset..]);
        }
    }
}

/// A sink that takes no more fails the fetch with its own error, and the session goes on.
pub async fn a_full_sink_fails_the_fetch(f: &Fixture) {
    let file = f.path("f");
    f.write(&file, &pattern(2_000_000)).await;
    let sink = Arc::new(BytesSink::full_at(500_000));
    let result = f.client.fetch(&file, sink.request(0, Some(2_000_000))).await;
    assert_eq!(kind(result), ErrorKind::Full);
    assert!(f.exists(&file).await);
}

/// A source that cannot be read fails the store with its own error, and the session goes on.
pub async fn an_unreadable_source_fails_the_store(f: &Fixture) {
    let file = f.path("f");
    let source = BytesSource::broken_at(pattern(2_000_000), 900_000);
    assert_eq!(kind(store(f, &file, 0, &source).await), ErrorKind::Local);
    f.write(&file, b"again").await;
    assert_eq!(f.read(&file).await, b"again");
}

/// A rename keeps an existing target, or replaces it in one step where the server can.
pub async fn renames_keep_or_replace(f: &Fixture) {
    let (a, b, c) = (f.path("a"), f.path("b"), f.path("c"));
    f.write(&a, b"A").await;
    f.client.rename(&a, &b, RenameMode::KeepTarget).await.unwrap();
    assert!(!f.exists(&a).await);
    f.write(&c, b"C").await;
    assert_eq!(
        kind(f.client.rename(&b, &c, RenameMode::KeepTarget).await),
        ErrorKind::AlreadyExists
    );
    assert_eq!(
        (f.read(&b).await, f.read(&c).await),
        (b"A".to_vec(), b"C".to_vec())
    );
    let replaced = f.client.rename(&b, &c, RenameMode::Replace).await;
    if f.client.capabilities().atomic_replace {
        replaced.unwrap();
        assert_eq!((f.exists(&b).await, f.read(&c).await), (false, b"A".to_vec()));
        f.client.rename(&c, &b, RenameMode::Replace).await.unwrap();
        assert_eq!(f.read(&b).await, b"A");
    } else {
        assert_eq!(kind(replaced), ErrorKind::Unsupported);
        assert_eq!(
            (f.read(&b).await, f.read(&c).await),
            (b"A".to_vec(), b"C".to_vec())
        );
    }
    let (dir, moved) = (f.path("dir"), f.path("moved"));
    f.client.make_dir(&dir).await.unwrap();
    f.write(&dir.join(&a.name().unwrap()), b"in").await;
    f.client
        .rename(&dir, &moved, RenameMode::KeepTarget)
        .await
        .unwrap();
    assert_eq!(f.read(&moved.join(&a.name().unwrap())).await, b"in");
}

/// What isn't there is not renamed.
pub async fn renames_of_nothing_fail(f: &Fixture) {
    let result = f
        .client
        .rename(&f.path("none"), &f.path("x"), RenameMode::KeepTarget)
        .await;
    assert_eq!(kind(result), ErrorKind::NotFound);
    assert_eq!(f.list(&f.folder).await, []);
}

/// Modification times go and come in UTC, to the second. Listings that are made for people (LIST of FTP) tell the minute, or
/// of old files the day.
pub async fn times_are_utc(f: &Fixture) {
    let file = f.path("f");
    f.write(&file, b"x").await;
    let time: jiff::Timestamp = "2019-07-31T23:59:58Z".parse().unwrap();
    let result = f.client.set_modified(&file, time).await;
    if f.client.capabilities().set_times {
        result.unwrap();
        assert_eq!(f.client.stat(&file).await.unwrap().modified, Some(time));
        let listed = f.list(&f.folder).await[0].modified.unwrap().as_second();
        let told_to = |unit| time.as_second() - time.as_second() % unit;
        assert!([1, 60, 24 * 60 * 60].map(told_to).contains(&listed), "{listed}");
    } else {
        assert_eq!(kind(result), ErrorKind::Unsupported);
    }
}

/// Permission bits are set and told.
pub async fn permissions_are_set(f: &Fixture) {
    if !f.client.capabilities().permissions {
        return;
    }
    let file = f.path("f");
    f.write(&file, b"x").await;
    for mode in [0o600, 0o640] {
        match f.client.set_permissions(&file, mode).await {
            Ok(()) => assert_eq!(f.client.stat(&file).await.unwrap().permissions, Some(mode)),
            Err(e) => assert_eq!(Error::kind(&e), ErrorKind::Unsupported),
        }
    }
    let _ = f.client.open(&file, OpenOptions::default()).await.unwrap();
}

/// Whoever computes a checksum computes that of the whole file; whoever does not says so.
pub async fn checksums_are_those_of_the_bytes(f: &Fixture) {
    let (file, bytes) = (f.path("it's a file"), pattern(1_000_003));
    f.write(&file, &bytes).await;
    for by in [ChecksumBy::Protocol, ChecksumBy::Command] {
        let is_promised = by == ChecksumBy::Protocol && f.client.capabilities().checksum;
        match f.client.checksum(&file, by).await {
            Ok(checksum) => {
                let expected = checksum.algorithm.of(&mut bytes.as_slice()).unwrap();
                assert_eq!(checksum, expected, "{by:?}");
            }
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Unsupported, "{e:?}");
                assert!(!is_promised, "{e:?}");
            }
        }
    }
    if f.client.capabilities().checksum {
        let missing = f.client.checksum(&f.path("missing"), ChecksumBy::Protocol).await;
        assert_eq!(kind(missing), ErrorKind::NotFound);
    }
}
