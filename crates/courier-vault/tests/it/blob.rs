use courier_vault::blob::{Blob, FORMAT, MAGIC};
use courier_vault::{Error, Wrapped};
use proptest::prelude::*;

fn blob() -> Blob {
    Blob {
        wrapped: Wrapped {
            key_id: "ab".into(),
            key_version: String::new(),
            bytes: vec![1, 2, 3],
        },
        nonce: [4; 12],
        tag: [5; 16],
        ciphertext: vec![6, 7],
    }
}

#[test]
fn the_layout_is_as_documented() {
    let mut expected = b"CVLT\x01\x02ab\x00\x00\x03\x01\x02\x03".to_vec();
    expected.extend([4; 12]);
    expected.extend([5; 16]);
    expected.extend([0, 0, 0, 2, 6, 7]);
    assert_eq!(blob().encode().unwrap(), expected);
    assert_eq!(Blob::decode(&expected).unwrap(), blob());
}

#[test]
fn other_bytes_say_what_is_wrong() {
    let good = blob().encode().unwrap();
    for (bytes, expected) in [
        (b"".to_vec(), "does not start with the mark"),
        (b"hunter2".to_vec(), "does not start with the mark"),
        (MAGIC.to_vec(), "ends within its format"),
        (good[..20].to_vec(), "ends within its nonce"),
        ([good.clone(), vec![0]].concat(), "1 bytes follow its end"),
        (
            b"CVLT\x01\x02\xff\xff".to_vec(),
            "key identifier is not printable text",
        ),
        (
            b"CVLT\x01\x02a\n".to_vec(),
            "key identifier is not printable text",
        ),
    ] {
        let error = Blob::decode(&bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{bytes:?}: {error}");
    }
}

#[test]
fn a_later_format_is_told_from_garbage() {
    let mut later = blob().encode().unwrap();
    later[4] = FORMAT + 1;
    assert!(matches!(
        Blob::decode(&later),
        Err(Error::Format {
            found: 2,
            expected: 1
        })
    ));
}

#[test]
fn a_part_longer_than_its_length_field_is_refused() {
    let mut long = blob();
    long.wrapped.key_id = "x".repeat(255);
    assert_eq!(Blob::decode(&long.encode().unwrap()).unwrap(), long);
    long.wrapped.key_id.push('x');
    assert!(matches!(
        long.encode(),
        Err(Error::TooLong {
            length: 256,
            max: 255,
            ..
        })
    ));
    let mut long = blob();
    long.wrapped.bytes = vec![0; 65536];
    assert!(matches!(long.encode(), Err(Error::TooLong { max: 65535, .. })));
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), marked: bool) {
        let bytes = if marked { [&MAGIC[..], &[FORMAT], &bytes].concat() } else { bytes };
        if let Ok(blob) = Blob::decode(&bytes) {
            prop_assert_eq!(blob.encode().unwrap(), bytes);
        }
    }
}
