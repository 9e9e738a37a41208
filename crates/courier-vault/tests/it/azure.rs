use std::fs;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Instant;

use courier_vault::testkit::{CLIENT_ID, CLIENT_SECRET, FEDERATED_TOKEN, FakeKeyVault, Mood, TENANT_ID};
use courier_vault::{
    Algorithm, Application, AzureKeyVault, Binding, DataKey, Error, Identity, KeyProvider, LocalKey, Vault,
};
use secrecy::SecretString;

fn data_key() -> DataKey {
    DataKey::new([9; 32])
}

/// A key vault with the RSA key `courier`, and a client of the application with its secret.
fn with_rsa() -> (FakeKeyVault, AzureKeyVault) {
    let fake = FakeKeyVault::start();
    fake.add_rsa_key("courier");
    let client = fake.client(fake.settings("courier", fake.by_secret()));
    (fake, client)
}

async fn refusal(client: &AzureKeyVault) -> String {
    let error = client.wrap(&data_key()).await.unwrap_err();
    assert!(matches!(error, Error::Provider { .. }), "{error}");
    let words = format!("{error} {error:?}");
    assert!(
        !words.contains(CLIENT_SECRET) && !words.contains("token-"),
        "{words}"
    );
    error.to_string()
}

#[tokio::test]
async fn what_was_wrapped_unwraps_in_another_process() {
    let (fake, client) = with_rsa();
    let wrapped = client.wrap(&data_key()).await.unwrap();
    assert_eq!(
        wrapped.key_id,
        format!("localhost:{}/keys/courier", fake.url().port().unwrap())
    );
    assert_eq!(wrapped.key_version, client.newest().await.unwrap().key_version);
    assert_eq!(wrapped.bytes.len(), 1 + 256);
    assert!(client.holds(&wrapped.key_id));

    let other = fake.client(fake.settings("courier", fake.by_secret()));
    assert_eq!(other.unwrap(&wrapped).await.unwrap(), data_key());
    // One challenge and one token for each process, the newest version asked for once.
    assert_eq!(
        fake.log(),
        [
            "challenge",
            "token",
            "get",
            "wrapkey",
            "challenge",
            "token",
            "unwrapkey"
        ]
    );
    for _ in 0..3 {
        client.wrap(&data_key()).await.unwrap();
    }
    assert_eq!(fake.log().len(), 10);
}

#[tokio::test]
async fn a_symmetric_key_wraps_too() {
    let fake = FakeKeyVault::start();
    fake.add_symmetric_key("hsm");
    let client = fake.client(fake.settings("hsm", fake.by_secret()));
    let wrapped = client.wrap(&data_key()).await.unwrap();
    assert_eq!(wrapped.bytes.len(), 1 + 40);
    assert_eq!(client.unwrap(&wrapped).await.unwrap(), data_key());

    let mut settings = fake.settings("hsm", fake.by_secret());
    settings.algorithm = Some(Algorithm::RsaOaep256);
    let words = refusal(&fake.client(settings)).await;
    assert!(
        words.contains("oct-HSM") && words.contains("RSA-OAEP-256"),
        "{words}"
    );
}

#[tokio::test]
async fn every_kind_of_identity_gets_a_token() {
    let fake = FakeKeyVault::start();
    fake.add_rsa_key("courier");
    let folder = tempfile::tempdir().unwrap();
    let certificate = folder.path().join("client.pem");
    fake.write_client_certificate(&certificate);
    let token_file = folder.path().join("token");
    fs::write(&token_file, format!("{FEDERATED_TOKEN}\n")).unwrap();
    let application = fake.application();
    let mut identities = vec![
        fake.by_secret(),
        fake.by_metadata(None),
        fake.by_metadata(Some(CLIENT_ID)),
        fake.by_app_service(),
    ];
    identities.push(Identity::ClientCertificate {
        application: application.clone(),
        certificate,
    });
    identities.push(Identity::WorkloadIdentity {
        application,
        token_file,
    });
    for identity in identities {
        let client = fake.client(fake.settings("courier", identity.clone()));
        let wrapped = client
            .wrap(&data_key())
            .await
            .unwrap_or_else(|error| panic!("{identity:?}: {error}"));
        assert_eq!(client.unwrap(&wrapped).await.unwrap(), data_key());
    }
}

#[tokio::test]
async fn a_refused_identity_is_told_why() {
    let fake = FakeKeyVault::start();
    fake.add_rsa_key("courier");
    let folder = tempfile::tempdir().unwrap();
    let right = fake.application();
    let wrong_secret = Identity::ClientSecret {
        application: right.clone(),
        secret: SecretString::from("hunter2"),
    };
    let wrong_client = Identity::ClientSecret {
        application: Application {
            client_id: TENANT_ID.into(),
            ..right.clone()
        },
        secret: CLIENT_SECRET.into(),
    };
    let wrong_tenant = Identity::ClientSecret {
        application: Application {
            tenant_id: CLIENT_ID.into(),
            ..right.clone()
        },
        secret: CLIENT_SECRET.into(),
    };
    // Signed by a certificate that was replaced since.
    let certificate = folder.path().join("client.pem");
    fake.write_client_certificate(&certificate);
    fake.write_client_certificate(&folder.path().join("newer.pem"));
    let by_certificate = |path: &str| Identity::ClientCertificate {
        application: right.clone(),
        certificate: folder.path().join(path),
    };
    fs::write(folder.path().join("empty.pem"), "").unwrap();
    fs::set_permissions(folder.path().join("empty.pem"), Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.path().join("open.pem"), fs::read(&certificate).unwrap()).unwrap();
    fs::set_permissions(folder.path().join("open.pem"), Permissions::from_mode(0o644)).unwrap();
    let missing_token = Identity::WorkloadIdentity {
        application: right.clone(),
        token_file: folder.path().join("missing"),
    };
    for (identity, expected) in [
        (wrong_secret, "AADSTS7000215: Invalid client secret provided."),
        (wrong_client, "AADSTS700016"),
        (
            wrong_tenant,
            &*format!("belongs to tenant {TENANT_ID}, and tenant_id is {CLIENT_ID}"),
        ),
        (by_certificate("client.pem"), "AADSTS700027"),
        (by_certificate("empty.pem"), "holds no certificate"),
        (by_certificate("open.pem"), "chmod o-rwx"),
        (by_certificate("none.pem"), "can't be read"),
        (missing_token, "missing can't be read"),
        (fake.by_metadata(Some(TENANT_ID)), "Identity not found"),
    ] {
        let words = refusal(&fake.client(fake.settings("courier", identity))).await;
        assert!(words.contains(expected), "{expected}: {words}");
        assert!(
            !words.contains("hunter2") && !words.contains("Trace ID"),
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_new_version_wraps_and_the_old_one_unwraps() {
    let (fake, client) = with_rsa();
    let old = client.wrap(&data_key()).await.unwrap();
    let version = fake.add_rsa_key("courier");
    let after = fake.client(fake.settings("courier", fake.by_secret()));
    let new = after.wrap(&data_key()).await.unwrap();
    assert_eq!(new.key_version, version);
    assert_ne!(new.key_version, old.key_version);
    assert_eq!(after.unwrap(&old).await.unwrap(), data_key());

    // Who still takes the old one for the newest wraps with it, until it is disabled: then with the newest, at once.
    assert_eq!(
        client.wrap(&data_key()).await.unwrap().key_version,
        old.key_version
    );
    fake.enable("courier", &old.key_version, false);
    assert_eq!(client.wrap(&data_key()).await.unwrap().key_version, version);
    let error = client.unwrap(&old).await.unwrap_err().to_string();
    assert!(
        error.contains("disabled") && error.contains("KeyDisabled"),
        "{error}"
    );
    fake.enable("courier", &old.key_version, true);
    assert_eq!(client.unwrap(&old).await.unwrap(), data_key());

    fake.enable("courier", &version, false);
    let error = refusal(&fake.client(fake.settings("courier", fake.by_secret()))).await;
    assert!(
        error.contains(&version) && error.contains("is disabled"),
        "{error}"
    );
}

#[tokio::test]
async fn missing_permissions_and_keys_are_named() {
    let (fake, client) = with_rsa();
    let wrapped = client.wrap(&data_key()).await.unwrap();
    fake.deny("unwrapKey");
    let error = client.unwrap(&wrapped).await.unwrap_err().to_string();
    assert!(
        error.contains("may not unwrapKey") && error.contains("Key Vault Crypto Service Encryption User"),
        "{error}"
    );
    fake.deny("wrapKey");
    assert!(refusal(&client).await.contains("may not wrapKey"));
    fake.deny("get");
    let fresh = fake.client(fake.settings("courier", fake.by_secret()));
    assert!(refusal(&fresh).await.contains("may not get"));

    let (fake, client) = with_rsa();
    let words = refusal(&fake.client(fake.settings("other", fake.by_secret()))).await;
    assert!(
        words.contains("no such key") && words.contains("KeyNotFound"),
        "{words}"
    );
    let mut wrapped = client.wrap(&data_key()).await.unwrap();
    wrapped.key_version = "0".repeat(32);
    let error = client.unwrap(&wrapped).await.unwrap_err().to_string();
    assert!(error.contains("no such key or version"), "{error}");
}

#[tokio::test]
async fn altered_wrappings_do_not_unwrap_and_lead_nowhere_else() {
    let (fake, client) = with_rsa();
    let wrapped = client.wrap(&data_key()).await.unwrap();
    let mut altered = vec![wrapped.clone(); 6];
    altered[0].bytes[100] ^= 1;
    altered[1].bytes[0] = 9;
    altered[2].bytes.clear();
    altered[3].key_version = "../../secrets".into();
    altered[4].key_id = format!("localhost:{}/keys/../x", fake.url().port().unwrap());
    altered[5].bytes[0] = 2;
    for wrapped in altered {
        let error = client.unwrap(&wrapped).await.unwrap_err();
        assert!(matches!(error, Error::Provider { .. }), "{error}");
    }
    let mut foreign = wrapped;
    foreign.key_id = "other.vault.azure.net/keys/courier".into();
    assert!(!client.holds(&foreign.key_id));
    let error = client.unwrap(&foreign).await.unwrap_err();
    assert!(matches!(error, Error::WrongKey { .. }), "{error}");
}

#[tokio::test]
async fn throttling_and_short_failures_are_waited_for() {
    let (fake, client) = with_rsa();
    for (status, retry_after) in [(429, Some(1)), (503, None), (500, None)] {
        fake.feel(Mood::Failing {
            times: 2 - retry_after.map_or(0, |_| 1),
            status,
            retry_after,
        });
        let started = Instant::now();
        client.wrap(&data_key()).await.unwrap();
        assert!(started.elapsed().as_secs() >= retry_after.unwrap_or(0));
    }
    // Longer than an operation may take, or than there is time: told at once.
    for seconds in [120, u64::MAX] {
        fake.feel(Mood::Failing {
            times: 9,
            status: 429,
            retry_after: Some(seconds),
        });
        let started = Instant::now();
        let words = refusal(&client).await;
        let expected = format!("throttled, for {seconds} seconds more");
        assert!(words.contains(&expected), "{words}");
        assert!(started.elapsed().as_secs() < 1);
    }
    fake.feel(Mood::Failing {
        times: 99,
        status: 503,
        retry_after: None,
    });
    let words = refusal(&client).await;
    assert!(words.contains("the key vault failed (503"), "{words}");
}

#[tokio::test]
async fn an_outage_ends_in_an_error_and_then_it_goes_on() {
    let (fake, client) = with_rsa();
    let wrapped = client.wrap(&data_key()).await.unwrap();
    for (mood, expected) in [
        (Mood::Gone, "localhost"),
        (Mood::Silent, "did not answer in time"),
    ] {
        fake.feel(mood);
        let started = Instant::now();
        let error = client.unwrap(&wrapped).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(started.elapsed().as_secs() < 5, "{mood:?}");
    }
    // Who waits for others waits no longer than for the key vault itself.
    let fresh = Arc::new(fake.client(fake.settings("courier", fake.by_secret())));
    let started = Instant::now();
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let (fresh, wrapped) = (Arc::clone(&fresh), wrapped.clone());
            tokio::spawn(async move { fresh.unwrap(&wrapped).await.unwrap_err().to_string() })
        })
        .collect();
    for task in waiting {
        let error = task.await.unwrap();
        assert!(error.contains("in time"), "{error}");
    }
    assert!(started.elapsed().as_secs() < 5);
    fake.feel(Mood::Well);
    assert_eq!(client.unwrap(&wrapped).await.unwrap(), data_key());
}

#[tokio::test]
async fn an_untrusted_certificate_is_told_at_once() {
    let fake = FakeKeyVault::start();
    fake.add_rsa_key("courier");
    let client = AzureKeyVault::new(fake.settings("courier", fake.by_secret())).unwrap();
    let started = Instant::now();
    let words = refusal(&client).await;
    assert!(
        words.contains("the certificate of localhost was rejected") && words.contains("SSL_CERT_FILE"),
        "{words}"
    );
    assert!(started.elapsed().as_secs() < 3);
    assert!(fake.log().is_empty());
}

#[tokio::test]
async fn tokens_are_renewed_when_they_end_and_when_they_are_refused() {
    let (fake, client) = with_rsa();
    client.wrap(&data_key()).await.unwrap();
    fake.revoke_tokens();
    client.wrap(&data_key()).await.unwrap();
    let tokens = || fake.log().iter().filter(|asked| *asked == "token").count();
    assert_eq!(tokens(), 2);

    // One that is about to end is replaced each time; when that fails, it is good for a while.
    fake.revoke_tokens();
    fake.set_token_lifetime(120);
    client.wrap(&data_key()).await.unwrap();
    client.wrap(&data_key()).await.unwrap();
    assert_eq!(tokens(), 4);
}

#[tokio::test]
async fn many_at_once_ask_for_one_token() {
    let (fake, client) = with_rsa();
    let client = Arc::new(client);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.wrap(&data_key()).await.unwrap() })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let count = |what: &str| fake.log().iter().filter(|asked| *asked == what).count();
    assert_eq!((count("token"), count("get"), count("wrapkey")), (1, 1, 16));
}

#[test]
fn settings_that_cannot_be_right_are_refused() {
    let fake = FakeKeyVault::start();
    let mut plain = fake.settings("courier", fake.by_secret());
    plain.vault_url = fake.metadata_url();
    let error = AzureKeyVault::new(plain).unwrap_err().to_string();
    assert!(error.contains("https://"), "{error}");
    for name in ["", "a/b", "..", "a?b", "ü"] {
        let error = AzureKeyVault::new(fake.settings(name, fake.by_secret())).unwrap_err();
        assert!(
            error.to_string().contains("letters, digits and hyphens"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn values_move_from_a_local_key_to_a_key_vault_and_back() {
    let local: Arc<dyn KeyProvider> = Arc::new(LocalKey::from_text(&"07".repeat(32).into()).unwrap());
    let (_fake, client) = with_rsa();
    let azure: Arc<dyn KeyProvider> = Arc::new(client);
    let binding = Binding::new("connection", "1", "password");
    let blob = Vault::new(local.clone())
        .seal(&binding, b"hunter2")
        .await
        .unwrap();

    let there = Vault::new(azure.clone()).opening_also(local.clone());
    assert_eq!(there.open(&binding, &blob).await.unwrap().as_slice(), b"hunter2");
    let moved = there.rewrap(&blob).await.unwrap();
    assert_eq!(
        Vault::sealed_under(&moved).unwrap(),
        there.newest().await.unwrap()
    );
    let only = Vault::new(azure.clone());
    assert_eq!(only.open(&binding, &moved).await.unwrap().as_slice(), b"hunter2");
    assert!(matches!(
        only.open(&binding, &blob).await,
        Err(Error::WrongKey { .. })
    ));

    let back = Vault::new(local.clone())
        .opening_also(azure)
        .rewrap(&moved)
        .await
        .unwrap();
    assert_eq!(
        Vault::new(local).open(&binding, &back).await.unwrap().as_slice(),
        b"hunter2"
    );
}
