use courier_store::{
    Error,
    audit::NewAudit,
    connections::{Connection, ConnectionChange, Outcome},
    known_hosts::KnownHost,
};
use futures::future::join_all;

use crate::{connections::some, database::Database, on_both, records::of_both};

on_both!(
    of_many_first_uses_one_pins,
    a_presented_key_can_be_approved,
    an_approval_replaces_its_type_or_adds,
    a_fingerprint_by_hand_is_the_only_pin,
    strangers_are_forgotten,
    a_late_key_of_the_server_before_is_not_taken,
    an_approval_ends_the_wait,
);

fn pinned() -> NewAudit {
    NewAudit::new("host_key_pinned", "me")
}

fn fingerprints(hosts: &[KnownHost]) -> Vec<&str> {
    hosts.iter().map(|host| host.fingerprint.as_str()).collect()
}

async fn of_many_first_uses_one_pins(db: Database) {
    let seen = some(&db, "c").await.seen();
    let connection = seen.id;
    let other = db.again().await;
    let tries = (0..16).map(|n| {
        let store = if n % 2 == 0 {
            db.store.clone()
        } else {
            other.clone()
        };
        tokio::spawn(async move {
            store
                .known_hosts()
                .pin_first(seen, "ssh-ed25519", &format!("SHA256:{n}"), pinned())
                .await
                .unwrap()
        })
    });
    let won = join_all(tries)
        .await
        .into_iter()
        .map(Result::unwrap)
        .filter(|won| *won)
        .count();
    assert_eq!(won, 1);
    let pins = db.known_hosts().pins(connection).await.unwrap();
    assert_eq!(pins.len(), 1);
    assert_eq!(pins[0].approved_by.as_deref(), Some("system"));
    assert!(pins[0].pinned_at.is_some() && pins[0].last_seen.is_some());
    let gone = db
        .known_hosts()
        .pin_first(
            Connection::new("x", "sftp").seen(),
            "ssh-ed25519",
            "SHA256:x",
            pinned(),
        )
        .await;
    assert!(
        matches!(gone, Err(Error::NotFound { what: "connection" })),
        "{gone:?}"
    );
}

async fn a_presented_key_can_be_approved(db: Database) {
    let seen = some(&db, "c").await.seen();
    let connection = seen.id;
    let hosts = db.known_hosts();
    assert!(
        hosts
            .pin_first(seen, "ssh-ed25519", "SHA256:old", pinned())
            .await
            .unwrap()
    );
    hosts
        .record_presented(seen, "ssh-ed25519", "SHA256:new")
        .await
        .unwrap();
    hosts
        .record_presented(seen, "ssh-ed25519", "SHA256:new")
        .await
        .unwrap();
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:old"]
    );
    assert_eq!(hosts.all(connection).await.unwrap().len(), 2);

    let never = hosts
        .approve(
            connection,
            "SHA256:never",
            "me",
            false,
            of_both("host_key_approved"),
        )
        .await;
    assert!(matches!(never, Err(Error::NotFound { .. })), "{never:?}");
    let approved = hosts
        .approve(
            connection,
            "SHA256:new",
            "me",
            false,
            of_both("host_key_approved"),
        )
        .await
        .unwrap();
    assert_eq!(
        (approved.pinned, approved.approved_by.as_deref()),
        (true, Some("me"))
    );
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:new"]
    );
    // The old key was presented once: going back is an approval as well.
    hosts
        .approve(
            connection,
            "SHA256:old",
            "me",
            false,
            of_both("host_key_approved"),
        )
        .await
        .unwrap();
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:old"]
    );

    let before = hosts.pins(connection).await.unwrap()[0].clone();
    hosts
        .touch(connection, "ssh-ed25519", "SHA256:old")
        .await
        .unwrap();
    assert!(hosts.pins(connection).await.unwrap()[0].last_seen > before.last_seen);
    // Another connection's keys are none of this one's.
    let other = some(&db, "other").await.id;
    let foreign = hosts
        .approve(other, "SHA256:new", "me", false, of_both("host_key_approved"))
        .await;
    assert!(matches!(foreign, Err(Error::NotFound { .. })));
}

async fn an_approval_replaces_its_type_or_adds(db: Database) {
    let seen = some(&db, "c").await.seen();
    let connection = seen.id;
    let hosts = db.known_hosts();
    hosts
        .pin_first(seen, "ssh-ed25519", "SHA256:ed", pinned())
        .await
        .unwrap();
    hosts
        .record_presented(seen, "ssh-rsa", "SHA256:rsa")
        .await
        .unwrap();
    hosts
        .record_presented(seen, "ssh-ed25519", "SHA256:ed2")
        .await
        .unwrap();
    hosts
        .approve(
            connection,
            "SHA256:rsa",
            "me",
            false,
            of_both("host_key_approved"),
        )
        .await
        .unwrap();
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:rsa", "SHA256:ed"]
    );
    hosts
        .approve(connection, "SHA256:ed2", "me", true, of_both("host_key_approved"))
        .await
        .unwrap();
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:ed2", "SHA256:rsa", "SHA256:ed"]
    );
    hosts
        .approve(connection, "SHA256:ed", "me", false, of_both("host_key_approved"))
        .await
        .unwrap();
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:ed", "SHA256:rsa"]
    );
    let newest = db.connections().get(connection).await.unwrap().pinned_fingerprint;
    assert_eq!(newest.as_deref(), Some("SHA256:ed"));
}

async fn a_fingerprint_by_hand_is_the_only_pin(db: Database) {
    let seen = some(&db, "c").await.seen();
    let connection = seen.id;
    let hosts = db.known_hosts();
    hosts
        .pin_first(seen, "ssh-ed25519", "SHA256:seen", pinned())
        .await
        .unwrap();
    let by_hand = async |fingerprint: &str| {
        let mut change = ConnectionChange::new(db.connections().get(connection).await.unwrap(), "me");
        change.pin = Some(fingerprint.into());
        db.connections().update(change).await.unwrap().seen()
    };
    let seen = by_hand("SHA256:hand").await;
    let pin = hosts.pins(connection).await.unwrap().remove(0);
    assert_eq!((pin.pinned, pin.key_type, pin.last_seen), (true, None, None));
    assert_eq!(
        fingerprints(&hosts.pins(connection).await.unwrap()),
        ["SHA256:hand"]
    );
    assert!(
        !hosts
            .pin_first(seen, "ssh-ed25519", "SHA256:seen", pinned())
            .await
            .unwrap()
    );
    // Entered by hand and never presented: once replaced, it can't be approved.
    by_hand("SHA256:other").await;
    let typo = hosts
        .approve(
            connection,
            "SHA256:hand",
            "me",
            false,
            of_both("host_key_approved"),
        )
        .await;
    assert!(matches!(typo, Err(Error::NotFound { .. })));
    // When it is presented, its type becomes known.
    hosts.touch(connection, "ssh-rsa", "SHA256:other").await.unwrap();
    let pin = &hosts.pins(connection).await.unwrap()[0];
    assert_eq!(pin.key_type.as_deref(), Some("ssh-rsa"));
    assert!(pin.last_seen.is_some());
}

async fn strangers_are_forgotten(db: Database) {
    let seen = some(&db, "c").await.seen();
    let connection = seen.id;
    let hosts = db.known_hosts();
    hosts
        .pin_first(seen, "ssh-ed25519", "SHA256:pin", pinned())
        .await
        .unwrap();
    for n in 0..20 {
        hosts
            .record_presented(seen, "ssh-ed25519", &format!("SHA256:{n}"))
            .await
            .unwrap();
    }
    let all = hosts.all(connection).await.unwrap();
    assert_eq!(all.len(), 17);
    assert_eq!(all[0].fingerprint, "SHA256:pin");
    assert_eq!(all[1].fingerprint, "SHA256:4");
}

async fn a_late_key_of_the_server_before_is_not_taken(db: Database) {
    let before = some(&db, "c").await;
    let (hosts, connections) = (db.known_hosts(), db.connections());
    let mut moved = before.clone();
    moved.host = Some("elsewhere.example".into());
    let after = connections
        .update(ConnectionChange::new(moved, "me"))
        .await
        .unwrap();
    assert!(connections.is_unchanged(after.seen()).await.unwrap());
    assert!(!connections.is_unchanged(before.seen()).await.unwrap());

    let pinned = hosts
        .pin_first(before.seen(), "ssh-ed25519", "SHA256:old", pinned())
        .await;
    assert!(matches!(pinned, Err(Error::Conflict(_))), "{pinned:?}");
    let presented = hosts
        .record_presented(before.seen(), "ssh-ed25519", "SHA256:old")
        .await;
    assert!(matches!(presented, Err(Error::Conflict(_))), "{presented:?}");
    assert!(hosts.all(before.id).await.unwrap().is_empty());
    for outcome in [
        Outcome::Healthy,
        Outcome::Failing("f"),
        Outcome::RequiresAttention("a"),
        Outcome::HostKeyChanged("k"),
    ] {
        assert!(
            !connections.note(before.seen(), outcome).await.unwrap(),
            "{outcome:?}"
        );
    }
    assert_eq!(connections.get(before.id).await.unwrap(), after);
}

async fn an_approval_ends_the_wait(db: Database) {
    let seen = some(&db, "c").await.seen();
    let (hosts, connections) = (db.known_hosts(), db.connections());
    hosts
        .record_presented(seen, "ssh-ed25519", "SHA256:new")
        .await
        .unwrap();
    let noted = connections.note(seen, Outcome::HostKeyChanged("changed")).await;
    assert!(noted.unwrap());
    hosts
        .approve(seen.id, "SHA256:new", "me", false, of_both("host_key_approved"))
        .await
        .unwrap();
    let after = connections.get(seen.id).await.unwrap();
    assert!(!after.waits_for_host_key);
    assert_eq!((after.health.as_str(), after.health_detail), ("unknown", None));
}
