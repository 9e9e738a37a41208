//! Users, logins, tokens and settings.

use courier_engine::{
    Actor, Error, PageRequest, Role, Scope, TokenLimits, tokens::TokenRequest, users::UserChange,
};
use courier_store::now;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::fixture::{Fixture, admin, fields};

#[tokio::test]
async fn the_first_admin_is_made_once() {
    let t = Fixture::new().await;
    assert!(t.users().bootstrap_admin("first password".into()).await.unwrap());
    assert!(!t.users().bootstrap_admin("other password".into()).await.unwrap());
    let login = t
        .auth()
        .login("admin", "first password".into(), None)
        .await
        .unwrap();
    let actor = t.auth().authenticate(login.token.expose_secret()).await.unwrap();
    assert_eq!(
        (actor.name.as_str(), actor.role, actor.id),
        ("admin", Role::Admin, Some(login.user.id))
    );
    let error = t.users().delete(&admin(), login.user.id).await.unwrap_err();
    assert!(
        matches!(error, Error::Conflict(_)),
        "the last admin stays: {error:?}"
    );
    t.auth().logout(login.token.expose_secret()).await.unwrap();
    let error = t
        .auth()
        .authenticate(login.token.expose_secret())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unauthenticated(_)));
}

#[tokio::test]
async fn failures_are_counted_and_close_the_door() {
    let t = Fixture::new().await;
    t.users()
        .create(&admin(), "olga", "olgas password".into(), Role::Operator)
        .await
        .unwrap();
    for name in ["olga", "nobody"] {
        for _ in 0..5 {
            let error = t.auth().login(name, "wrong".into(), None).await.unwrap_err();
            assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
        }
        let error = t
            .auth()
            .login(name, "olgas password".into(), None)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::RateLimited { .. }), "{name}: {error:?}");
    }
    // What nobody can be called is not even counted.
    for name in [String::new(), "x".repeat(1_000_000), "a\nb".into()] {
        for _ in 0..9 {
            let error = t.auth().login(&name, "wrong".into(), None).await.unwrap_err();
            assert!(matches!(error, Error::Unauthenticated(_)), "{error:?}");
        }
    }
    assert_eq!(t.audit_of("login_failed").await.len(), 10);
    assert!(
        !t.audit_of("login_failed")
            .await
            .iter()
            .any(|r| r.performed_by == "nobody")
    );
    // Good logins are not limited.
    t.users()
        .create(&admin(), "vera", "veras password".into(), Role::Viewer)
        .await
        .unwrap();
    for _ in 0..8 {
        t.auth()
            .login("vera", "veras password".into(), None)
            .await
            .unwrap();
    }
}

/// However many guess at once, and whether the name is somebody's or nobody's.
#[tokio::test]
async fn guesses_sent_at_once_are_as_many_as_guesses_in_turn() {
    let t = Fixture::new().await;
    t.users()
        .create(&admin(), "olga", "olgas password".into(), Role::Operator)
        .await
        .unwrap();
    for name in ["olga", "nobody"] {
        let auth = t.auth();
        let guesses = (0..20).map(|n| auth.login(name, format!("guess {n}").into(), None));
        let refused = futures::future::join_all(guesses).await;
        let looked_at = refused
            .iter()
            .filter(|guess| matches!(guess, Err(Error::Unauthenticated(_))));
        assert_eq!(looked_at.count(), 5, "{name}");
    }
}

#[tokio::test]
async fn a_changed_password_ends_sessions() {
    let t = Fixture::new().await;
    let user = t
        .users()
        .create(&admin(), "olga", "olgas password".into(), Role::Operator)
        .await
        .unwrap();
    let login = t
        .auth()
        .login("olga", "olgas password".into(), None)
        .await
        .unwrap();
    let change = UserChange {
        password: Some("another password".into()),
        ..UserChange::default()
    };
    t.users().update(&admin(), user.id, change).await.unwrap();
    assert!(t.auth().authenticate(login.token.expose_secret()).await.is_err());
    assert!(
        t.auth()
            .login("olga", "olgas password".into(), None)
            .await
            .is_err()
    );
    t.auth()
        .login("olga", "another password".into(), None)
        .await
        .unwrap();
    let duplicate = t
        .users()
        .create(&admin(), "olga", "third password".into(), Role::Viewer)
        .await
        .unwrap_err();
    assert!(matches!(duplicate, Error::Duplicate { .. }));
    let short = t
        .users()
        .create(&admin(), "pia", "short".into(), Role::Viewer)
        .await
        .unwrap_err();
    assert_eq!(fields(&short), ["password"]);
}

#[tokio::test]
async fn a_token_does_no_more_than_its_user() {
    let t = Fixture::new().await;
    let user = t
        .users()
        .create(&admin(), "olga", "olgas password".into(), Role::Operator)
        .await
        .unwrap();
    let olga = Actor {
        id: Some(user.id),
        name: "olga".into(),
        role: Role::Operator,
        token: None,
    };
    let error = t
        .tokens()
        .create(
            &olga,
            "t",
            TokenRequest {
                role: Some(Role::Admin),
                ..TokenRequest::default()
            },
        )
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden(_)));
    let past = TokenRequest {
        expires_at: Some(now() - SignedDuration::from_secs(1)),
        ..TokenRequest::default()
    };
    assert_eq!(
        fields(&t.tokens().create(&olga, "t", past).await.unwrap_err()),
        ["expires_at"]
    );

    let (token, kept) = t
        .tokens()
        .create(&olga, "t", TokenRequest::default())
        .await
        .unwrap();
    assert!(token.expose_secret().starts_with("courier_"));
    let by_token = Actor {
        token: Some(TokenLimits::default()),
        ..olga.clone()
    };
    assert_eq!(
        t.auth().authenticate(token.expose_secret()).await.unwrap(),
        by_token
    );
    assert!(
        t.tokens().list(&olga, PageRequest::first(9)).await.unwrap().items[0]
            .last_used_at
            .is_some()
    );
    let viewer = UserChange {
        role: Some(Role::Viewer),
        ..UserChange::default()
    };
    t.users().update(&admin(), user.id, viewer).await.unwrap();
    assert_eq!(
        t.auth().authenticate(token.expose_secret()).await.unwrap().role,
        Role::Viewer
    );

    let stranger = Actor {
        id: Some(uuid::Uuid::now_v7()),
        name: "x".into(),
        role: Role::Operator,
        token: None,
    };
    assert!(matches!(
        t.tokens().revoke(&stranger, kept.id).await.unwrap_err(),
        Error::NotFound { .. }
    ));
    t.tokens().revoke(&olga, kept.id).await.unwrap();
    assert!(t.auth().authenticate(token.expose_secret()).await.is_err());
    assert!(
        t.tokens()
            .list(&olga, PageRequest::first(9))
            .await
            .unwrap()
            .items
            .is_empty()
    );
}

#[tokio::test]
async fn a_token_makes_none_that_may_do_more_or_lasts_longer() {
    let t = Fixture::new().await;
    t.users()
        .create(&admin(), "olga", "olgas password".into(), Role::Operator)
        .await
        .unwrap();
    let login = t
        .auth()
        .login("olga", "olgas password".into(), None)
        .await
        .unwrap();
    let olga = t.auth().authenticate(login.token.expose_secret()).await.unwrap();
    let scopes = |words: &[&str]| -> Option<Vec<Scope>> {
        Some(words.iter().map(|word| word.parse().unwrap()).collect())
    };
    let end = now() + SignedDuration::from_hours(1);
    let request = TokenRequest {
        scopes: scopes(&["jobs:read", "tokens", "jobs", "tokens"]),
        expires_at: Some(end),
        ..TokenRequest::default()
    };
    let (token, kept) = t.tokens().create(&olga, "first", request).await.unwrap();
    assert_eq!(
        kept.scopes.unwrap(),
        ["jobs", "tokens"],
        "each once, the wider one"
    );
    let machine = t.auth().authenticate(token.expose_secret()).await.unwrap();
    let limits = machine.token.clone().unwrap();
    assert!(limits.allow("jobs", false) && !limits.allow("audit", true));

    let inherits = TokenRequest::default();
    let (_, second) = t.tokens().create(&machine, "second", inherits).await.unwrap();
    assert_eq!(second.scopes.unwrap(), ["jobs", "tokens"]);
    assert_eq!(second.expires_at, Some(end));
    let less = TokenRequest {
        scopes: scopes(&["jobs:read"]),
        ..TokenRequest::default()
    };
    let (_, third) = t.tokens().create(&machine, "third", less).await.unwrap();
    assert_eq!(third.scopes.unwrap(), ["jobs:read"]);
    for more in [
        TokenRequest {
            scopes: scopes(&["jobs", "audit:read"]),
            ..TokenRequest::default()
        },
        TokenRequest {
            expires_at: Some(end + SignedDuration::from_secs(1)),
            ..TokenRequest::default()
        },
    ] {
        let error = t.tokens().create(&machine, "more", more).await.unwrap_err();
        assert!(matches!(error, Error::Forbidden(_)), "{error:?}");
    }
    let none = TokenRequest {
        scopes: scopes(&[]),
        ..TokenRequest::default()
    };
    let error = t.tokens().create(&olga, "none", none).await.unwrap_err();
    assert_eq!(fields(&error), ["scopes"]);
    let records = t.audit_of("token_created").await;
    assert_eq!(records[2].details["scopes"], json!(["jobs", "tokens"]));
    let by_token = records.iter().map(|record| record.details["by_token"] == true);
    assert_eq!(by_token.collect::<Vec<_>>(), [true, true, false]);
}

#[tokio::test]
async fn ones_own_password_takes_the_one_until_now() {
    let t = Fixture::new().await;
    t.users()
        .create(&admin(), "olga", "olgas password".into(), Role::Viewer)
        .await
        .unwrap();
    let here = t
        .auth()
        .login("Olga", "olgas password".into(), None)
        .await
        .unwrap();
    let there = t
        .auth()
        .login("olga", "olgas password".into(), None)
        .await
        .unwrap();
    let bearer = here.token.expose_secret();
    let olga = t.auth().authenticate(bearer).await.unwrap();
    assert_eq!(olga.name, "olga");
    let change = async |current: &str, new: &str| {
        t.auth()
            .change_password(&olga, bearer, current.into(), new.into())
            .await
    };
    assert_eq!(
        fields(&change("olgas password", "short").await.unwrap_err()),
        ["new_password"]
    );
    let same = change("olgas password", "olgas password").await.unwrap_err();
    assert_eq!(fields(&same), ["new_password"]);
    let wrong = change("wrong", "another password").await.unwrap_err();
    assert_eq!(fields(&wrong), ["current_password"]);

    change("olgas password", "another password").await.unwrap();
    assert!(t.auth().authenticate(bearer).await.is_ok(), "this one goes on");
    assert!(t.auth().authenticate(there.token.expose_secret()).await.is_err());
    assert!(
        t.auth()
            .login("olga", "olgas password".into(), None)
            .await
            .is_err()
    );
    t.auth()
        .login("olga", "another password".into(), None)
        .await
        .unwrap();
    for (operation, count) in [("password_changed", 1), ("password_change_failed", 1)] {
        let records = t.audit_of(operation).await;
        assert_eq!(records.len(), count, "{operation}");
        assert_eq!(records[0].performed_by, "olga");
    }

    // Whoever has the session but not the password guesses no more often than anybody else.
    for n in 0..5 {
        let wrong = change(&format!("guess {n}"), "third password").await.unwrap_err();
        assert_eq!(fields(&wrong), ["current_password"]);
    }
    for current in ["guess", "another password"] {
        let error = change(current, "third password").await.unwrap_err();
        assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    }
    let error = t
        .auth()
        .login("OLGA", "another password".into(), None)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::RateLimited { .. }), "{error:?}");
    let nobody = t
        .auth()
        .change_password(&admin(), "", "olgas password".into(), "third password".into())
        .await
        .unwrap_err();
    assert!(matches!(nobody, Error::Forbidden(_)), "{nobody:?}");
}

#[tokio::test]
async fn settings_are_a_typed_table() {
    let t = Fixture::new().await;
    assert!(matches!(
        t.settings().get("no.such").await.unwrap_err(),
        Error::NotFound { .. }
    ));
    let wrong = t
        .settings()
        .set(&admin(), "security.fips_mode_enabled", json!("yes"))
        .await
        .unwrap_err();
    assert_eq!(fields(&wrong), ["value"]);
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    assert_eq!(
        t.settings()
            .get("security.fips_mode_enabled")
            .await
            .unwrap()
            .value,
        json!(true)
    );
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(null))
        .await
        .unwrap();
    let all = t.settings().list().await.unwrap();
    let shown: Vec<(&str, &serde_json::Value)> = all.iter().map(|s| (s.setting.name, &s.value)).collect();
    assert_eq!(
        shown[..8],
        [
            ("security.insecure_trust_require_admin", &json!(true)),
            ("security.insecure_trust_allow_production", &json!(false)),
            ("security.fips_mode_enabled", &json!(false)),
            ("security.host_key_approval_require_admin", &json!(true)),
            ("security.ssh_key_max_age_days", &json!(365)),
            ("audit.retention_days", &json!(0)),
            ("executions.retention_days", &json!(0)),
            ("executions.idle_pull_retention_minutes", &json!(60)),
        ]
    );
    assert_eq!(t.audit_of("setting_changed").await.len(), 2);
    let overview = t.overview().await.unwrap();
    assert_eq!(
        (overview.node.as_str(), overview.counts.connections["healthy"]),
        ("test", 0)
    );
}
