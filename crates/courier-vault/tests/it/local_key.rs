use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use courier_vault::{DataKey, Error, KeyProvider, LocalKey};
use secrecy::SecretString;

fn write(path: &Path, text: &[u8], mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_new_key_file_is_private_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let made = LocalKey::load_or_create(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!((text.len(), text.ends_with('\n')), (45, true));

    let read = LocalKey::load_or_create(&path).unwrap();
    assert_eq!(read.id(), made.id());
    // The same text in the environment is the same key.
    assert_eq!(
        LocalKey::from_text(&SecretString::from(text)).unwrap().id(),
        made.id()
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "something was left behind"
    );
    assert!(made.describe().contains("kek"));
}

#[test]
fn two_new_keys_differ() {
    let folder = tempfile::tempdir().unwrap();
    let one = LocalKey::load_or_create(&folder.path().join("one")).unwrap();
    let two = LocalKey::load_or_create(&folder.path().join("two")).unwrap();
    assert_ne!(one.id(), two.id());
}

#[test]
fn racers_end_with_one_key() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kek");
        let barrier = Barrier::new(8);
        let ids: Vec<String> = thread::scope(|scope| {
            let racers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        barrier.wait();
                        LocalKey::load_or_create(&path).unwrap().id()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "something was left behind"
        );
    }
}

#[test]
fn a_file_that_others_can_get_at_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    LocalKey::load_or_create(&path).unwrap();
    for mode in [0o604, 0o640, 0o644, 0o602, 0o777] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let error = LocalKey::load_or_create(&path).unwrap_err();
        assert!(
            matches!(error, Error::KeyFileOpenToOthers { mode: found, .. } if found == mode),
            "{error}"
        );
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }
    for mode in [0o600, 0o400] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        LocalKey::load_or_create(&path).unwrap();
    }
}

#[test]
fn a_file_without_a_key_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    for (text, expected) in [
        (&b""[..], "found nothing"),
        (b"\n", "found nothing"),
        (b"hunter2hunter2hunter2", "21 characters that are neither"),
        (b"AAAA", "4 characters that are neither"),
        (&[b'x'; 5000], "characters that are neither"),
        (&[0xff; 32], "32 bytes that are no text"),
        (
            b"+001020304050607+8090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
            "neither",
        ),
    ] {
        write(&path, text, 0o600);
        let error = LocalKey::load_or_create(&path).unwrap_err();
        let message = error.to_string();
        assert!(
            matches!(error, Error::BadKey { .. }) && message.contains(expected),
            "{message}"
        );
        assert!(
            message.contains("kek") && !message.contains("hunter2"),
            "{message}"
        );
        assert_eq!(fs::read(&path).unwrap(), text);
    }
}

#[test]
fn a_missing_folder_or_a_folder_in_its_place_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = LocalKey::load_or_create(&folder.path().join("missing/kek")).unwrap_err();
    assert!(
        matches!(
            missing,
            Error::KeyFile {
                operation: "created",
                ..
            }
        ),
        "{missing}"
    );
    assert!(missing.to_string().contains("missing/kek"), "{missing}");

    let place = folder.path().join("place");
    fs::create_dir(&place).unwrap();
    fs::set_permissions(&place, Permissions::from_mode(0o700)).unwrap();
    let error = LocalKey::load_or_create(&place).unwrap_err();
    assert!(
        matches!(
            error,
            Error::KeyFile {
                operation: "read",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn every_spelling_of_a_key_is_the_same_key() {
    let ids: Vec<String> = [
        "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8=",
        "+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/+/8",
        "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8=",
        "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8",
        "  fbffbffbffbffbffbffbffbffbffbffbffbffbffbffbffbffbffbffbffbffbff\n",
        "FBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFFBFF",
    ]
    .into_iter()
    .map(|text| LocalKey::from_text(&SecretString::from(text)).unwrap().id())
    .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(ids[0].len(), 16);
}

#[tokio::test]
async fn an_altered_wrapping_does_not_unwrap() {
    let folder = tempfile::tempdir().unwrap();
    let key = LocalKey::load_or_create(&folder.path().join("kek")).unwrap();
    let data_key = DataKey::new([9; 32]);
    let wrapped = key.wrap(&data_key).await.unwrap();
    assert_eq!(key.unwrap(&wrapped).await.unwrap(), data_key);
    assert_eq!(wrapped.bytes.len(), 60);

    let mut altered = vec![wrapped.clone(), wrapped.clone(), wrapped.clone()];
    altered[0].bytes[20] ^= 1;
    altered[1].bytes.truncate(27);
    altered[2].key_version = "2".into();
    for wrapped in altered {
        let error = key.unwrap(&wrapped).await.unwrap_err();
        assert!(matches!(error, Error::Provider { .. }), "{error}");
    }
}

const TWO: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f,\n \
                   ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn from_text(text: &str) -> LocalKey {
    LocalKey::from_text(&SecretString::from(text)).unwrap()
}

#[tokio::test]
async fn the_first_of_several_keys_wraps_and_all_unwrap() {
    let ring = from_text(TWO);
    let [first, second] = [&TWO[..64], &TWO[TWO.len() - 64..]].map(from_text);
    assert_eq!(ring.ids(), [first.id(), second.id()]);
    let data_key = DataKey::new([9; 32]);
    let wrapped = ring.wrap(&data_key).await.unwrap();
    assert_eq!(wrapped.key_id, first.id());
    assert_eq!(first.unwrap(&wrapped).await.unwrap(), data_key);
    let older = second.wrap(&data_key).await.unwrap();
    assert_eq!(ring.unwrap(&older).await.unwrap(), data_key);
    assert!(ring.holds(&second.id()) && !first.holds(&second.id()));
    assert!(ring.describe().contains("and 1 older"), "{}", ring.describe());

    let twice = from_text(&format!("{TWO} {TWO}"));
    assert_eq!(twice.ids(), ring.ids());
    let error = LocalKey::from_text(&SecretString::from(format!("{TWO} hunter2"))).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("7 characters that are neither as key 3"),
        "{error}"
    );
}

#[tokio::test]
async fn a_new_first_key_wraps_in_every_process_that_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let running = LocalKey::load_or_create(&path).unwrap();
    let old = running.id();
    let data_key = DataKey::new([9; 32]);
    let before = running.wrap(&data_key).await.unwrap();

    let changed = LocalKey::add_first(&path).unwrap();
    let new = changed.id();
    assert_eq!(changed.ids(), [new.clone(), old.clone()]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(running.wrap(&data_key).await.unwrap().key_id, new);
    assert_eq!(running.newest().await.unwrap().key_id, new);
    assert_eq!(running.unwrap(&before).await.unwrap(), data_key);

    let error = LocalKey::keep_first(&path, &old).unwrap_err().to_string();
    assert!(error.contains("no longer") && error.contains(&old), "{error}");
    assert_eq!(LocalKey::load(&path).unwrap().ids().len(), 2);
    LocalKey::keep_first(&path, &new).unwrap();
    assert_eq!(LocalKey::load(&path).unwrap().ids().join(" "), new);
    // What a process has read, it keeps.
    assert_eq!(running.ids(), [new, old]);
    assert_eq!(running.unwrap(&before).await.unwrap(), data_key);
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "something was left behind"
    );
}

#[tokio::test]
async fn a_process_that_slept_through_a_change_still_opens_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let running = LocalKey::load_or_create(&path).unwrap();
    let data_key = DataKey::new([9; 32]);
    let before = running.wrap(&data_key).await.unwrap();
    let changed = LocalKey::add_first(&path).unwrap();
    LocalKey::keep_first(&path, &changed.id()).unwrap();
    let after = changed.wrap(&data_key).await.unwrap();
    assert!(running.holds(&after.key_id));
    assert_eq!(running.unwrap(&after).await.unwrap(), data_key);
    assert_eq!(running.unwrap(&before).await.unwrap(), data_key);
}

#[tokio::test]
async fn a_key_file_that_is_spoilt_later_does_not_disturb_who_has_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let running = LocalKey::load_or_create(&path).unwrap();
    let data_key = DataKey::new([9; 32]);
    let wrapped = running.wrap(&data_key).await.unwrap();
    write(&path, b"hunter2", 0o600);
    assert_eq!(running.unwrap(&wrapped).await.unwrap(), data_key);
    running.wrap(&data_key).await.unwrap();
    assert!(matches!(LocalKey::add_first(&path), Err(Error::BadKey { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"hunter2");
    fs::remove_file(&path).unwrap();
    running.wrap(&data_key).await.unwrap();
    assert!(matches!(LocalKey::add_first(&path), Err(Error::KeyFile { .. })));
}

#[test]
fn keys_added_at_once_are_all_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    LocalKey::load_or_create(&path).unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| LocalKey::add_first(&path).unwrap());
        }
    });
    assert_eq!(LocalKey::load(&path).unwrap().ids().len(), 9);
}

#[test]
fn what_a_killed_process_left_of_a_change_goes_with_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    let first = LocalKey::load_or_create(&path).unwrap();
    fs::copy(&path, folder.path().join("kek.0123456789abcdef")).unwrap();
    for kept in ["kek.aside", "kek.0123456789abcde", "other.0123456789abcdef"] {
        write(&folder.path().join(kept), b"", 0o600);
    }
    LocalKey::keep_first(&path, &first.id()).unwrap();
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            "kek",
            "kek.0123456789abcde",
            "kek.aside",
            "other.0123456789abcdef"
        ]
    );
}

/// Root may change the key file of a server that isn't root, which must be able to read it afterwards.
#[test]
fn a_changed_key_file_is_still_its_owners() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    LocalKey::load_or_create(&path).unwrap();
    // Whoever isn't root can give it to nobody else, and keeps it.
    let _ = chown(&path, Some(65534), Some(65534));
    let owner = |path: &Path| fs::metadata(path).map(|file| (file.uid(), file.gid())).unwrap();
    let before = owner(&path);
    let first = LocalKey::add_first(&path).unwrap().id();
    assert_eq!(owner(&path), before);
    LocalKey::keep_first(&path, &first).unwrap();
    assert_eq!(owner(&path), before);
}
