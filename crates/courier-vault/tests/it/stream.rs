use std::io::{self, Read, Write};
use std::sync::Arc;

use courier_vault::{Error, KeyProvider as _, LocalKey, Vault};
use proptest::prelude::*;

use crate::seal::{local, run};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_KEY: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const CHUNK: usize = 64 * 1024;

fn vault(key: LocalKey) -> Vault {
    Vault::new(Arc::new(key))
}

async fn sealed(text: &[u8], piece: usize) -> Vec<u8> {
    let mut writer = vault(local(KEY)).seal_stream("backup", Vec::new()).await.unwrap();
    for piece in text.chunks(piece) {
        writer.write_all(piece).unwrap();
    }
    writer.finish().unwrap()
}

async fn opened(bytes: &[u8], purpose: &str) -> io::Result<Vec<u8>> {
    let mut reader = vault(local(KEY)).open_stream(purpose, bytes).await.unwrap();
    let mut text = Vec::new();
    reader.read_to_end(&mut text)?;
    Ok(text)
}

fn text(length: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_written_is_read() {
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7] {
        let text = text(length);
        let bytes = sealed(&text, 10_007).await;
        assert!(opened(&bytes, "backup").await.unwrap() == text, "{length}");
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_says_so() {
    let bytes = sealed(&text(2 * CHUNK), 999).await;
    let header = bytes.len() - 2 * (CHUNK + 20);
    for length in [
        header,
        header + 3,
        header + 4 + CHUNK,
        header + CHUNK + 20,
        bytes.len() - 1,
    ] {
        let error = opened(&bytes[..length], "backup").await.unwrap_err();
        assert!(error.to_string().contains("cut off"), "{length}: {error}");
    }
}

#[tokio::test]
async fn nothing_may_be_added_or_moved() {
    let bytes = sealed(&text(3 * CHUNK), 999).await;
    let mut longer = bytes.clone();
    longer.push(0);
    let error = opened(&longer, "backup").await.unwrap_err();
    assert!(error.to_string().contains("follows"), "{error}");

    let chunk = CHUNK + 20;
    let header = bytes.len() - 3 * chunk;
    let (start, chunks) = bytes.split_at(header);
    let swapped = [
        start,
        &chunks[chunk..2 * chunk],
        &chunks[..chunk],
        &chunks[2 * chunk..],
    ]
    .concat();
    let left_out = [start, &chunks[..chunk], &chunks[2 * chunk..]].concat();
    let mut ended_early = bytes[..header + 2 * chunk].to_vec();
    ended_early[header + chunk] |= 0x80;
    for changed in [swapped, left_out, ended_early] {
        let error = opened(&changed, "backup").await.unwrap_err();
        assert!(error.to_string().contains("altered"), "{error}");
    }
}

/// Whoever reads on after an error gets no text with a hole in it, and no end.
#[tokio::test]
async fn nothing_follows_an_error() {
    let mut bytes = sealed(&text(4 * CHUNK), 999).await;
    let second = bytes.len() - 3 * (CHUNK + 20) + 100;
    bytes[second] ^= 1;
    for cut in [bytes.len(), second] {
        let vault = vault(local(KEY));
        let mut reader = vault.open_stream("backup", &bytes[..cut]).await.unwrap();
        let mut read = Vec::new();
        for _ in 0..3 {
            assert!(reader.read_to_end(&mut read).is_err());
        }
        assert!(read == text(CHUNK));
    }
}

#[tokio::test]
async fn it_opens_for_its_purpose_and_under_its_key_only() {
    let bytes = sealed(b"all of it", 999).await;
    let error = opened(&bytes, "something else").await.unwrap_err();
    assert!(error.to_string().contains("another purpose"), "{error}");
    let other = vault(local(OTHER_KEY));
    assert!(matches!(
        other.open_stream("backup", &bytes[..]).await,
        Err(Error::WrongKey { .. })
    ));
    let both = other.opening_also(Arc::new(local(KEY)));
    let reader = both.open_stream("backup", &bytes[..]).await.unwrap();
    assert!(local(KEY).holds(&reader.sealed_under().key_id));
    assert!(matches!(
        both.open_stream("backup", &b"SQLite format 3"[..]).await,
        Err(Error::NotSealed { .. })
    ));
}

#[tokio::test]
async fn no_two_streams_are_alike() {
    assert_ne!(sealed(b"twice", 9).await, sealed(b"twice", 9).await);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_changed_bit_shows(at: prop::sample::Index, bit in 0..8_u8) {
        let mut bytes = run(sealed(b"some text to seal", 99));
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let shows = run(async {
            let Ok(mut reader) = vault(local(KEY)).open_stream("backup", &bytes[..]).await else { return true };
            reader.read_to_end(&mut Vec::new()).is_err()
        });
        prop_assert!(shows);
    }

    #[test]
    fn foreign_bytes_are_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [b"CVLS\x01".to_vec(), bytes].concat();
        let fails = run(async {
            let Ok(mut reader) = vault(local(KEY)).open_stream("backup", &bytes[..]).await else { return true };
            reader.read_to_end(&mut Vec::new()).is_err()
        });
        prop_assert!(fails);
    }
}
