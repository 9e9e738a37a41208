use courier_store::{
    Error, PageRequest, Store,
    audit::NewAudit,
    connection_keys::{KeyUse, UsableKey},
    connections::ConnectionChange,
    new_id,
    ssh_keys::{NewSshKey, SshKey, SshKeyStatus},
};

use crate::{
    connections::some,
    database::{Database, walk},
    on_both,
    records::{of, of_both},
};

on_both!(
    a_key_comes_back_without_its_private_half,
    names_and_fingerprints_are_unique_until_deleted,
    a_used_key_stays,
    keys_are_replaced_without_a_gap,
    only_active_keys_are_taken,
);

fn new(name: &str) -> NewSshKey {
    let mut key = NewSshKey::new(name, "me");
    key.key_type = "ed25519".into();
    key.public_key = format!("ssh-ed25519 AAAA {name}");
    key.private_key = vec![1, 2, 3];
    key.fingerprint = format!("SHA256:{name}");
    key
}

fn added() -> NewAudit {
    NewAudit::new("key_added", "me")
}

fn revoked(_: &[UsableKey]) -> Result<NewAudit, String> {
    Ok(NewAudit::new("key_revoked", "me"))
}

pub(crate) async fn key(store: &Store, name: &str) -> SshKey {
    store
        .ssh_keys()
        .insert(new(name), of("key_generated"))
        .await
        .unwrap()
}

async fn a_key_comes_back_without_its_private_half(db: Database) {
    let key = key(&db, "k").await;
    assert_eq!(db.ssh_keys().get(key.id).await.unwrap(), key);
    assert_eq!(key.status, SshKeyStatus::Active);
    assert_eq!(db.ssh_keys().private_key(key.id).await.unwrap(), [1, 2, 3]);
    assert_eq!(
        db.ssh_keys().by_fingerprint("SHA256:k").await.unwrap(),
        Some(key.clone())
    );
    let changed = db
        .ssh_keys()
        .update(key.id, Some("other"), Some(Some("notes")), of_both("key_changed"))
        .await
        .unwrap();
    assert_eq!(
        (changed.name.as_str(), changed.notes.as_deref()),
        ("other", Some("notes"))
    );
    let changed = db
        .ssh_keys()
        .update(key.id, None, Some(None), of_both("key_changed"))
        .await
        .unwrap();
    assert_eq!((changed.name.as_str(), changed.notes), ("other", None));
    assert!(matches!(
        db.ssh_keys().get(new_id()).await,
        Err(Error::NotFound { what: "SSH key" })
    ));
}

async fn names_and_fingerprints_are_unique_until_deleted(db: Database) {
    let first = key(&db, "k").await;
    let mut same_name = new("k");
    same_name.fingerprint = "SHA256:other".into();
    let refused = db.ssh_keys().insert(same_name, of("key_generated")).await;
    assert!(
        matches!(
            refused,
            Err(Error::Duplicate {
                what: "SSH key",
                field: "name"
            })
        ),
        "{refused:?}"
    );
    let mut same_key = new("other");
    same_key.fingerprint = first.fingerprint.clone();
    let refused = db.ssh_keys().insert(same_key, of("key_generated")).await;
    assert!(
        matches!(
            refused,
            Err(Error::Duplicate {
                what: "SSH key",
                field: "fingerprint"
            })
        ),
        "{refused:?}"
    );

    db.ssh_keys().delete(first.id, of("key_deleted")).await.unwrap();
    assert!(matches!(
        db.ssh_keys().private_key(first.id).await,
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        db.ssh_keys().get(first.id).await,
        Err(Error::NotFound { .. })
    ));
    assert!(matches!(
        db.ssh_keys().delete(first.id, of("key_deleted")).await,
        Err(Error::NotFound { .. })
    ));
    key(&db, "k").await;
    let status = async |status| {
        walk(1, async |page: PageRequest| {
            db.ssh_keys().list(status, &page).await
        })
        .await
        .len()
    };
    assert_eq!(status(None).await, 1);
    assert_eq!(status(Some(SshKeyStatus::Retired)).await, 0);
    // What it was is still known.
    assert_eq!(status(Some(SshKeyStatus::Deleted)).await, 1);
    let known = db.ssh_keys().of_any_status(&[first.id, new_id()]).await.unwrap();
    let deleted = SshKey {
        status: SshKeyStatus::Deleted,
        ..first
    };
    assert_eq!(known, [deleted]);
}

async fn a_used_key_stays(db: Database) {
    let (connection, key) = (some(&db, "bank").await.id, key(&db, "k").await.id);
    db.connection_keys()
        .add(connection, key, "me", added())
        .await
        .unwrap();
    let refused = db.ssh_keys().delete(key, of("key_deleted")).await;
    assert!(
        matches!(&refused, Err(Error::InUse { by, .. }) if by == &["bank"]),
        "{refused:?}"
    );
    assert_eq!(db.ssh_keys().get(key).await.unwrap().used_by, [connection]);
    db.connection_keys()
        .revoke(connection, key, revoked)
        .await
        .unwrap();
    db.ssh_keys().delete(key, of("key_deleted")).await.unwrap();
}

async fn keys_are_replaced_without_a_gap(db: Database) {
    let connection = some(&db, "c").await;
    let (old, new) = (key(&db, "old").await.id, key(&db, "new").await.id);
    let keys = db.connection_keys();
    keys.add(connection.id, old, "me", added()).await.unwrap();
    let twice = keys.add(connection.id, old, "me", added()).await;
    assert!(matches!(twice, Err(Error::Duplicate { .. })), "{twice:?}");
    keys.add(connection.id, new, "me", added()).await.unwrap();
    keys.touch(connection.id, new).await.unwrap();
    assert_eq!(keys.usable(connection.id).await.unwrap(), [new, old]);
    assert!(db.ssh_keys().get(new).await.unwrap().last_used_at.is_some());
    assert!(db.ssh_keys().get(old).await.unwrap().last_used_at.is_none());

    let decide = |usable: &[UsableKey]| {
        let seen: Vec<_> = usable
            .iter()
            .map(|key| (key.ssh_key_id, key.key_type.as_str(), key.last_used_at.is_some()))
            .collect();
        assert_eq!(seen, [(new, "ed25519", true), (old, "ed25519", false)]);
        revoked(usable)
    };
    let gone = keys.revoke(connection.id, old, decide).await.unwrap();
    assert_eq!(gone.status, KeyUse::Revoked);
    assert!(gone.revoked_at.is_some());
    assert!(matches!(
        keys.revoke(connection.id, old, revoked).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(
        db.connections().get(connection.id).await.unwrap().ssh_key_ids,
        [new]
    );

    // A save replaces the whole list; what stays keeps its entry.
    let mut change = ConnectionChange::new(connection.clone(), "me");
    change.keys = Some(vec![new, old, old]);
    let saved = db.connections().update(change.clone()).await.unwrap();
    assert_eq!(saved.ssh_key_ids, [old, new]);
    let list = keys.list(connection.id).await.unwrap();
    let seen: Vec<_> = list
        .iter()
        .map(|entry| (entry.ssh_key_id, entry.status))
        .collect();
    assert_eq!(
        seen,
        [
            (old, KeyUse::Active),
            (new, KeyUse::Active),
            (old, KeyUse::Revoked)
        ]
    );
    assert!(list[1].last_used_at.is_some());
    change.keys = Some(vec![]);
    assert!(
        db.connections()
            .update(change)
            .await
            .unwrap()
            .ssh_key_ids
            .is_empty()
    );
}

async fn only_active_keys_are_taken(db: Database) {
    let (connection, retired) = (some(&db, "c").await.id, key(&db, "k").await.id);
    db.connection_keys()
        .add(connection, retired, "me", added())
        .await
        .unwrap();
    db.ssh_keys()
        .set_status(retired, SshKeyStatus::Retired, of("key_changed"))
        .await
        .unwrap();
    assert!(db.connection_keys().usable(connection).await.unwrap().is_empty());
    let other = some(&db, "other").await.id;
    let refused = db.connection_keys().add(other, retired, "me", added()).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    db.ssh_keys()
        .set_status(retired, SshKeyStatus::Active, of("key_changed"))
        .await
        .unwrap();
    assert_eq!(db.connection_keys().usable(connection).await.unwrap(), [retired]);
    let deleted = db
        .ssh_keys()
        .set_status(retired, SshKeyStatus::Deleted, of("key_changed"))
        .await;
    assert!(matches!(deleted, Err(Error::Conflict(_))));
    let missing = db.connection_keys().add(new_id(), retired, "me", added()).await;
    assert!(matches!(missing, Err(Error::NotFound { what: "connection" })));
}
