use courier_store::{
    Error, PageRequest, Store,
    audit::{AuditFilter, NewAudit},
    new_id, now,
    tokens::{NewToken, Token},
    users::{NewUser, Role, User, UserChange},
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    database::{DIFFICULT, Database, walk},
    on_both,
};

on_both!(
    users_come_back_and_are_unique,
    the_last_admin_stays,
    two_admins_cannot_remove_each_other_at_once,
    failed_logins_lock,
    sessions_end,
    tokens_end,
);

fn new(username: &str, role: Role) -> NewUser {
    NewUser {
        username: username.into(),
        password_hash: "$argon2id$hash".into(),
        role,
    }
}

async fn user(store: &Store, username: &str, role: Role) -> User {
    store.users().insert(new(username, role)).await.unwrap()
}

fn in_an_hour() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

async fn users_come_back_and_are_unique(db: Database) {
    let first = db
        .users()
        .insert_first(new("admin", Role::Admin))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        db.users().insert_first(new("admin", Role::Admin)).await.unwrap(),
        None
    );
    let second = user(&db, DIFFICULT, Role::Viewer).await;
    let again = db.users().insert(new("admin", Role::Viewer)).await;
    assert!(
        matches!(
            again,
            Err(Error::Duplicate {
                what: "user",
                field: "username"
            })
        ),
        "{again:?}"
    );
    assert!(!format!("{:?}", new("a", Role::Viewer)).contains("argon2"));
    assert_eq!(db.users().get(second.id).await.unwrap(), second);
    let found = db.users().for_login(DIFFICULT).await.unwrap();
    assert_eq!(found, Some((second.clone(), "$argon2id$hash".into())));
    assert_eq!(db.users().for_login("nobody\0").await.unwrap(), None);
    let all = walk(1, async |page: PageRequest| db.users().list(&page).await).await;
    assert_eq!(all, [first, second.clone()]);

    db.users().delete(second.id).await.unwrap();
    assert!(matches!(
        db.users().get(second.id).await,
        Err(Error::NotFound { what: "user" })
    ));
    assert!(matches!(
        db.users().delete(second.id).await,
        Err(Error::NotFound { .. })
    ));
}

async fn the_last_admin_stays(db: Database) {
    let admin = user(&db, "admin", Role::Admin).await.id;
    let other = user(&db, "other", Role::Admin).await.id;
    let disable = UserChange {
        disabled: Some(true),
        ..Default::default()
    };
    db.users().update(other, disable.clone()).await.unwrap();
    let demote = UserChange {
        role: Some(Role::Operator),
        ..Default::default()
    };
    assert!(matches!(
        db.users().update(admin, demote).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        db.users().update(admin, disable).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(db.users().delete(admin).await, Err(Error::Conflict(_))));
    db.users().delete(other).await.unwrap();
    assert_eq!(db.users().get(admin).await.unwrap().role, Role::Admin);
}

async fn two_admins_cannot_remove_each_other_at_once(db: Database) {
    let (a, b) = (
        user(&db, "a", Role::Admin).await.id,
        user(&db, "b", Role::Admin).await.id,
    );
    let other = db.again().await;
    let (first, second) = tokio::join!(async { db.users().delete(a).await }, async {
        other.users().delete(b).await
    });
    assert_eq!(usize::from(first.is_ok()) + usize::from(second.is_ok()), 1);
}

async fn failed_logins_lock(db: Database) {
    let id = user(&db, "u", Role::Viewer).await.id;
    let until = in_an_hour();
    let failed = async |id, until| {
        let record = NewAudit::new("login_failed", "u");
        db.users().login_failed(id, until, record).await
    };
    for count in 1..=2 {
        failed(id, until).await.unwrap();
        let user = db.users().get(id).await.unwrap();
        assert_eq!((user.failed_logins, user.locked_until), (count, Some(until)));
    }
    db.users().login_succeeded(id).await.unwrap();
    let good = db.users().get(id).await.unwrap();
    assert_eq!((good.failed_logins, good.locked_until), (0, None));
    assert!(good.last_login_at.is_some());

    // What is over doesn't count.
    for _ in 0..9 {
        failed(id, courier_store::now()).await.unwrap();
        assert_eq!(db.users().get(id).await.unwrap().failed_logins, 1);
    }
    assert!(matches!(
        failed(new_id(), until).await,
        Err(Error::NotFound { .. })
    ));
    let records = db
        .audit()
        .list(&AuditFilter::default(), &PageRequest::first(99))
        .await
        .unwrap();
    assert_eq!(records.items.len(), 11, "each with its record, and none without");
}

async fn sessions_end(db: Database) {
    let user = user(&db, "u", Role::Operator).await;
    let sessions = db.sessions();
    let session = sessions.insert(b"one", user.id, in_an_hour()).await.unwrap();
    sessions.insert(b"past", user.id, now()).await.unwrap();
    assert_eq!(
        sessions.find(b"one").await.unwrap(),
        Some((session.clone(), user.clone()))
    );
    assert_eq!(sessions.find(b"past").await.unwrap(), None);
    assert_eq!(sessions.find(b"on").await.unwrap(), None);
    sessions.touch(b"one").await.unwrap();
    assert!(sessions.find(b"one").await.unwrap().unwrap().0.last_seen > session.last_seen);
    assert_eq!(sessions.delete_expired().await.unwrap(), 1);
    sessions.delete(b"one").await.unwrap();
    assert_eq!(sessions.find(b"one").await.unwrap(), None);

    // A new password ends what the old one began.
    sessions.insert(b"two", user.id, in_an_hour()).await.unwrap();
    let change = UserChange {
        password_hash: Some("new".into()),
        ..Default::default()
    };
    db.users().update(user.id, change).await.unwrap();
    assert_eq!(sessions.find(b"two").await.unwrap(), None);
    assert_eq!(db.users().for_login("u").await.unwrap().unwrap().1, "new");
    let missing = sessions.insert(b"three", new_id(), in_an_hour()).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
}

async fn tokens_end(db: Database) {
    let user = user(&db, "u", Role::Operator).await;
    let new = |name: &str, expires_at| NewToken {
        name: name.into(),
        token_hash: name.as_bytes().to_vec(),
        user_id: user.id,
        role: Role::Viewer,
        expires_at,
    };
    let made = |_: &Token| NewAudit::new("token_created", "me");
    let tokens = db.tokens();
    let token = tokens.insert(new("ci", None), made).await.unwrap();
    tokens.insert(new("past", Some(now())), made).await.unwrap();
    let again = tokens
        .insert(
            NewToken {
                token_hash: vec![1],
                ..new("ci", None)
            },
            made,
        )
        .await;
    assert!(
        matches!(
            again,
            Err(Error::Duplicate {
                what: "API token",
                field: "name"
            })
        ),
        "{again:?}"
    );
    assert_eq!(
        tokens.find(b"ci").await.unwrap(),
        Some((token.clone(), user.clone()))
    );
    assert_eq!(tokens.find(b"past").await.unwrap(), None);
    tokens.touch(token.id).await.unwrap();
    assert!(tokens.get(token.id).await.unwrap().last_used_at.is_some());

    let revoked = tokens
        .revoke(token.id, NewAudit::new("token_revoked", "me"))
        .await
        .unwrap();
    assert_eq!(
        tokens
            .revoke(token.id, NewAudit::new("token_revoked", "me"))
            .await
            .unwrap(),
        revoked
    );
    assert_eq!(tokens.find(b"ci").await.unwrap(), None);
    tokens
        .insert(
            NewToken {
                token_hash: vec![1],
                ..new("ci", None)
            },
            made,
        )
        .await
        .unwrap();
    let mine = walk(2, async |page: PageRequest| {
        tokens.list(Some(user.id), &page).await
    })
    .await;
    assert_eq!(
        mine.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(),
        ["ci", "past", "ci"]
    );
    assert!(
        tokens
            .list(Some(new_id()), &PageRequest::first(5))
            .await
            .unwrap()
            .items
            .is_empty()
    );
    // Each change with its record; what failed or changed nothing has none.
    let records = db
        .audit()
        .list(&AuditFilter::default(), &PageRequest::first(99))
        .await
        .unwrap();
    let operations: Vec<&str> = records.items.iter().map(|r| r.operation.as_str()).collect();
    assert_eq!(
        operations,
        ["token_created", "token_revoked", "token_created", "token_created"]
    );
    db.users().delete(user.id).await.unwrap();
    assert!(matches!(tokens.get(token.id).await, Err(Error::NotFound { .. })));
}
