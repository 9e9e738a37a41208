//! Testing a connection (specification 6.11).

use std::time::{Duration, Instant};

use courier_store::connections::Connection;
use courier_transfer::{
    Algorithms, Capabilities, Certificate, Client, Credentials, Describe, Error as TransferError, ErrorKind,
    Fingerprint, RemotePath, ServerInfo,
};
use futures::StreamExt;
use serde_json::json;

use crate::{
    Actor, Engine, Failure, Result,
    audit::Entry,
    azure_functions,
    connections::{DraftSecrets, Effective, Shape, warnings_of},
    open::{Opening, open, outcome_of, write_down},
    secrets::{self, AppSecrets},
    trust::Purpose,
};

/// What a test found out. A failed test holds whatever was learnt until it failed.
#[derive(Clone, Debug, Default)]
pub struct TestReport {
    /// Did it connect, authenticate and list the base path; of a function app, did every check succeed?
    pub success: bool,
    /// A round trip on the ready session, in milliseconds; none where it never became ready.
    pub latency_ms: Option<u64>,
    /// What the server calls itself.
    pub server_banner: Option<String>,
    /// SHA-256 of the host key that it presented, trusted or not.
    pub host_key_fingerprint: Option<String>,
    /// The type of that key.
    pub host_key_type: Option<String>,
    /// The certificate that it presented, trusted or not.
    pub tls_certificate: Option<Certificate>,
    /// The server's own algorithm names, every list after the other, each name once.
    pub supported_algorithms: Vec<String>,
    /// The same, list by list.
    pub algorithms: Option<Algorithms>,
    /// What was agreed on, in words.
    pub negotiated: Option<String>,
    /// The same by name, one by one.
    pub agreed: Vec<String>,
    /// Those of the server's algorithms, and of the agreed ones, that nobody should need, and why.
    pub weak_algorithms: Vec<(String, &'static str)>,
    /// What is insecure or weak about the connection, in words.
    pub warnings: Vec<String>,
    /// What a session with this server can do.
    pub capabilities: Option<Capabilities>,
    /// Why it failed.
    pub error: Option<Failure>,
    /// What was looked at one by one, each whatever the others say; empty for servers with files.
    pub checks: Vec<Check>,
}

/// One thing that a test looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which.
    pub name: &'static str,
    /// Is it as it should be?
    pub success: bool,
    /// What was found, or what is wrong and what helps.
    pub message: String,
}

/// Tests a saved connection: pins on first use, and notes its health.
pub(crate) async fn saved(engine: &Engine, actor: &Actor, connection: &Connection) -> Result<TestReport> {
    let started = Instant::now();
    let (mut report, error) = match connection.protocol == azure_functions::PROTOCOL {
        true => {
            let secrets = secrets::of_app(engine, connection).await;
            azure_functions::test::run(engine, connection, Purpose::Test, &actor.name, secrets).await
        }
        false => run(engine, connection, opening(Purpose::Test, actor, None)).await,
    };
    report.warnings = warnings_of(engine, connection).await?;
    if report.success && connection.waits_for_host_key {
        // Who answered with the other key in between is for somebody to find out.
        let seen = report.host_key_fingerprint.as_deref().unwrap_or("the right one");
        report.warnings.push(format!(
            "Nothing is transferred yet: the server showed another host key before this test, and the connection waits until \
             somebody has approved one; where this is the right one, approve {seen} again."
        ));
    }
    let record = Entry {
        duration: Some(started.elapsed()),
        ..Entry::new("test_connection", &actor.name, details(&report))
    };
    let text = error.as_ref().map(crate::Error::to_string).unwrap_or_default();
    let outcome = outcome_of(connection, Purpose::Test, error.as_ref(), &text);
    write_down(engine, connection, outcome, Some(record.on(connection.id).into())).await?;
    Ok(report)
}

/// Tests a connection that is not saved: nothing is pinned or kept, other than that it was tested.
pub(crate) async fn unsaved(
    engine: &Engine,
    actor: &Actor,
    connection: &Connection,
    draft: DraftSecrets,
) -> Result<TestReport> {
    let started = Instant::now();
    let keys = draft.keys.clone();
    let (mut report, _) = match connection.protocol == azure_functions::PROTOCOL {
        true => {
            let secrets = Ok(AppSecrets::of_draft(&draft));
            azure_functions::test::run(engine, connection, Purpose::TestUnsaved, &actor.name, secrets).await
        }
        false => {
            let drafted = credentials(engine, connection, draft).await?;
            run(
                engine,
                connection,
                opening(Purpose::TestUnsaved, actor, Some(drafted)),
            )
            .await
        }
    };
    report.warnings = warnings_of(engine, connection).await?;
    let mut details = details(&report);
    if let Some(details) = details.as_object_mut() {
        details.insert(
            "unsaved".into(),
            json!({
                "protocol": connection.protocol,
                "host": connection.host,
                "port": connection.port,
                "username": connection.username,
                "ssh_key_ids": keys,
            }),
        );
    }
    let record = Entry {
        duration: Some(started.elapsed()),
        ..Entry::new("test_connection", &actor.name, details)
    };
    engine.audit().record(record).await?;
    Ok(report)
}

/// What a connection that is not saved proves itself with, and the host key that it expects.
async fn credentials(
    engine: &Engine,
    connection: &Connection,
    draft: DraftSecrets,
) -> Result<(Credentials, Option<Fingerprint>)> {
    let credentials = Credentials {
        password: draft
            .password
            .filter(|_| secrets::uses_password(connection.auth_method)),
        keys: match secrets::uses_keys(connection.auth_method) {
            true => secrets::open_keys(engine, &draft.keys).await?,
            false => Vec::new(),
        },
        client_certificate: draft.client_certificate,
    };
    Ok((credentials, draft.pin))
}

fn opening(
    purpose: Purpose,
    actor: &Actor,
    draft: Option<(Credentials, Option<Fingerprint>)>,
) -> Opening<'_> {
    Opening {
        purpose,
        performed_by: &actor.name,
        draft,
        others: None,
        permit: None,
    }
}

async fn run(
    engine: &Engine,
    connection: &Connection,
    opening: Opening<'_>,
) -> (TestReport, Option<crate::Error>) {
    let (mut report, error) = look(engine, connection, opening).await;
    if let Some(protocol) = engine.0.protocols.get(&connection.protocol) {
        report.weak_algorithms = report.weak(protocol);
    }
    (report, error)
}

async fn look(
    engine: &Engine,
    connection: &Connection,
    opening: Opening<'_>,
) -> (TestReport, Option<crate::Error>) {
    let (learnt, session) = open(engine, connection, opening).await;
    let mut report = TestReport::default();
    report.learn(&learnt);
    let mut session = match session {
        Ok(session) => session,
        Err(error) => {
            report.error = Some(Failure::from(&error));
            return (report, Some(error));
        }
    };
    let client = session.client();
    report.learn(client.server());
    report.capabilities = Some(client.capabilities());
    let limit = engine
        .0
        .protocols
        .get(&connection.protocol)
        .map_or(Duration::from_secs(30), |p| {
            Effective::of(&Shape::of(p), connection).seconds("connect_timeout_sec")
        });
    let error = match tokio::time::timeout(limit, verify(&**client)).await {
        Ok(Ok(latency)) => {
            // Rounded up: no answer comes in no time.
            report.latency_ms = Some(u64::try_from(latency.as_micros().div_ceil(1000)).unwrap_or(u64::MAX));
            report.success = true;
            None
        }
        Ok(Err(error)) => Some(error),
        Err(_) => Some(TransferError::new(
            ErrorKind::Timeout,
            format!(
                "The server did not list the base folder within {} seconds",
                limit.as_secs()
            ),
        )),
    };
    session.close().await;
    let error = error.map(crate::Error::from);
    report.error = error.as_ref().map(Failure::from);
    (report, error)
}

/// Measures a round trip, and looks whether the base path or login folder can be listed.
async fn verify(client: &dyn Client) -> courier_transfer::Result<Duration> {
    let started = Instant::now();
    client.keepalive().await?;
    let latency = started.elapsed();
    let mut listing = client.list(&RemotePath::home()).await?;
    match listing.next().await {
        Some(Err(error)) => Err(error),
        _ => Ok(latency),
    }
}

fn details(report: &TestReport) -> serde_json::Value {
    json!({
        "success": report.success,
        "host_key_fingerprint": report.host_key_fingerprint,
        "certificate_thumbprint": report.tls_certificate.as_ref().map(|c| c.thumbprint),
        "server_banner": report.server_banner,
        "error": report.error,
    })
}

impl TestReport {
    /// Takes over what a server told; what is known already stays where it told nothing.
    fn learn(&mut self, info: &ServerInfo) {
        let told = info.clone();
        self.server_banner = told.banner.or(self.server_banner.take());
        if told.negotiated.is_some() {
            (self.negotiated, self.agreed) = (told.negotiated, told.agreed);
        }
        if let Some(key) = told.host_key {
            self.host_key_fingerprint = Some(key.fingerprint.to_string());
            self.host_key_type = Some(key.key_type);
        }
        self.tls_certificate = told.certificate.or(self.tls_certificate.take());
        if let Some(lists) = told.algorithms {
            self.supported_algorithms = flat(&lists);
            self.algorithms = Some(lists);
        }
    }
}

impl TestReport {
    /// What of the server's algorithms is weak, each once, in their order. Compression protects nothing, and needn't.
    fn weak(&self, protocol: &dyn Describe) -> Vec<(String, &'static str)> {
        let lists = self.algorithms.iter().flat_map(|lists| {
            [
                &lists.key_exchange,
                &lists.host_key,
                &lists.encryption,
                &lists.mac,
            ]
        });
        let mut weak: Vec<(String, &'static str)> = Vec::new();
        for name in lists.flatten().chain(&self.agreed) {
            if let Some(why) = protocol.weakness(name)
                && !weak.iter().any(|(known, _)| known == name)
            {
                weak.push((name.clone(), why));
            }
        }
        weak
    }
}

fn flat(lists: &Algorithms) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in [
        &lists.key_exchange,
        &lists.host_key,
        &lists.encryption,
        &lists.mac,
        &lists.compression,
    ]
    .into_iter()
    .flatten()
    {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use courier_transfer::settings::Setting;
    use serde_json::{Map, Value};

    use super::*;

    /// Whose algorithms are weak where they say so.
    #[derive(Debug)]
    struct Frank;

    impl Describe for Frank {
        fn name(&self) -> &'static str {
            "frank"
        }

        fn help(&self) -> &'static str {
            "Says what it is."
        }

        fn default_port(&self, _settings: &Map<String, Value>) -> Option<u16> {
            None
        }

        fn settings(&self) -> &'static [Setting] {
            &[]
        }

        fn auth_methods(&self) -> &'static [&'static str] {
            &["none"]
        }

        fn weakness(&self, algorithm: &str) -> Option<&'static str> {
            (algorithm.contains("weak") || algorithm == "none").then_some("it says so")
        }
    }

    #[test]
    fn weak_algorithms_are_told_once_whether_offered_or_agreed_on() {
        let of = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<String>>();
        let report = TestReport {
            algorithms: Some(Algorithms {
                key_exchange: of(&["sound-kex", "weak-kex"]),
                encryption: of(&["weak-cipher", "cipher"]),
                compression: of(&["none"]),
                ..Algorithms::default()
            }),
            agreed: of(&["weak-cipher", "weak-version"]),
            ..TestReport::default()
        };
        let weak = report.weak(&Frank);
        let names: Vec<&str> = weak.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["weak-kex", "weak-cipher", "weak-version"]);
    }
}
