//! Uploads, and what goes wrong in them.

use std::{fs, time::Duration};

use courier_transfer::{
    ErrorKind, RenameMode,
    memory::{Carried, Event, Memory},
    ops::{Context, OnExisting, Outcome, UploadOptions, Verified, upload},
};

use crate::line::Line;
use crate::support::{Setup, bytes, eventually, path};

const MB: usize = 1_000_000;

fn atomic() -> UploadOptions {
    UploadOptions {
        atomic: true,
        ..UploadOptions::default()
    }
}

fn no_resume() -> UploadOptions {
    UploadOptions {
        resume: false,
        ..atomic()
    }
}

fn files(memory: &Memory) -> Vec<String> {
    memory
        .paths()
        .into_iter()
        .filter(|p| !matches!(&**p, "/" | "/home"))
        .collect()
}

#[tokio::test]
async fn a_broken_session_leaves_a_partial_that_the_next_one_continues() {
    for atomic in [true, false] {
        let mut s = Setup::new();
        let whole = bytes(3 * MB, 1);
        fs::write(s.local("f"), &whole).unwrap();
        let options = UploadOptions {
            atomic,
            ..UploadOptions::default()
        };
        s.memory.at_byte(MB as u64, Event::Lose);
        let lost = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context())
            .await
            .unwrap_err();
        assert_eq!((lost.kind(), lost.operation()), (ErrorKind::Lost, Some("upload")));
        let partial = if atomic { "/home/f.tmp" } else { "/home/f" };
        assert_eq!(
            (files(&s.memory), s.partials.len()),
            (vec![partial.to_owned()], 1)
        );

        s.reconnect();
        let done = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context())
            .await
            .unwrap();
        let at = done.resumed_from.unwrap();
        assert!(at > 900_000 && at + done.bytes == 3 * MB as u64);
        assert!(s.memory.content(&path("f")).unwrap() == whole);
        assert_eq!(
            (files(&s.memory), s.partials.len()),
            (vec!["/home/f".to_owned()], 0)
        );
    }
}

#[tokio::test]
async fn a_partial_of_another_source_is_never_continued() {
    let mut s = Setup::new();
    fs::write(s.local("f"), bytes(2 * MB, 1)).unwrap();
    s.memory.at_byte(MB as u64, Event::Lose);
    upload(&s.client, &s.local("f"), &path("f"), &atomic(), &s.context())
        .await
        .unwrap_err();
    s.reconnect();
    let second = bytes(2 * MB, 2);
    fs::write(s.local("g"), &second).unwrap();
    let done = upload(&s.client, &s.local("g"), &path("f"), &atomic(), &s.context())
        .await
        .unwrap();
    assert_eq!(done.resumed_from, None);
    assert!(s.memory.content(&path("f")).unwrap() == second);
}

/// The line breaks before the server has heard that the file is to be written: what lies there is still another file.
#[tokio::test]
async fn what_lay_there_before_the_line_broke_is_no_partial() {
    for (options, name) in [(atomic(), "f.tmp"), (UploadOptions::default(), "f")] {
        for comes_back in [true, false] {
            let mut s = Setup::new();
            let whole = bytes(2 * MB, 1);
            fs::write(s.local("f"), &whole).unwrap();
            s.memory.put(&path(name), bytes(MB, 7));
            s.memory.lose_answer("create", Carried::Nowhere);
            if comes_back {
                s.client = Line::new(&s.memory).reconnecting(1);
            }
            let mut sent = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context()).await;
            assert_eq!(sent.is_ok(), comes_back);
            if !comes_back {
                s.reconnect();
                sent = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context()).await;
            }
            let sent = sent.unwrap();
            assert_eq!((sent.resumed_from, sent.bytes), (None, 2 * MB as u64));
            assert!(s.memory.content(&path("f")).unwrap() == whole);
        }
    }
}

/// Where a login is refused after the line broke, the partial stays, and so does what is known of it.
#[tokio::test]
async fn a_partial_that_nobody_can_remove_stays_known() {
    let s = Setup::new();
    let line = Line::new(&s.memory);
    fs::write(s.local("f"), bytes(2 * MB, 1)).unwrap();
    s.memory.at_byte(MB as u64, Event::Lose);
    line.refusals.lock().unwrap().push_back(ErrorKind::Auth);
    upload(
        &line.reconnecting(1),
        &s.local("f"),
        &path("f"),
        &atomic(),
        &s.context(),
    )
    .await
    .unwrap_err();
    assert_eq!(
        (files(&s.memory), s.partials.len()),
        (vec!["/home/f.tmp".to_owned()], 1)
    );
}

#[tokio::test]
async fn a_partial_of_which_nothing_is_noted_is_looked_at() {
    for at in [10, MB - 10] {
        let s = Setup::new();
        let whole = bytes(2 * MB, 1);
        fs::write(s.local("f"), &whole).unwrap();
        let mut partial = whole[..MB].to_vec();
        partial[at] ^= 1;
        s.memory.put(&path("f.tmp"), partial);
        let sent = upload(&s.client, &s.local("f"), &path("f"), &atomic(), &s.context())
            .await
            .unwrap();
        assert_eq!(sent.resumed_from, None);
        assert!(s.memory.content(&path("f")).unwrap() == whole);
    }
}

#[tokio::test]
async fn a_final_name_is_no_partial_unless_known_as_one() {
    let s = Setup::new();
    let whole = bytes(MB, 1);
    fs::write(s.local("f"), &whole).unwrap();
    // An older and shorter version, which looks like a partial and is none.
    s.memory.put(&path("f"), bytes(500_000, 7));
    let options = UploadOptions::default();
    let done = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context())
        .await
        .unwrap();
    assert_eq!(done.resumed_from, None);
    assert!(s.memory.content(&path("f")).unwrap() == whole);
}

#[tokio::test]
async fn a_failure_for_good_leaves_nothing_behind() {
    let s = Setup::new();
    s.memory.put(&path("f"), "old");
    fs::write(s.local("f"), bytes(MB, 1)).unwrap();
    for (options, kind) in [
        (no_resume(), ErrorKind::Full),
        (atomic(), ErrorKind::Full),
        (no_resume(), ErrorKind::Timeout),
    ] {
        s.memory.at_byte(500_000, Event::Fail(kind));
        let error = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(
            (files(&s.memory), s.partials.len()),
            (vec!["/home/f".to_owned()], 0)
        );
    }
    assert_eq!(s.memory.content(&path("f")).unwrap(), b"old");
    s.memory.refuse("rename", ErrorKind::Denied);
    let error = upload(&s.client, &s.local("f"), &path("f"), &atomic(), &s.context())
        .await
        .unwrap_err();
    assert_eq!((error.kind(), files(&s.memory).len()), (ErrorKind::Denied, 1));
}

#[tokio::test]
async fn a_refused_upload_does_not_remove_the_file_that_was_there() {
    let s = Setup::new();
    s.memory.put(&path("f"), "old");
    fs::write(s.local("f"), bytes(MB, 1)).unwrap();
    s.memory.refuse("create", ErrorKind::Denied);
    let options = UploadOptions {
        atomic: false,
        ..no_resume()
    };
    upload(&s.client, &s.local("f"), &path("f"), &options, &s.context())
        .await
        .unwrap_err();
    assert_eq!(s.memory.content(&path("f")).unwrap(), b"old");
}

#[tokio::test]
async fn a_source_that_changes_meanwhile_is_an_integrity_error() {
    for change in [bytes(MB, 2), bytes(MB + 5, 1), bytes(MB / 2, 1)] {
        let s = Setup::new();
        let local = s.local("f");
        fs::write(&local, bytes(MB, 1)).unwrap();
        let file = local.clone();
        let happening = move |_: &Memory| {
            fs::write(&file, change).unwrap();
            let later = std::time::SystemTime::now() + Duration::from_secs(5);
            fs::File::options()
                .write(true)
                .open(&file)
                .unwrap()
                .set_modified(later)
                .unwrap();
        };
        s.memory.at_byte(300_000, Event::Call(Box::new(happening)));
        let error = upload(&s.client, &local, &path("f"), &atomic(), &s.context())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert_eq!((files(&s.memory), s.partials.len()), (vec![], 0));
    }
}

#[tokio::test]
async fn a_server_that_lost_the_tail_is_found_out() {
    let s = Setup::new();
    fs::write(s.local("f"), bytes(200, 1)).unwrap();
    s.memory.slow(Duration::from_millis(30));
    let (local, remote, options, context) = (s.local("f"), path("f"), atomic(), s.context());
    let (error, ()) = tokio::join!(upload(&s.client, &local, &remote, &options, &context), async {
        eventually(|| s.memory.content(&path("f.tmp")).is_some_and(|c| c.len() == 200)).await;
        s.memory.put(&path("f.tmp"), bytes(150, 1));
    });
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert!(
        error
            .to_string()
            .contains("200 bytes were sent, and the server has 150"),
        "{error}"
    );
    assert_eq!(files(&s.memory), Vec::<String>::new());
}

#[tokio::test]
async fn write_only_drop_boxes_are_served_and_the_result_says_so() {
    for kind in [ErrorKind::Denied, ErrorKind::NotFound, ErrorKind::Unsupported] {
        let s = Setup::new();
        fs::write(s.local("f"), bytes(MB, 1)).unwrap();
        s.memory.refuse("stat", kind);
        let done = upload(&s.client, &s.local("f"), &path("f"), &atomic(), &s.context())
            .await
            .unwrap();
        assert_eq!((done.outcome, done.verified), (Outcome::Done, Verified::Nothing));
    }
}

#[tokio::test]
async fn without_atomic_replacement_the_step_must_consent() {
    let s = Setup::new();
    s.memory.set_capabilities(|c| c.atomic_replace = false);
    s.memory.put(&path("f"), "old");
    fs::write(s.local("f"), "new").unwrap();
    s.memory.operations();
    let refused = upload(&s.client, &s.local("f"), &path("f"), &atomic(), &s.context())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    assert!(
        refused.to_string().contains("cannot replace a file in one step"),
        "{refused}"
    );
    assert_eq!(s.memory.operations(), ["stat"], "known before any byte moves");
    let consent = UploadOptions {
        replace_non_atomically: true,
        ..atomic()
    };
    upload(&s.client, &s.local("f"), &path("f"), &consent, &s.context())
        .await
        .unwrap();
    assert_eq!(s.memory.content(&path("f")).unwrap(), b"new");
    assert_eq!(files(&s.memory).len(), 1);
}

#[tokio::test]
async fn a_name_taken_meanwhile_is_kept() {
    for on_existing in [OnExisting::Fail, OnExisting::Skip, OnExisting::Rename] {
        let s = Setup::new();
        fs::write(s.local("f"), bytes(MB, 1)).unwrap();
        s.memory.at_byte(
            500_000,
            Event::Call(Box::new(|m: &Memory| m.put(&path("f"), "theirs"))),
        );
        let options = UploadOptions {
            on_existing,
            ..atomic()
        };
        let result = upload(&s.client, &s.local("f"), &path("f"), &options, &s.context()).await;
        match on_existing {
            OnExisting::Fail => assert_eq!(result.unwrap_err().kind(), ErrorKind::AlreadyExists),
            OnExisting::Skip => assert_eq!(result.unwrap().outcome, Outcome::Skipped),
            _ => assert_eq!(result.unwrap().outcome, Outcome::Done),
        }
        assert_eq!(s.memory.content(&path("f")).unwrap(), b"theirs");
        let beside = usize::from(on_existing == OnExisting::Rename);
        assert_eq!(files(&s.memory).len(), 1 + beside);
    }
}

#[tokio::test]
async fn parents_are_made_only_when_asked_for() {
    let s = Setup::new();
    fs::write(s.local("f"), "x").unwrap();
    let refused = upload(&s.client, &s.local("f"), &path("a/b/f"), &atomic(), &s.context())
        .await
        .unwrap_err();
    assert_eq!((refused.kind(), files(&s.memory).len()), (ErrorKind::NotFound, 0));
    let options = UploadOptions {
        create_parents: true,
        ..atomic()
    };
    upload(&s.client, &s.local("f"), &path("a/b/f"), &options, &s.context())
        .await
        .unwrap();
    assert_eq!(s.memory.content(&path("a/b/f")).unwrap(), b"x");
}

#[tokio::test]
async fn a_dropped_upload_removes_its_partial_unless_it_may_resume() {
    for resume in [true, false] {
        let s = Setup::new();
        fs::write(s.local("f"), bytes(MB, 1)).unwrap();
        s.memory.at_byte(500_000, Event::Hang);
        let options = UploadOptions { resume, ..atomic() };
        let (local, remote, context) = (s.local("f"), path("f"), s.context());
        let hanging = upload(&s.client, &local, &remote, &options, &context);
        tokio::time::timeout(Duration::from_millis(300), hanging)
            .await
            .unwrap_err();
        if resume {
            assert_eq!(files(&s.memory), ["/home/f.tmp"]);
        } else {
            eventually(|| files(&s.memory).is_empty()).await;
        }
    }
}

#[tokio::test]
async fn attributes_come_along_and_a_refusal_of_them_is_no_failure() {
    let s = Setup::new();
    fs::write(s.local("f"), "x").unwrap();
    let time: jiff::Timestamp = "2001-02-03T04:05:06Z".parse().unwrap();
    let file = fs::File::options().write(true).open(s.local("f")).unwrap();
    file.set_modified(time.into()).unwrap();
    let options = UploadOptions {
        preserve_times: true,
        preserve_permissions: true,
        ..atomic()
    };
    upload(&s.client, &s.local("f"), &path("f"), &options, &s.context())
        .await
        .unwrap();
    assert_eq!(s.client.stat(&path("f")).await.unwrap().modified, Some(time));
    s.memory.refuse("set_modified", ErrorKind::Denied);
    upload(&s.client, &s.local("f"), &path("g"), &options, &s.context())
        .await
        .unwrap();
}

#[tokio::test]
async fn local_folders_and_bad_suffixes_are_clear_errors() {
    let s = Setup::new();
    let folder = upload(
        &s.client,
        s.temp.path(),
        &path("f"),
        &atomic(),
        &Context::default(),
    )
    .await;
    assert_eq!(folder.unwrap_err().kind(), ErrorKind::WrongKind);
    let missing = upload(
        &s.client,
        &s.local("none"),
        &path("f"),
        &atomic(),
        &Context::default(),
    )
    .await;
    assert_eq!(missing.unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(s.local("f"), "x").unwrap();
    for suffix in ["", "/../x", "a/b"] {
        let options = UploadOptions {
            atomic_suffix: suffix.into(),
            ..atomic()
        };
        let error = upload(
            &s.client,
            &s.local("f"),
            &path("f"),
            &options,
            &Context::default(),
        )
        .await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{suffix:?}");
    }
    s.client.make_dir(&path("d")).await.unwrap();
    let onto = upload(
        &s.client,
        &s.local("f"),
        &path("d"),
        &atomic(),
        &Context::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(onto.kind(), ErrorKind::WrongKind);
    assert!(
        s.client
            .rename(&path("none"), &path("x"), RenameMode::Replace)
            .await
            .is_err()
    );
}
