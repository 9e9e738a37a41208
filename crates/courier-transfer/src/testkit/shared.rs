//! Cases about files that several transfers share.

use std::sync::Arc;

use super::{BytesSink, BytesSource, Fixture, pattern};
use crate::{CreateOptions, Fetch, Parts, Store};

/// Enough for some blocks, and a rest.
const SIZE: usize = 5_000_001;

/// Two transfers of one file move every byte once, from an offset, too.
pub async fn parts_are_fetched_by_several(f: &Fixture) {
    if !f.client.capabilities().parts {
        return;
    }
    let (path, bytes) = (f.path("f"), pattern(SIZE));
    f.write(&path, &bytes).await;
    for offset in [0, 1_234_567] {
        let sink = Arc::new(BytesSink::default());
        let request = Fetch {
            parts: Some(Parts::new(offset, SIZE as u64)),
            ..sink.request(offset, None)
        };
        let (a, b) = tokio::join!(
            f.client.fetch(&path, request.clone()),
            f.client.fetch(&path, request)
        );
        assert_eq!((a.unwrap(), b.unwrap()), (SIZE as u64, SIZE as u64));
        assert_eq!(
            (sink.reached(), sink.written()),
            (SIZE as u64, SIZE as u64 - offset)
        );
        let start = usize::try_from(offset).unwrap();
        assert!(sink.bytes()[start..] == bytes[start..]);
    }
}

/// One transfer makes a file, and another joins in; a file that is there is gone on with.
pub async fn parts_are_stored_by_several(f: &Fixture) {
    let capabilities = f.client.capabilities();
    if !capabilities.parts {
        return;
    }
    let (path, bytes) = (f.path("f"), pattern(SIZE));
    for offset in [0, 1_234_567] {
        if offset > 0 {
            if !capabilities.resume_upload {
                continue;
            }
            f.write(&path, &bytes[..1_234_567]).await;
        }
        let parts = Parts::new(offset, SIZE as u64);
        let source = BytesSource::new(bytes.clone());
        let request = |offset| Store {
            parts: Some(parts.clone()),
            ..Store::new(
                source.clone(),
                CreateOptions {
                    offset,
                    create_new: false,
                },
                Some(SIZE as u64),
            )
        };
        let second = async {
            parts.begun().await;
            f.client.store(&path, request(offset.max(1))).await
        };
        let (a, b) = tokio::join!(f.client.store(&path, request(offset)), second);
        assert_eq!((a.unwrap(), b.unwrap()), (SIZE as u64, SIZE as u64));
        assert_eq!(source.reached(), SIZE as u64);
        assert!(f.read(&path).await == bytes);
    }
}
