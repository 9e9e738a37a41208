//! Listings that are odd or hostile.

use std::sync::Mutex;

use courier_sftp::codec::{Attributes, NameEntry, Request, Response, StatusCode};
use courier_transfer::{Entry, Listed};
use futures::StreamExt;

use super::{path, serving};

#[tokio::test]
async fn names_that_could_escape_are_reported() {
    let s = serving(|_, id, request, out| {
        let Request::ReadDir { .. } = request else {
            return false;
        };
        let names: [&[u8]; 8] = [b".", b"..", b"../x", b"a/b", b"", b"a\nb", b"a\0b", b"\xff good"];
        let entry = |name| NameEntry {
            name,
            long_name: b"-rw-r--r-- x",
            attributes: Attributes::default(),
        };
        match out.is_empty() && !std::mem::replace(&mut *DONE.lock().unwrap(), true) {
            true => Response::Name(names.into_iter().map(entry).collect()).encode(id, out),
            false => Response::status(StatusCode::EOF, "").encode(id, out),
        }
        true
    })
    .await;
    static DONE: Mutex<bool> = Mutex::new(false);
    let listing: Vec<_> = s
        .client
        .list(&path("/"))
        .await
        .unwrap()
        .map(|l| l.unwrap())
        .collect()
        .await;
    let (good, bad): (Vec<_>, Vec<_>) = listing.into_iter().partition(|l| matches!(l, Listed::Entry(_)));
    assert_eq!(bad.len(), 5, "{bad:?}");
    let [Listed::Entry(Entry { path, kind, size, .. })] = good.as_slice() else {
        panic!("{good:?}")
    };
    assert_eq!(path.as_wire(), b"/\xff good");
    assert_eq!((*kind, *size), (courier_transfer::EntryKind::File, None));
}

#[tokio::test]
async fn an_endless_listing_can_be_left() {
    let s = serving(|_, id, request, out| {
        let Request::ReadDir { .. } = request else {
            return false;
        };
        let names: Vec<_> = (0..100).map(|i| format!("{id}-{i}")).collect();
        let entry = |name: &'static str| NameEntry {
            name: name.as_bytes(),
            long_name: b"",
            attributes: Attributes::default(),
        };
        let names: Vec<&'static str> = names.into_iter().map(|n| &*n.leak()).collect();
        Response::Name(names.into_iter().map(entry).collect()).encode(id, out);
        true
    })
    .await;
    let listed = s
        .client
        .list(&path("/"))
        .await
        .unwrap()
        .take(20_000)
        .count()
        .await;
    assert_eq!(listed, 20_000);
    s.client.stat(&path("/")).await.unwrap();
}
