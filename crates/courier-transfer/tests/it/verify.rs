//! Checksums at the end, and what the result says of them.

use std::fs;

use courier_transfer::{
    ErrorKind,
    memory::{Event, Memory},
    ops::{DownloadOptions, UploadOptions, Verified, Verify, download, upload},
};

use crate::support::{Setup, bytes, path};

const MB: usize = 1_000_000;

#[derive(Clone, Copy)]
struct Case {
    checksum: bool,
    shell: bool,
    verify: Verify,
    verified: Verified,
}

const CASES: [Case; 7] = [
    Case::new(false, false, Verify::Checksum, Verified::Size),
    Case::new(false, true, Verify::Checksum, Verified::Size),
    Case::new(true, true, Verify::Size, Verified::Size),
    Case::new(true, false, Verify::Checksum, Verified::Checksum),
    Case::new(true, true, Verify::Command, Verified::Checksum),
    Case::new(false, true, Verify::Command, Verified::Command),
    Case::new(false, false, Verify::Command, Verified::Size),
];

impl Case {
    const fn new(checksum: bool, shell: bool, verify: Verify, verified: Verified) -> Self {
        Self {
            checksum,
            shell,
            verify,
            verified,
        }
    }

    fn setup(self) -> Setup {
        let s = Setup::new();
        s.memory.set_capabilities(|c| c.checksum = self.checksum);
        if self.shell {
            s.memory.give_shell();
        }
        s
    }

    fn upload(self) -> UploadOptions {
        UploadOptions {
            atomic: true,
            verify: self.verify,
            ..UploadOptions::default()
        }
    }

    fn download(self) -> DownloadOptions {
        DownloadOptions {
            verify: self.verify,
            ..DownloadOptions::default()
        }
    }
}

#[tokio::test]
async fn the_result_says_which_check_was_made() {
    for case in CASES {
        let s = case.setup();
        for size in [200, MB] {
            fs::write(s.local("f"), bytes(size, 1)).unwrap();
            let sent = upload(&s.client, &s.local("f"), &path("f"), &case.upload(), &s.context())
                .await
                .unwrap();
            let got = download(
                &s.client,
                &path("f"),
                &s.local("g"),
                &case.download(),
                &s.context(),
            )
            .await
            .unwrap();
            assert_eq!((sent.verified, got.verified), (case.verified, case.verified));
        }
    }
}

#[tokio::test]
async fn empty_files_need_none() {
    let case = CASES[3];
    let s = case.setup();
    fs::write(s.local("f"), "").unwrap();
    s.memory.operations();
    let sent = upload(&s.client, &s.local("f"), &path("f"), &case.upload(), &s.context())
        .await
        .unwrap();
    assert_eq!(sent.verified, Verified::Size);
    assert!(!s.memory.operations().contains(&"checksum"));
}

#[tokio::test]
async fn a_server_that_stored_something_else_is_found_out_before_the_rename() {
    for case in [CASES[3], CASES[5]] {
        let s = case.setup();
        s.memory.put(&path("f"), "old");
        fs::write(s.local("f"), bytes(MB, 1)).unwrap();
        let spoil = |memory: &Memory| {
            let mut content = memory.content(&path("f.tmp")).unwrap();
            content[1000] ^= 1;
            memory.put(&path("f.tmp"), content);
        };
        s.memory.at_byte(500_000, Event::Call(Box::new(spoil)));
        let error = upload(&s.client, &s.local("f"), &path("f"), &case.upload(), &s.context())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Integrity);
        assert!(error.to_string().contains("the checksums differ"), "{error}");
        assert_eq!(s.memory.content(&path("f")).unwrap(), b"old");
        assert_eq!((s.memory.paths().len(), s.partials.len()), (3, 0));
    }
}

#[tokio::test]
async fn a_source_that_hides_its_change_is_found_out() {
    let case = CASES[3];
    let s = case.setup();
    let time = "2026-01-01T00:00:00Z".parse().unwrap();
    s.memory.put_modified(&path("f"), bytes(MB, 1), time);
    s.memory.at_byte(
        500_000,
        Event::Call(Box::new(move |memory: &Memory| {
            memory.put_modified(&path("f"), bytes(MB, 2), time);
        })),
    );
    let error = download(
        &s.client,
        &path("f"),
        &s.local("f"),
        &case.download(),
        &s.context(),
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
    assert_eq!((s.names(), s.partials.len()), (vec![], 0));
}

#[tokio::test]
async fn a_server_that_does_not_want_to_is_no_failure() {
    for kind in [ErrorKind::Unsupported, ErrorKind::Denied, ErrorKind::Timeout] {
        let case = CASES[3];
        let s = case.setup();
        s.memory.refuse("checksum", kind);
        fs::write(s.local("f"), bytes(MB, 1)).unwrap();
        let sent = upload(&s.client, &s.local("f"), &path("f"), &case.upload(), &s.context())
            .await
            .unwrap();
        assert_eq!(sent.verified, Verified::Size);
    }
}
