use std::sync::Arc;

use courier_vault::blob::Blob;
use courier_vault::{Binding, Error, KeyProvider, LocalKey, Vault};
use proptest::prelude::*;
use secrecy::{ExposeSecret, SecretString};

/// The bytes 0 to 31.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_KEY: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

pub(crate) fn local(key: &str) -> LocalKey {
    LocalKey::from_text(&SecretString::from(key)).unwrap()
}

fn vault(key: &str) -> Vault {
    Vault::new(Arc::new(local(key)))
}

fn binding() -> Binding {
    Binding::new("connection", "0192f0c4-0000-7000-8000-000000000001", "password")
}

/// The vault does no I/O of its own here, so that a runtime of one thread is made at no cost.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[tokio::test]
async fn what_was_sealed_opens() {
    let vault = vault(KEY);
    for text in ["", "hunter2", "пароль 🔑"] {
        let blob = vault
            .seal_str(&binding(), &SecretString::from(text))
            .await
            .unwrap();
        assert_eq!(
            vault.open_str(&binding(), &blob).await.unwrap().expose_secret(),
            text
        );
    }
    let megabyte = vec![7; 1 << 20];
    let blob = vault.seal(&binding(), &megabyte).await.unwrap();
    assert_eq!(*vault.open(&binding(), &blob).await.unwrap(), megabyte);
}

#[tokio::test]
async fn equal_values_share_nothing_that_varies() {
    let vault = vault(KEY);
    let one = Blob::decode(&vault.seal(&binding(), b"same").await.unwrap()).unwrap();
    let two = Blob::decode(&vault.seal(&binding(), b"same").await.unwrap()).unwrap();
    assert_ne!(one.nonce, two.nonce);
    assert_ne!(one.wrapped.bytes, two.wrapped.bytes);
    assert_ne!(one.ciphertext, two.ciphertext);
}

#[tokio::test]
async fn a_blob_moved_to_another_row_or_field_does_not_open() {
    let vault = vault(KEY);
    let blob = vault.seal(&binding(), b"hunter2").await.unwrap();
    let id = "0192f0c4-0000-7000-8000-000000000001";
    for elsewhere in [
        Binding::new("connection", "0192f0c4-0000-7000-8000-000000000002", "password"),
        Binding::new("connection", id, "client_secret"),
        Binding::new("ssh_key", id, "password"),
        // The same letters in a row, cut elsewhere.
        Binding::new("connection", format!("{id}p"), "assword"),
        Binding::new("connection0", &id[1..], "password"),
    ] {
        let error = vault.open(&elsewhere, &blob).await.unwrap_err();
        assert!(matches!(error, Error::Tampered { .. }), "{elsewhere}: {error}");
        assert!(error.to_string().contains(&elsewhere.to_string()), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_named_beside_the_right_one() {
    let blob = vault(KEY).seal(&binding(), b"hunter2").await.unwrap();
    let error = vault(OTHER_KEY)
        .open(&binding(), &blob)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&local(KEY).id()) && error.contains(&local(OTHER_KEY).id()),
        "{error}"
    );
    assert!(error.contains("COURIER_KEK"), "{error}");
}

#[tokio::test]
async fn the_check_value_tells_the_right_key_from_a_wrong_one() {
    let check = vault(KEY).check_value().await.unwrap();
    vault(KEY).verify_check(&check).await.unwrap();
    assert!(matches!(
        vault(OTHER_KEY).verify_check(&check).await,
        Err(Error::WrongKey { .. })
    ));
    // A credential is no check value, though it opens.
    let other = vault(KEY).seal(&binding(), b"hunter2").await.unwrap();
    assert!(matches!(
        vault(KEY).verify_check(&other).await,
        Err(Error::Tampered { .. })
    ));
}

#[tokio::test]
async fn the_data_key_can_be_wrapped_anew_without_touching_the_ciphertext() {
    let (old, new) = (local(KEY), local(OTHER_KEY));
    let sealed = vault(KEY).seal(&binding(), b"hunter2").await.unwrap();
    let mut blob = Blob::decode(&sealed).unwrap();
    let data_key = old.unwrap(&blob.wrapped).await.unwrap();
    blob.wrapped = new.wrap(&data_key).await.unwrap();
    let opened = vault(OTHER_KEY)
        .open(&binding(), &blob.encode().unwrap())
        .await
        .unwrap();
    assert_eq!(*opened, b"hunter2");
}

#[tokio::test]
async fn bytes_that_are_no_text_say_so() {
    let blob = vault(KEY).seal(&binding(), &[0xff, 0xfe]).await.unwrap();
    assert!(matches!(
        vault(KEY).open_str(&binding(), &blob).await,
        Err(Error::NotText { .. })
    ));
}

#[tokio::test]
async fn nothing_secret_is_printed() {
    let key = local(KEY);
    let blob = vault(KEY).seal(&binding(), b"hunter2").await.unwrap();
    let parts = Blob::decode(&blob).unwrap();
    let data_key = key.unwrap(&parts.wrapped).await.unwrap();
    let printed = format!("{key:?} {:?} {parts:?} {}", vault(KEY), key.describe());
    assert!(printed.contains(&key.id()));
    for secret in [
        &KEY[2..12],
        "[0, 1, 2",
        "hunter2",
        &format!("{:?}", &data_key[..3]),
    ] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

/// A value sealed by the first version of the format. If this test fails, stored credentials no longer open: make a new
/// format number instead.
#[tokio::test]
async fn a_value_sealed_by_the_first_version_opens() {
    let blob = include_bytes!("vector-format-1.bin");
    let parts = Blob::decode(blob).unwrap();
    assert_eq!(parts.wrapped.key_id, "98311144a889410c");
    assert_eq!(parts.wrapped.key_version, "1");
    assert_eq!(parts.encode().unwrap(), blob);
    assert_eq!(
        vault(KEY)
            .open_str(&binding(), blob)
            .await
            .unwrap()
            .expose_secret(),
        "correct horse battery staple"
    );
}

proptest! {
    #[test]
    fn any_value_opens_again(value in proptest::collection::vec(any::<u8>(), 0..2000), id in ".*", field in ".*") {
        let binding = Binding::new("connection", id, field);
        let vault = vault(KEY);
        let opened = run(async {
            let blob = vault.seal(&binding, &value).await?;
            vault.open(&binding, &blob).await
        });
        prop_assert_eq!(&*opened.unwrap(), &value);
    }

    #[test]
    fn no_flipped_bit_opens(position in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let vault = vault(KEY);
        let mut blob = run(vault.seal(&binding(), b"hunter2")).unwrap();
        let position = position.index(blob.len());
        blob[position] ^= 1 << bit;
        prop_assert!(run(vault.open(&binding(), &blob)).is_err());
    }

    #[test]
    fn no_cut_or_grown_blob_opens(keep in any::<prop::sample::Index>(), extra in proptest::collection::vec(any::<u8>(), 1..9)) {
        let vault = vault(KEY);
        let blob = run(vault.seal(&binding(), b"hunter2")).unwrap();
        prop_assert!(run(vault.open(&binding(), &blob[..keep.index(blob.len())])).is_err());
        prop_assert!(run(vault.open(&binding(), &[blob, extra].concat())).is_err());
    }
}
