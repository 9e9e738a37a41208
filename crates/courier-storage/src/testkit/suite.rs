//! What every storage does.

use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::join_all};
use uuid::Uuid;

use crate::{ErrorKind, Found, Guard, ObjectKey, Result, Storage, always};

/// Runs the whole suite on a storage, below a folder of its own there.
///
/// # Panics
/// Where the storage doesn't keep a promise; the text says which.
pub async fn conforms(storage: &Arc<dyn Storage>) {
    let suite = Suite {
        storage: Arc::clone(storage),
        folder: format!("suite-{}", Uuid::now_v7()),
    };
    suite.small_objects_arrive().await;
    suite.big_objects_arrive().await;
    suite.nothing_is_overwritten().await;
    suite.one_of_many_wins().await;
    suite.nothing_is_seen_before_it_is_whole().await;
    suite.a_guard_stops_the_last_step().await;
    suite.what_was_begun_is_discarded().await;
    suite.what_is_whole_stays().await;
    suite.odd_names_are_names().await;
    suite.many_at_once().await;
    storage.check().await.expect("the storage's own check");
}

/// Bytes that differ from place to place, so that a piece in the wrong one shows.
pub fn content(size: usize) -> Bytes {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15 ^ size as u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state >> 16).to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

/// The whole object that [`Storage::find`] calls ours.
///
/// # Errors
/// As [`Storage::read`].
pub async fn read_all(storage: &dyn Storage, key: &ObjectKey, mark: Uuid) -> Result<Bytes> {
    let chunks: Vec<Bytes> = storage.read(key, mark).await?.try_collect().await?;
    Ok(chunks.concat().into())
}

struct Suite {
    storage: Arc<dyn Storage>,
    folder: String,
}

impl Suite {
    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(&format!("{}/{name}", self.folder)).unwrap()
    }

    async fn put(&self, key: &ObjectKey, mark: Uuid, bytes: &Bytes) -> Result<()> {
        self.storage.put(key, mark, bytes.clone(), &always()).await
    }

    /// Writes piece by piece, of odd sizes.
    async fn upload(&self, key: &ObjectKey, mark: Uuid, bytes: &Bytes, size: Option<u64>) -> Result<()> {
        let mut upload = self.storage.begin(key, mark, size).await?;
        let mut rest = bytes.clone();
        for piece in [1, 77_777, 300_001].into_iter().cycle() {
            if rest.is_empty() {
                break;
            }
            upload.write(rest.split_to(piece.min(rest.len()))).await?;
        }
        upload.finish(&always()).await
    }

    async fn holds(&self, key: &ObjectKey, mark: Uuid, bytes: &Bytes, what: &str) {
        let size = bytes.len() as u64;
        let found = self.storage.find(key, mark).await.expect(what);
        assert_eq!(found, Found::Ours { size }, "{what}: {key}");
        let read = read_all(&*self.storage, key, mark).await.expect(what);
        assert!(
            read == *bytes,
            "{what}: {key} has other bytes ({} of them)",
            read.len()
        );
    }

    async fn finds(&self, key: &ObjectKey, mark: Uuid, expected: Found, what: &str) {
        assert_eq!(
            self.storage.find(key, mark).await.expect(what),
            expected,
            "{what}: {key}"
        );
    }

    async fn small_objects_arrive(&self) {
        let mut objects = Vec::new();
        for size in [0, 1, 4096, 1 << 20] {
            let (key, mark) = (self.key(&format!("small/{size}")), Uuid::now_v7());
            self.finds(&key, mark, Found::Absent, "before it is put").await;
            self.put(&key, mark, &content(size)).await.expect("put");
            self.holds(&key, mark, &content(size), "put").await;
            objects.push((key, mark));
        }
        self.storage.sync(&objects).await.expect("sync");
        self.holds(&objects[0].0, objects[0].1, &content(0), "after sync")
            .await;
        self.storage.settle(&objects).await.expect("settle");
        self.storage.settle(&objects).await.expect("settle again");
        assert!(self.storage.locate(&objects[0].0).ends_with("/small/0"));
    }

    async fn big_objects_arrive(&self) {
        // Around the sizes of parts, and with sizes that are known, unknown, and wrong.
        for (size, told) in [
            (0, None),
            (0, Some(0)),
            (5, Some(5)),
            (8 << 20, None),
            ((8 << 20) + 1, Some((8 << 20) + 1)),
            ((17 << 20) + 3, None),
            (9 << 20, Some(1)),
        ] {
            let (key, mark) = (self.key(&format!("big/{size}-{told:?}")), Uuid::now_v7());
            let bytes = content(size);
            self.upload(&key, mark, &bytes, told).await.expect("upload");
            self.holds(&key, mark, &bytes, "upload").await;
        }
    }

    async fn nothing_is_overwritten(&self) {
        let (first, second) = (content(100), content(200));
        for (one, other) in [(false, false), (false, true), (true, false), (true, true)] {
            let (key, mark, late) = (
                self.key(&format!("taken/{one}-{other}")),
                Uuid::now_v7(),
                Uuid::now_v7(),
            );
            self.write(one, &key, mark, &first).await.expect("the first");
            let error = self
                .write(other, &key, late, &second)
                .await
                .expect_err("the name is taken");
            assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
            self.holds(&key, mark, &first, "not overwritten").await;
            self.finds(&key, late, Found::Foreign, "another's").await;
            let again = self.write(other, &key, Uuid::now_v7(), &first).await;
            assert_eq!(again.expect_err("by no one").kind(), ErrorKind::Exists);
        }
        // More than one part.
        let (key, mark) = (self.key("taken/parts"), Uuid::now_v7());
        self.put(&key, mark, &first).await.expect("the first");
        let error = self
            .write(true, &key, Uuid::now_v7(), &content(17 << 20))
            .await
            .expect_err("taken");
        assert_eq!(error.kind(), ErrorKind::Exists, "{error}");
        self.holds(&key, mark, &first, "not overwritten by parts").await;
    }

    async fn write(&self, piecewise: bool, key: &ObjectKey, mark: Uuid, bytes: &Bytes) -> Result<()> {
        if piecewise {
            self.upload(key, mark, bytes, Some(bytes.len() as u64)).await
        } else {
            self.put(key, mark, bytes).await
        }
    }

    async fn one_of_many_wins(&self) {
        for piecewise in [false, true] {
            let key = self.key(&format!("race/{piecewise}"));
            let marks: Vec<(Uuid, Bytes)> = (1..=6).map(|n| (Uuid::now_v7(), content(n))).collect();
            let writes = marks
                .iter()
                .map(|(mark, bytes)| self.write(piecewise, &key, *mark, bytes));
            let results = join_all(writes).await;
            let winners: Vec<usize> = (0..marks.len()).filter(|n| results[*n].is_ok()).collect();
            assert_eq!(winners.len(), 1, "one of the writers wins: {results:?}");
            let (mark, bytes) = &marks[winners[0]];
            self.holds(&key, *mark, bytes, "the winner's").await;
            for error in results.iter().filter_map(|result| result.as_ref().err()) {
                // A store may also say that another write is under way.
                assert!(
                    matches!(error.kind(), ErrorKind::Exists | ErrorKind::Busy),
                    "{error}"
                );
            }
        }
    }

    async fn nothing_is_seen_before_it_is_whole(&self) {
        let (key, mark, bytes) = (self.key("unseen/object"), Uuid::now_v7(), content(9 << 20));
        let mut upload = self
            .storage
            .begin(&key, mark, Some(bytes.len() as u64))
            .await
            .unwrap();
        upload.write(bytes.clone()).await.unwrap();
        self.finds(&key, mark, Found::Absent, "half-way").await;
        upload.abort().await;
        self.finds(&key, mark, Found::Absent, "aborted").await;
        let mut upload = self.storage.begin(&key, mark, None).await.unwrap();
        upload.write(bytes.slice(..4 << 20)).await.unwrap();
        drop(upload);
        self.finds(&key, mark, Found::Absent, "dropped").await;
        let storage = Arc::clone(&self.storage);
        let dropped = storage.read(&key, mark).await.map(|_| ());
        if let Err(error) = dropped {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        self.upload(&key, mark, &bytes, None)
            .await
            .expect("the same mark once more");
        self.holds(&key, mark, &bytes, "once more").await;
    }

    async fn a_guard_stops_the_last_step(&self) {
        let never: Guard = Arc::new(|| false);
        let (key, mark, bytes) = (self.key("guarded"), Uuid::now_v7(), content(9 << 20));
        let error = self
            .storage
            .put(&key, mark, content(10), &never)
            .await
            .expect_err("guarded");
        assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
        self.finds(&key, mark, Found::Absent, "guarded").await;
        let mut upload = self.storage.begin(&key, mark, None).await.unwrap();
        upload.write(bytes).await.unwrap();
        let error = upload.finish(&never).await.expect_err("guarded");
        assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
        self.finds(&key, mark, Found::Absent, "guarded").await;
        self.put(&key, mark, &content(1))
            .await
            .expect("the same mark once more");
    }

    async fn what_was_begun_is_discarded(&self) {
        let (key, mark) = (self.key("discarded/object"), Uuid::now_v7());
        self.storage.discard(&key, mark).await.expect("nothing there");
        let mut upload = self.storage.begin(&key, mark, None).await.unwrap();
        upload.write(content(9 << 20)).await.unwrap();
        // As if its process were killed.
        std::mem::forget(upload);
        self.storage.discard(&key, mark).await.expect("discard");
        self.finds(&key, mark, Found::Absent, "discarded").await;
        self.upload(&key, mark, &content(3), None)
            .await
            .expect("the same mark once more");
        self.holds(&key, mark, &content(3), "once more").await;
    }

    async fn what_is_whole_stays(&self) {
        let (key, mark) = (self.key("whole"), Uuid::now_v7());
        self.put(&key, mark, &content(30)).await.unwrap();
        self.storage.discard(&key, mark).await.expect("discard");
        self.storage
            .discard(&key, Uuid::now_v7())
            .await
            .expect("discard another's");
        self.holds(&key, mark, &content(30), "discarded though whole")
            .await;
        self.storage.settle(&[(key.clone(), mark)]).await.unwrap();
        assert_ne!(
            self.storage.find(&key, Uuid::now_v7()).await.unwrap(),
            Found::Absent
        );
    }

    async fn odd_names_are_names(&self) {
        let long = "l".repeat(255);
        let names = [
            "a b",
            "a+b",
            "a%20b",
            "100%",
            "a?b=c&d",
            "#1",
            "a;b,c",
            "it's \"x\"",
            "<a>",
            "ä/ö/ü",
            "日本語",
            "💾",
            "e\u{301}",
            "~",
            "a\\b",
            "a:b",
            "a|b",
            "[x]{y}",
            "$HOME",
            "`id`",
            "a=b@c!",
            "deep/er/and/deep/er",
            ".hidden",
            "..two",
            "a.",
            "*",
            &long,
        ];
        let marks: Vec<Uuid> = names.iter().map(|_| Uuid::now_v7()).collect();
        for (n, name) in names.iter().enumerate() {
            let key = self.key(&format!("names/{name}"));
            self.write(n % 2 == 0, &key, marks[n], &content(n))
                .await
                .unwrap_or_else(|error| panic!("{name:?}: {error}"));
        }
        // All of them are there at once: none is another's.
        for (n, name) in names.iter().enumerate() {
            self.holds(
                &self.key(&format!("names/{name}")),
                marks[n],
                &content(n),
                "an odd name",
            )
            .await;
        }
    }

    async fn many_at_once(&self) {
        let objects: Vec<(ObjectKey, Uuid)> = (0..200)
            .map(|n| (self.key(&format!("many/{}/{n}", n % 7)), Uuid::now_v7()))
            .collect();
        let bytes = content(500);
        let puts = futures::stream::iter(&objects).map(|(key, mark)| self.put(key, *mark, &bytes));
        let most = self.storage.concurrency().small;
        puts.buffer_unordered(most)
            .try_collect::<Vec<()>>()
            .await
            .expect("many at once");
        self.storage.sync(&objects).await.expect("sync");
        for (key, mark) in objects.iter().step_by(40) {
            self.holds(key, *mark, &bytes, "one of many").await;
        }
        self.storage.settle(&objects).await.expect("settle");
    }
}
