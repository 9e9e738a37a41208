//! Answers that are lost: what was carried out is not done again, and what was not is.

use std::sync::Arc;

use courier_transfer::{
    Client, Entry, EntryKind, ErrorKind,
    memory::{Carried, Memory},
    ops::{Replace, make_dir, make_dir_all, remove, remove_tree, rename},
};

use crate::{
    line::Line,
    support::{bytes, path},
};

struct Lossy {
    memory: Memory,
    client: Arc<dyn Client>,
}

impl Lossy {
    fn new() -> Self {
        let memory = Memory::default();
        let client = Line::new(&memory).reconnecting(3);
        Self { memory, client }
    }

    async fn entry(&self, name: &str) -> Entry {
        self.client.stat(&path(name)).await.unwrap()
    }

    fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.memory.content(&path(name))
    }
}

#[tokio::test]
async fn a_rename_is_done_once() {
    for carried in [Carried::Out, Carried::Nowhere] {
        for with_known in [true, false] {
            for replace in [Replace::Never, Replace::Atomically] {
                let s = Lossy::new();
                s.memory.put(&path("a"), "new");
                if replace != Replace::Never {
                    s.memory.put(&path("b"), "old one");
                }
                let known = s.entry("a").await;
                s.memory.lose_answer("rename", carried);
                rename(
                    &*s.client,
                    &path("a"),
                    &path("b"),
                    replace,
                    with_known.then_some(&known),
                )
                .await
                .unwrap();
                assert_eq!((s.content("a"), s.content("b")), (None, Some(b"new".to_vec())));
            }
        }
    }
}

#[tokio::test]
async fn a_replacement_in_two_steps_survives_a_loss_at_each_of_them() {
    for (operation, carried) in [
        ("rename", Carried::Nowhere),
        ("remove", Carried::Nowhere),
        ("remove", Carried::Out),
    ] {
        let s = Lossy::new();
        s.memory.set_capabilities(|c| c.atomic_replace = false);
        s.memory.put(&path("a"), "new");
        s.memory.put(&path("b"), "old");
        let known = s.entry("a").await;
        s.memory.lose_answer(operation, carried);
        rename(
            &*s.client,
            &path("a"),
            &path("b"),
            Replace::NonAtomically,
            Some(&known),
        )
        .await
        .unwrap();
        assert_eq!(
            (s.content("a"), s.content("b")),
            (None, Some(b"new".to_vec())),
            "{operation}"
        );
    }
    // The target is gone, and the rename behind it was carried out.
    let s = Lossy::new();
    s.memory.set_capabilities(|c| c.atomic_replace = false);
    s.memory.put(&path("a"), "new");
    s.memory.lose_answer("rename", Carried::Out);
    rename(&*s.client, &path("a"), &path("b"), Replace::NonAtomically, None)
        .await
        .unwrap();
    assert_eq!(s.content("b").unwrap(), b"new");
}

#[tokio::test]
async fn a_target_of_somebody_else_is_told_and_not_touched() {
    let s = Lossy::new();
    s.memory.put(&path("a"), "ours");
    let known = s.entry("a").await;
    s.client.remove(&path("a"), EntryKind::File).await.unwrap();
    s.memory.put(&path("b"), "somebody else's");
    s.memory.lose_answer("rename", Carried::Nowhere);
    let error = rename(&*s.client, &path("a"), &path("b"), Replace::Never, Some(&known))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    let text = error.to_string();
    for part in [
        "a was a file of 4 bytes",
        "nothing lies there",
        "a file of 15 bytes",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(s.content("b").unwrap(), b"somebody else's");
}

#[tokio::test]
async fn nothing_makes_room_for_what_is_not_there() {
    let s = Lossy::new();
    s.memory.set_capabilities(|c| c.atomic_replace = false);
    s.memory.put(&path("b"), "all that is left");
    let error = rename(&*s.client, &path("a"), &path("b"), Replace::NonAtomically, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(s.content("b").unwrap(), b"all that is left");
}

#[tokio::test]
async fn where_nobody_may_look_the_error_says_so() {
    let s = Lossy::new();
    s.memory.put(&path("a"), "x");
    s.memory.refuse("stat", ErrorKind::Denied);
    s.memory.lose_answer("rename", Carried::Out);
    let error = rename(&*s.client, &path("a"), &path("b"), Replace::Never, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(
        error
            .to_string()
            .contains("whether a was renamed to b is not known"),
        "{error}"
    );
    // Over a session that stays broken, too.
    let memory = Memory::default();
    memory.put(&path("a"), "x");
    memory.lose_answer("remove", Carried::Out);
    let client = memory.connect();
    let error = remove(&*client, &path("a"), EntryKind::File, None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Lost);
    assert!(
        error.to_string().contains("whether a was removed is not known"),
        "{error}"
    );
}

#[tokio::test]
async fn a_removal_is_done_once() {
    for carried in [Carried::Out, Carried::Nowhere] {
        for with_known in [true, false] {
            let s = Lossy::new();
            s.memory.put(&path("f"), "x");
            s.memory.link(&path("l"), &path("nowhere"));
            s.client.make_dir(&path("d")).await.unwrap();
            for (name, kind) in [
                ("f", EntryKind::File),
                ("l", EntryKind::Link),
                ("d", EntryKind::Directory),
            ] {
                let known = s.client.stat(&path(name)).await.ok();
                s.memory.lose_answer("remove", carried);
                let known = known.as_ref().filter(|_| with_known);
                remove(&*s.client, &path(name), kind, known).await.unwrap();
            }
            assert_eq!(s.memory.paths(), ["/", "/home"]);
        }
    }
    let s = Lossy::new();
    let missing = remove(&*s.client, &path("none"), EntryKind::File, None).await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_came_in_the_place_of_the_removed_stays() {
    let s = Lossy::new();
    s.memory.put(&path("f"), "ours");
    let known = s.entry("f").await;
    s.memory.put(&path("f"), "a newer one");
    s.memory.lose_answer("remove", Carried::Nowhere);
    remove(&*s.client, &path("f"), EntryKind::File, Some(&known))
        .await
        .unwrap();
    assert_eq!(s.content("f").unwrap(), b"a newer one");
}

#[tokio::test]
async fn a_folder_is_made_once() {
    for carried in [Carried::Out, Carried::Nowhere] {
        let s = Lossy::new();
        s.memory.lose_answer("make_dir", carried);
        make_dir(&*s.client, &path("d")).await.unwrap();
        assert!(s.entry("d").await.is_dir());
        let again = make_dir(&*s.client, &path("d")).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::AlreadyExists);
    }
}

#[tokio::test]
async fn trees_are_made_and_removed_over_lost_answers() {
    let s = Lossy::new();
    s.memory.lose_answer("make_dir", Carried::Out);
    s.memory.lose_answer("make_dir", Carried::Nowhere);
    assert_eq!(make_dir_all(&*s.client, &path("a/b/c")).await.unwrap(), 3);
    for i in 0..40 {
        s.memory.put(&path(&format!("a/b/{i}")), bytes(i, 1));
    }
    s.memory.link(&path("a/l"), &path("/home"));
    for carried in [Carried::Out, Carried::Nowhere] {
        s.memory.lose_answer("remove", carried);
    }
    let removed = remove_tree(&*s.client, &path("a")).await.unwrap();
    assert_eq!((removed.files, removed.directories), (41, 3));
    assert_eq!(s.memory.paths(), ["/", "/home"]);
}
