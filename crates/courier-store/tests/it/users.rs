use courier_store::{
    Error, PageRequest, Store,
    audit::{AuditFilter, NewAudit},
    new_id, now,
    sessions::NewSession,
    tokens::{NewToken, Token},
    users::{NewPassword, NewUser, Role, User, UserChange},
};
use jiff::{SignedDuration, Timestamp};
use sea_orm::ConnectionTrait;

use crate::{
    database::{DIFFICULT, Database, walk},
    on_both,
    records::{of, of_both},
};

on_both!(
    users_come_back_and_are_unique,
    the_last_admin_stays,
    two_admins_cannot_remove_each_other_at_once,
    failed_logins_lock,
    sessions_end,
    names_differ_by_more_than_case,
    tokens_end,
);

fn new(username: &str, role: Role) -> NewUser {
    NewUser {
        username: username.into(),
        password_hash: "$argon2id$hash".into(),
        role,
    }
}

pub(crate) async fn user(store: &Store, username: &str, role: Role) -> User {
    store
        .users()
        .insert(new(username, role), of("user_created"))
        .await
        .unwrap()
}

fn in_an_hour() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

async fn users_come_back_and_are_unique(db: Database) {
    let first = db
        .users()
        .insert_first(new("admin", Role::Admin), of("user_created"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        db.users()
            .insert_first(new("admin", Role::Admin), of("user_created"))
            .await
            .unwrap(),
        None
    );
    let second = user(&db, DIFFICULT, Role::Viewer).await;
    let again = db
        .users()
        .insert(new("admin", Role::Viewer), of("user_created"))
        .await;
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

    db.users().delete(second.id, of("user_deleted")).await.unwrap();
    assert!(matches!(
        db.users().get(second.id).await,
        Err(Error::NotFound { what: "user" })
    ));
    assert!(matches!(
        db.users().delete(second.id, of("user_deleted")).await,
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
    db.users()
        .update(other, disable.clone(), of_both("user_changed"))
        .await
        .unwrap();
    let demote = UserChange {
        role: Some(Role::Operator),
        ..Default::default()
    };
    assert!(matches!(
        db.users().update(admin, demote, of_both("user_changed")).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        db.users().update(admin, disable, of_both("user_changed")).await,
        Err(Error::Conflict(_))
    ));
    assert!(matches!(
        db.users().delete(admin, of("user_deleted")).await,
        Err(Error::Conflict(_))
    ));
    db.users().delete(other, of("user_deleted")).await.unwrap();
    assert_eq!(db.users().get(admin).await.unwrap().role, Role::Admin);
}

async fn two_admins_cannot_remove_each_other_at_once(db: Database) {
    let (a, b) = (
        user(&db, "a", Role::Admin).await.id,
        user(&db, "b", Role::Admin).await.id,
    );
    let other = db.again().await;
    let (first, second) = tokio::join!(async { db.users().delete(a, of("user_deleted")).await }, async {
        other.users().delete(b, of("user_deleted")).await
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
    let session = NewSession {
        token_hash: b"token".to_vec(),
        user_id: id,
        password_hash: "$argon2id$hash".into(),
        expires_at: in_an_hour(),
    };
    let login = NewAudit::new("login", "u");
    db.sessions().begin(session, login).await.unwrap();
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
    assert_eq!(records.items.len(), 13, "each with its record, and none without");
}

async fn sessions_end(db: Database) {
    let user = user(&db, "u", Role::Operator).await;
    let sessions = db.sessions();
    let begin = async |token: &[u8], password_hash: &str, expires_at| {
        let session = NewSession {
            token_hash: token.to_vec(),
            user_id: user.id,
            password_hash: password_hash.into(),
            expires_at,
        };
        sessions.begin(session, NewAudit::new("login", "u")).await
    };
    const HASH: &str = "$argon2id$hash";
    let session = begin(b"one", HASH, in_an_hour()).await.unwrap();
    begin(b"past", HASH, now()).await.unwrap();
    let (found, of) = sessions.find(b"one").await.unwrap().unwrap();
    assert_eq!((found, of.id), (session.clone(), user.id));
    assert_eq!(sessions.find(b"past").await.unwrap(), None);
    assert_eq!(sessions.find(b"on").await.unwrap(), None);
    sessions.touch(b"one").await.unwrap();
    assert!(sessions.find(b"one").await.unwrap().unwrap().0.last_seen > session.last_seen);
    assert_eq!(sessions.delete_expired().await.unwrap(), 1);
    let logout = || NewAudit::new("logout", "u");
    sessions.end(b"one", logout()).await.unwrap();
    assert_eq!(sessions.find(b"one").await.unwrap(), None);

    // A new password ends what the old one began, but for the session that it was given in.
    begin(b"two", HASH, in_an_hour()).await.unwrap();
    begin(b"three", HASH, in_an_hour()).await.unwrap();
    let change = |password| UserChange {
        password: Some(password),
        ..Default::default()
    };
    let own = NewPassword {
        replaces: Some(HASH.into()),
        keeps_session: Some(b"three".to_vec()),
        ..NewPassword::new("new")
    };
    let changed = || of_both("user_changed");
    db.users()
        .update(user.id, change(own.clone()), changed())
        .await
        .unwrap();
    assert_eq!(sessions.find(b"two").await.unwrap(), None);
    assert!(sessions.find(b"three").await.unwrap().is_some());
    assert_eq!(db.users().for_login("u").await.unwrap().unwrap().1, "new");
    let late = db.users().update(user.id, change(own), changed()).await;
    assert!(matches!(late, Err(Error::Conflict(_))), "{late:?}");
    db.users()
        .update(user.id, change(NewPassword::new("newer")), changed())
        .await
        .unwrap();
    assert_eq!(sessions.find(b"three").await.unwrap(), None);

    // The password was right when somebody looked, and isn't any more; or its user may not log in any more.
    let late = begin(b"four", "new", in_an_hour()).await;
    assert!(matches!(late, Err(Error::NotFound { .. })), "{late:?}");
    let disable = UserChange {
        disabled: Some(true),
        ..Default::default()
    };
    db.users().update(user.id, disable, changed()).await.unwrap();
    let late = begin(b"four", "newer", in_an_hour()).await;
    assert!(matches!(late, Err(Error::NotFound { .. })), "{late:?}");
}

async fn names_differ_by_more_than_case(db: Database) {
    let ann = user(&db, "Änn", Role::Admin).await;
    for same in ["Änn", "änn", "ÄNN"] {
        let again = db
            .users()
            .insert(new(same, Role::Viewer), of("user_created"))
            .await;
        assert!(
            matches!(
                again,
                Err(Error::Duplicate {
                    what: "user",
                    field: "username"
                })
            ),
            "{same}: {again:?}"
        );
        assert_eq!(db.users().for_login(same).await.unwrap().unwrap().0, ann);
    }
    assert_eq!(db.users().for_login("ann").await.unwrap(), None);

    // Made when letters of either case differed: the exact name is found first.
    let bob = user(&db, "bob", Role::Viewer).await;
    let database = sea_orm::Database::connect(&db.url).await.unwrap();
    for statement in [
        "DROP INDEX users_username_folded_key",
        "ALTER TABLE users DROP COLUMN username_folded",
        "ALTER TABLE tokens DROP COLUMN scopes",
        "DELETE FROM seaql_migrations WHERE version = 'm0003_users_and_tokens'",
        "UPDATE users SET username = 'ÄNN' WHERE username = 'bob'",
    ] {
        database.execute_unprepared(statement).await.unwrap();
    }
    let db = db.again().await;
    assert_eq!(db.users().for_login("ÄNN").await.unwrap().unwrap().0.id, bob.id);
    assert_eq!(db.users().for_login("Änn").await.unwrap().unwrap().0.id, ann.id);
    assert_eq!(db.users().for_login("änn").await.unwrap().unwrap().0.id, ann.id);
}

async fn tokens_end(db: Database) {
    let user = user(&db, "u", Role::Operator).await;
    let new = |name: &str, expires_at| NewToken {
        name: name.into(),
        token_hash: name.as_bytes().to_vec(),
        user_id: user.id,
        role: Role::Viewer,
        scopes: None,
        expires_at,
    };
    let made = |_: &Token| NewAudit::new("token_created", "me");
    let tokens = db.tokens();
    let scoped = NewToken {
        scopes: Some(vec!["jobs".into(), "audit:read".into()]),
        ..new("ci", None)
    };
    let token = tokens.insert(scoped, made).await.unwrap();
    assert_eq!(token.scopes.as_ref().unwrap().len(), 2);
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
        [
            "token_created",
            "token_revoked",
            "token_created",
            "token_created",
            "user_created"
        ]
    );
    db.users().delete(user.id, of("user_deleted")).await.unwrap();
    assert!(matches!(tokens.get(token.id).await, Err(Error::NotFound { .. })));
}
