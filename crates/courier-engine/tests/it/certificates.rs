//! Which certificates are trusted, by policy, and what happens when they change.

use courier_engine::{Environment, Error, connections::Connection};
use courier_transfer::CertificateProblem;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    fake::{CLIENT_CERTIFICATE, PASSWORD, thumbprint},
    fixture::{Fixture, admin, connection_input, fields, map, operator, viewer},
};

const INSECURE: &str = "insecure";

impl Fixture {
    /// An FTPS connection with these fields besides, made by an operator.
    async fn ftps(&self, more: Value) -> Result<Connection, Error> {
        let mut input = connection_input();
        input.insert("protocol".into(), json!("ftps"));
        input.extend(map(more));
        self.connections().create(&operator(), input).await
    }

    async fn patched(&self, id: Uuid, change: Value) -> Result<Connection, Error> {
        self.connections().patch(&operator(), id, map(change)).await
    }

    async fn health(&self, id: Uuid) -> String {
        let shown = self.connections().get(id).await.unwrap();
        shown.health.as_str().to_owned()
    }
}

fn mkdir(connection: Uuid) -> Value {
    json!([{"step_type": "remote.mkdir", "config": {"connection_id": connection, "remote_path": "a/b", "recursive": true}}])
}

fn config_fields(error: Error) -> Vec<String> {
    assert!(matches!(error, Error::ProtocolConfig { .. }), "{error:?}");
    fields(&error)
}

#[tokio::test]
async fn a_bad_certificate_is_refused_before_the_password() {
    let t = Fixture::new().await;
    let made = t.ftps(json!({})).await.unwrap();
    assert_eq!(made.fields["port"], 990);
    assert_eq!(made.fields["tls_cert_policy"], "system_trust");
    assert_eq!(made.fields["tls_validate_cert"], true);
    assert!(
        !made.warnings.iter().any(|w| w.contains("SSH")),
        "{:?}",
        made.warnings
    );
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());

    let problems = vec![CertificateProblem::SelfSigned, CertificateProblem::Revoked];
    t.ftps.present(2, problems);
    let logins = t.ftps.logins();
    let job = json!({"name": "once", "steps": mkdir(made.id), "failure_policy": {"type": "retry_job", "max_retries": 3}});
    let run = t.run_job(job).await;
    let error = run.error.unwrap();
    assert_eq!(error.kind, "certificate");
    assert!(
        error.message.contains("self-signed; revoked"),
        "{}",
        error.message
    );
    assert_eq!(t.ftps.logins(), logins, "no credential was sent");
    let rejected = t.audit_of("certificate_rejected").await;
    assert_eq!(rejected.len(), 1, "not tried again");
    assert_eq!(rejected[0].connection_id, Some(made.id));
    assert_eq!(rejected[0].details["presented"], json!(thumbprint(2)));
    assert_eq!(rejected[0].details["expected"], json!(null));
    assert_eq!(rejected[0].details["reasons"], json!(["self-signed", "revoked"]));
    assert_eq!(t.health(made.id).await, "failing", "the next job tries again");

    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "certificate");
    let certificate = report.tls_certificate.unwrap();
    assert_eq!(certificate.thumbprint.to_string(), thumbprint(2));
    assert_eq!(
        certificate.policy_errors().as_deref(),
        Some("self-signed; revoked")
    );
    let viewed = t.connections().browse(&viewer(), made.id, None).await;
    assert_eq!(viewed.unwrap_err().kind(), "certificate");
}

#[tokio::test]
async fn a_pinned_certificate_is_that_one_whatever_is_wrong_with_it() {
    let t = Fixture::new().await;
    t.ftps.present(1, vec![CertificateProblem::SelfSigned]);
    let pin = format!("sha256:{}", "01".repeat(32));
    let policy = json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": pin});
    let made = t.ftps(policy).await.unwrap();
    assert_eq!(made.fields["tls_pinned_thumbprint"], json!(thumbprint(1)));
    assert_eq!(made.fields["tls_validate_cert"], true);
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    assert!(t.connections().browse(&viewer(), made.id, None).await.is_ok());

    // Unless a list of revoked ones was given, and names it.
    t.ftps.present(
        1,
        vec![CertificateProblem::SelfSigned, CertificateProblem::Revoked],
    );
    let logins = t.ftps.logins();
    let report = t.connections().test(&operator(), made.id).await.unwrap();
    assert!(report.error.unwrap().message.contains("revoked"));
    assert_eq!(t.ftps.logins(), logins, "no credential was sent");
    let rejected = &t.audit_of("certificate_rejected").await[0];
    assert_eq!(rejected.details["reasons"], json!(["revoked"]));

    // Another one is refused, though nothing is wrong with it, and only tests connect until somebody has looked.
    t.ftps.present(2, Vec::new());
    let logins = t.ftps.logins();
    let error = t.run_steps(mkdir(made.id)).await.error.unwrap();
    assert_eq!(error.kind, "certificate");
    assert!(error.message.contains(&thumbprint(1)) && error.message.contains(&thumbprint(2)));
    assert_eq!(t.ftps.logins(), logins, "no credential was sent");
    assert_eq!(t.health(made.id).await, "requires_attention");
    let rejected = &t.audit_of("certificate_rejected").await[0];
    assert_eq!(rejected.details["expected"], json!(thumbprint(1)));
    assert_eq!(rejected.details["presented"], json!(thumbprint(2)));
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "connection_not_usable"
    );

    // A failed test leaves it so; one that succeeds ends it, and so does another pin.
    assert!(!t.connections().test(&operator(), made.id).await.unwrap().success);
    assert_eq!(t.health(made.id).await, "requires_attention");
    t.ftps.present(1, Vec::new());
    assert!(t.connections().test(&operator(), made.id).await.unwrap().success);
    assert_eq!(t.health(made.id).await, "healthy");
    t.ftps.present(2, Vec::new());
    assert!(t.connections().browse(&operator(), made.id, None).await.is_err());
    assert_eq!(t.health(made.id).await, "requires_attention");
    t.patched(made.id, json!({"tls_pinned_thumbprint": thumbprint(2)}))
        .await
        .unwrap();
    assert_eq!(t.health(made.id).await, "unknown");
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    let changed = &t.audit_of("connection_changed").await[0];
    let pins = &changed.details["certificates"];
    assert_eq!(pins["before"]["thumbprint"], json!(thumbprint(1)));
    assert_eq!(pins["after"]["thumbprint"], json!(thumbprint(2)));
}

#[tokio::test]
async fn the_pinned_policy_needs_a_pin() {
    let t = Fixture::new().await;
    let policy = json!({"tls_cert_policy": "pinned_thumbprint"});
    let field = ["tls_pinned_thumbprint"];
    assert_eq!(config_fields(t.ftps(policy.clone()).await.unwrap_err()), field);
    let nonsense = json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": "AB:CD"});
    assert_eq!(config_fields(t.ftps(nonsense).await.unwrap_err()), field);

    let made = t
        .ftps(json!({"tls_pinned_thumbprint": thumbprint(1)}))
        .await
        .unwrap();
    t.patched(made.id, policy.clone()).await.unwrap();
    let cleared = t.patched(made.id, json!({"tls_pinned_thumbprint": null})).await;
    assert_eq!(config_fields(cleared.unwrap_err()), field);
    let replaced = map(
        json!({"name": "r", "protocol": "ftps", "host": "partner.example", "auth_method": "none",
        "tls_cert_policy": "pinned_thumbprint"}),
    );
    let replaced = t.connections().replace(&operator(), made.id, replaced).await;
    assert_eq!(config_fields(replaced.unwrap_err()), field);

    // A test of what is not saved tells the thumbprint.
    let mut draft = connection_input();
    draft.extend(map(
        json!({"protocol": "ftps", "tls_cert_policy": "pinned_thumbprint"}),
    ));
    let report = t.connections().test_unsaved(&operator(), draft).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "certificate");
    assert_eq!(
        report.tls_certificate.unwrap().thumbprint.to_string(),
        thumbprint(1)
    );
}

#[tokio::test]
async fn another_server_has_another_pin_and_gets_no_secret() {
    let t = Fixture::new().await;
    let made = t
        .ftps(json!({
            "tls_cert_policy": "pinned_thumbprint",
            "tls_pinned_thumbprint": thumbprint(1),
            "client_certificate": CLIENT_CERTIFICATE,
        }))
        .await
        .unwrap();
    let same = json!({"host": "PARTNER.example", "port": 990});
    assert!(t.patched(made.id, same).await.unwrap().has_client_certificate);
    let chosen = json!({"host": "other.example", "tls_cert_policy": "pinned_thumbprint"});
    let chosen = t.patched(made.id, chosen).await.unwrap_err();
    assert_eq!(config_fields(chosen), ["tls_pinned_thumbprint"]);

    let moved = t
        .patched(made.id, json!({"host": "other.example", "password": PASSWORD}))
        .await
        .unwrap();
    assert_eq!(moved.fields["tls_cert_policy"], "pinned_thumbprint");
    assert_eq!(moved.fields["tls_pinned_thumbprint"], json!(null));
    assert!(!moved.has_client_certificate && moved.has_password);
    assert!(
        moved
            .warnings
            .iter()
            .any(|w| w.starts_with("No certificate is pinned yet"))
    );
    let logins = t.ftps.logins();
    let error = t.run_steps(mkdir(made.id)).await.error.unwrap();
    assert_eq!(error.kind, "certificate");
    assert!(error.message.contains(&thumbprint(1)), "{}", error.message);
    assert_eq!(t.ftps.logins(), logins);
    assert_eq!(t.health(made.id).await, "failing");
    // What was shown may be sent back, and other fields may change.
    let shown = serde_json::to_value(&moved).unwrap();
    t.connections()
        .replace(&operator(), made.id, map(shown))
        .await
        .unwrap();
    t.patched(made.id, json!({"notes": "waits for its pin"}))
        .await
        .unwrap();
    let pinned =
        json!({"host": "third.example", "password": PASSWORD, "tls_pinned_thumbprint": thumbprint(1)});
    t.patched(made.id, pinned).await.unwrap();
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    // The mode decides about the port, and the port about the mode.
    assert_eq!(moved.fields["ftps_mode"], "implicit");
    let moved = t
        .patched(made.id, json!({"port": null, "ftps_mode": "explicit"}))
        .await
        .unwrap();
    assert_eq!((&moved.fields["port"], moved.has_password), (&json!(21), false));
}

#[tokio::test]
async fn a_client_certificate_is_a_secret() {
    let t = Fixture::new().await;
    let wrong = t.ftps(json!({"client_certificate": "my dog"})).await.unwrap_err();
    assert!(!wrong.to_string().contains("dog"), "{wrong}");
    assert_eq!(config_fields(wrong), ["client_certificate"]);

    let made = t
        .ftps(json!({"client_certificate": CLIENT_CERTIFICATE}))
        .await
        .unwrap();
    assert!(made.has_client_certificate);
    assert!(!serde_json::to_string(&made).unwrap().contains("BEGIN"));
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    let mut draft = connection_input();
    draft.extend(map(
        json!({"protocol": "ftps", "client_certificate": CLIENT_CERTIFICATE}),
    ));
    assert!(
        t.connections()
            .test_unsaved(&operator(), draft)
            .await
            .unwrap()
            .success
    );
    assert_eq!(t.ftps.client_certificates(), [CLIENT_CERTIFICATE; 2]);

    let bytes = std::fs::read(t.dir.path().join("courier.db")).unwrap();
    let wal = std::fs::read(t.dir.path().join("courier.db-wal")).unwrap_or_default();
    for stored in [bytes, wal] {
        assert!(!stored.windows(17).any(|w| w == b"BEGIN CERTIFICATE"), "sealed");
    }
    let cleared = t
        .patched(made.id, json!({"client_certificate": null}))
        .await
        .unwrap();
    assert!(!cleared.has_client_certificate);
    let elsewhere = t.connection(json!({})).await.id;
    let refused = t
        .patched(elsewhere, json!({"client_certificate": CLIENT_CERTIFICATE}))
        .await;
    assert_eq!(config_fields(refused.unwrap_err()), ["client_certificate"]);
}

#[tokio::test]
async fn any_certificate_is_for_admins_outside_of_production_and_fips() {
    let insecure = async |t: &Fixture, actor| {
        let mut input = connection_input();
        input.extend(map(json!({"protocol": "ftps", "tls_cert_policy": INSECURE})));
        t.connections().create(&actor, input).await
    };
    let production = Fixture::in_environment(Environment::Production).await;
    let refused = insecure(&production, operator()).await.unwrap_err();
    assert!(matches!(refused, Error::InsecureTlsNeedsAdmin));
    let refused = insecure(&production, admin()).await.unwrap_err();
    assert!(matches!(refused, Error::InsecureTrustInProduction(_)));
    assert!(refused.to_string().contains("pinned_thumbprint"), "{refused}");

    let t = Fixture::new().await;
    assert!(matches!(
        insecure(&t, operator()).await.unwrap_err(),
        Error::InsecureTlsNeedsAdmin
    ));
    let made = insecure(&t, admin()).await.unwrap();
    assert_eq!(made.fields["tls_validate_cert"], false);
    let disabled = "Certificate verification disabled: ";
    assert!(made.warnings.iter().any(|w| w.starts_with(disabled)));
    t.ftps.present(
        7,
        vec![CertificateProblem::UnknownIssuer, CertificateProblem::Revoked],
    );
    assert!(t.run_steps(mkdir(made.id)).await.error.is_none());
    let used = t.audit_of("insecure_tls_policy_used").await;
    assert_eq!(used.len(), 1);
    assert_eq!(
        used[0].details,
        json!({
            "host": "partner.example",
            "subject": "CN=partner.example",
            "issuer": "CN=Some CA",
            "thumbprint": thumbprint(7),
            "policy_errors": "unknown issuer; revoked",
        })
    );
    assert_eq!(
        t.connections()
            .browse(&viewer(), made.id, None)
            .await
            .unwrap_err()
            .kind(),
        "connection_not_usable"
    );
    // Who may not decide may change the rest, but no other server inherits the decision.
    t.patched(made.id, json!({"notes": "test server"})).await.unwrap();
    let moved = t.patched(made.id, json!({"host": "other.example"})).await;
    assert!(matches!(moved.unwrap_err(), Error::InsecureTlsNeedsAdmin));

    // What the settings say counts for connections that are there, at each use.
    t.settings()
        .set(&admin(), "security.fips_mode_enabled", json!(true))
        .await
        .unwrap();
    assert_eq!(
        t.run_steps(mkdir(made.id)).await.error.unwrap().kind,
        "insecure_tls_in_fips"
    );
    let report = t.connections().test(&admin(), made.id).await.unwrap();
    assert_eq!(report.error.unwrap().kind, "insecure_tls_in_fips");
    assert!(matches!(
        insecure(&t, admin()).await.unwrap_err(),
        Error::InsecureTlsInFips
    ));
    t.patched(made.id, json!({"status": "disabled"})).await.unwrap();
    let mended = t
        .patched(made.id, json!({"status": "active", "tls_validate_cert": true}))
        .await
        .unwrap();
    assert_eq!(mended.fields["tls_cert_policy"], "system_trust");
}

#[tokio::test]
async fn operators_choose_any_certificate_where_the_setting_lets_them() {
    let t = Fixture::new().await;
    t.settings()
        .set(&admin(), "security.insecure_trust_require_admin", json!(false))
        .await
        .unwrap();
    let made = t.ftps(json!({"tls_validate_cert": false})).await.unwrap();
    assert_eq!(made.fields["tls_cert_policy"], INSECURE);
}

#[tokio::test]
async fn the_switch_and_the_policy_say_the_same() {
    let t = Fixture::new().await;
    t.settings()
        .set(&admin(), "security.insecure_trust_require_admin", json!(false))
        .await
        .unwrap();
    let made = t.ftps(json!({})).await.unwrap();
    for (policy, switch) in [(INSECURE, true), ("system_trust", false)] {
        let both = json!({"tls_cert_policy": policy, "tls_validate_cert": switch});
        let refused = t.patched(made.id, both.clone()).await.unwrap_err();
        assert_eq!(config_fields(refused), ["tls_validate_cert"]);
        assert_eq!(
            config_fields(t.ftps(both).await.unwrap_err()),
            ["tls_validate_cert"]
        );
    }
    let wrong = t.ftps(json!({"tls_validate_cert": "no"})).await.unwrap_err();
    assert_eq!(config_fields(wrong), ["tls_validate_cert"]);
    let pinned = json!({"tls_cert_policy": "pinned_thumbprint", "tls_pinned_thumbprint": thumbprint(1)});
    for (change, policy) in [
        (json!({"tls_validate_cert": false}), INSECURE),
        (json!({"tls_validate_cert": null}), INSECURE),
        (json!({"tls_validate_cert": true}), "system_trust"),
        (pinned, "pinned_thumbprint"),
        (json!({"tls_validate_cert": true}), "pinned_thumbprint"),
        (json!({"tls_validate_cert": false}), INSECURE),
        (
            json!({"tls_cert_policy": "pinned_thumbprint", "tls_validate_cert": true}),
            "pinned_thumbprint",
        ),
    ] {
        let changed = t.patched(made.id, change.clone()).await.unwrap();
        assert_eq!(changed.fields["tls_cert_policy"], policy, "{change}");
        assert_eq!(changed.fields["tls_validate_cert"], policy != INSECURE);
    }
    // A protocol without certificates has neither.
    let elsewhere = t.connection(json!({})).await;
    assert!(!elsewhere.fields.contains_key("tls_validate_cert"));
    let refused = t.patched(elsewhere.id, json!({"tls_validate_cert": true})).await;
    assert_eq!(config_fields(refused.unwrap_err()), ["tls_validate_cert"]);
}
