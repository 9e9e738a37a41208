use std::time::Duration;

use courier_azure::testkit::{AzureCloud, Function, MASTER_KEY, Meeting, Mood, Part, Reply};
use courier_azure::{Error, ErrorKind, FunctionApp, FunctionName, Limits, Trigger};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::time::Instant;

use crate::scripted::Scripted;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// Little time for anything.
pub(crate) fn limits() -> Limits {
    Limits {
        connect: Duration::from_secs(2),
        call: Duration::from_secs(5),
        operation: Duration::from_secs(5),
    }
}

fn cloud() -> AzureCloud {
    let cloud = AzureCloud::start();
    cloud.put(Function::new("Nightly"));
    cloud.put(Function::new("old").disabled());
    cloud
}

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// For what is repeated until then.
pub(crate) fn at_once() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

async fn trigger(app: &FunctionApp, name: &str) -> Result<Trigger, Error> {
    trigger_until(app, name, soon()).await
}

async fn trigger_until(app: &FunctionApp, name: &str, deadline: Instant) -> Result<Trigger, Error> {
    let name = FunctionName::new(name).unwrap();
    app.trigger(&name, Some("in"), TRACE, deadline).await
}

/// An answer that is given to everything.
fn odd(status: u16, body: &str) -> Mood {
    Mood::Odd(Reply::raw(status, body))
}

#[tokio::test]
async fn an_app_shows_its_state_or_its_functions() {
    let cloud = cloud();
    let app = cloud.app(limits());
    let status = app.status(soon()).await.unwrap();
    assert_eq!(
        (status.state.as_deref(), status.version.as_deref()),
        (Some("Running"), Some("4.25.2.2"))
    );
    assert!(status.took > Duration::ZERO);
    assert_eq!(app.functions(soon()).await.unwrap(), ["Nightly", "old"]);

    cloud.set_state(None);
    let status = app.status(soon()).await.unwrap();
    assert_eq!((status.state, status.version), (None, None));

    let long = json!({"state": "Offline", "errors": vec!["no\r\nstorage"; 10_000]});
    cloud.feel(Part::App, odd(200, &long.to_string()));
    let error = app.status(soon()).await.unwrap_err();
    assert!(
        error
            .message()
            .contains("in state Offline (no storage; no storage; ")
    );
    assert!(error.message().len() < 600, "{}", error.message().len());
    cloud.feel(Part::App, Mood::Well);

    cloud.set_state(Some("Error"));
    let error = app.status(soon()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().contains("state Error"), "{error}");
    assert!(cloud.triggers().is_empty());
}

#[tokio::test]
async fn an_app_that_shows_nothing_takes_the_key() {
    let cloud = cloud();
    let app = cloud.app(limits());
    cloud.hide_app();
    assert_eq!(app.status(soon()).await.unwrap().state, None);
    cloud.set_master_key("another");
    assert_eq!(app.status(soon()).await.unwrap_err().kind(), ErrorKind::Auth);
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once() {
    let cloud = cloud();
    let app = cloud.app(limits());
    cloud.set_master_key("another");
    for error in [
        app.status(soon()).await.unwrap_err(),
        app.functions(soon()).await.unwrap_err(),
        trigger(&app, "Nightly").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(
            error.message().contains("401") && error.message().contains("`password`"),
            "{error}"
        );
        assert!(!format!("{error:?} {app:?}").contains(MASTER_KEY));
    }
    assert_eq!((cloud.requests(Part::App), cloud.triggers().len()), (3, 0));
}

#[tokio::test]
async fn a_greeting_tells_the_apps_clock_and_nothing_else() {
    let cloud = cloud();
    let app = cloud.app(limits());
    cloud.set_skew(SignedDuration::from_hours(-1));
    let clock = app.greet(soon()).await.unwrap();
    assert!(Timestamp::now().duration_since(clock) > SignedDuration::from_mins(59));
    for mood in [odd(500, ""), odd(401, ""), Mood::Gone] {
        cloud.feel(Part::App, mood);
        assert_eq!(app.greet(soon()).await, None);
    }
    assert_eq!(cloud.requests(Part::App), 3, "each once");
}

#[tokio::test]
async fn a_call_carries_input_and_trace() {
    let cloud = cloud();
    cloud.set_skew(SignedDuration::from_hours(1));
    let app = cloud.app(limits());
    let Trigger::Accepted { server_time } = trigger(&app, "nightly").await.unwrap() else {
        panic!("it answers 202");
    };
    let ahead = server_time.unwrap().duration_since(Timestamp::now());
    assert!(ahead > SignedDuration::from_mins(59), "{ahead}");

    let name = FunctionName::new("Nightly").unwrap();
    app.trigger(&name, None, TRACE, soon()).await.unwrap();
    let [first, second] = &cloud.triggers()[..] else {
        panic!("two calls, two runs");
    };
    assert_eq!(
        (first.input.as_deref(), first.trace_id.as_deref()),
        (Some("in"), Some(TRACE))
    );
    assert_eq!((second.input.as_deref(), &*second.function), (None, "Nightly"));
}

#[tokio::test]
async fn an_unknown_function_is_told_with_those_that_there_are() {
    let cloud = cloud();
    let app = cloud.app(limits());
    for (name, words) in [
        ("Nihgtly", "no function \"Nihgtly\" (404); it has Nightly, old"),
        ("OLD", "doesn't run its function \"OLD\" (404): it is disabled"),
    ] {
        let error = trigger(&app, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.message().contains(words), "{error}");
    }
    for number in 0..30 {
        cloud.put(Function::new(&format!("f{number}")));
    }
    let error = trigger(&app, "x").await.unwrap_err();
    assert!(error.message().ends_with("f17 and 12 more"), "{error}");

    let empty = AzureCloud::start();
    let error = trigger(&empty.app(limits()), "x").await.unwrap_err();
    assert!(error.message().contains("deployed"), "{error}");
    cloud.feel(Part::App, odd(404, "<html>nothing here</html>"));
    let error = trigger(&app, "x").await.unwrap_err();
    assert!(
        error
            .message()
            .contains("no function \"x\", and no admin interface"),
        "{error}"
    );

    // A gateway that lets calls through and the host's state, but no list.
    let nothing = || Some(Reply::raw(404, ""));
    let server = Scripted::new([
        nothing(),
        nothing(),
        Some(Reply::new(200, json!({"state": "Running"}))),
    ]);
    let http = server.http(limits(), false);
    let app = FunctionApp::new("localhost", server.server.port(), "key".into(), http).unwrap();
    let error = trigger(&app, "nosuch").await.unwrap_err();
    let words = "has no function \"nosuch\" (404): see `function_name`";
    assert!(error.message().contains(words), "{error}");
}

#[tokio::test]
async fn any_success_that_is_no_page_says_that_it_is_taken() {
    for reply in [
        Reply::raw(200, ""),
        Reply::raw(201, "{}"),
        Reply::raw(204, ""),
        Reply::raw(200, "").header("Content-Type", "text/html"),
        Reply::raw(200, "taken").cut_short(),
        Reply::raw(202, "").hanging_up(),
        Reply::raw(202, "<p>taken</p>").cut_short(),
    ] {
        let server = Scripted::new([Some(reply.clone())]);
        let http = server.http(limits(), false);
        let app = FunctionApp::new("localhost", server.server.port(), "key".into(), http).unwrap();
        let taken = trigger(&app, "Nightly").await.unwrap();
        assert!(matches!(taken, Trigger::Accepted { .. }), "{reply:?}: {taken:?}");
        assert_eq!(server.asked().len(), 1);
    }
    let refusing = Scripted::new([Some(Reply::raw(401, "no").cut_short())]);
    let http = refusing.http(limits(), false);
    let app = FunctionApp::new("localhost", refusing.server.port(), "key".into(), http).unwrap();
    let error = trigger(&app, "Nightly").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "a refusal is one, whole or not");
}

#[tokio::test]
async fn what_nobody_knows_is_not_called_again() {
    for (mood, kind) in [
        (
            Mood::Losing {
                times: 1,
                status: None,
            },
            ErrorKind::Lost,
        ),
        (
            Mood::Losing {
                times: 1,
                status: Some(502),
            },
            ErrorKind::Failed,
        ),
        (
            Mood::Losing {
                times: 1,
                status: Some(200),
            },
            ErrorKind::Protocol,
        ),
        (
            Mood::Losing {
                times: 1,
                status: Some(408),
            },
            ErrorKind::Timeout,
        ),
        (Mood::Slow(Duration::from_secs(2)), ErrorKind::Timeout),
    ] {
        let cloud = cloud();
        let call = Duration::from_secs(1);
        let app = cloud.app(Limits { call, ..limits() });
        cloud.feel(Part::App, mood.clone());
        match trigger(&app, "Nightly").await.unwrap() {
            Trigger::Unclear(error) => assert_eq!(error.kind(), kind, "{mood:?}: {error}"),
            clear => panic!("{mood:?}: {clear:?}"),
        }
        assert_eq!(
            (cloud.requests(Part::App), cloud.triggers().len()),
            (1, 1),
            "{mood:?}"
        );
    }
}

#[tokio::test]
async fn what_surely_began_nothing_is_called_again() {
    let cloud = cloud();
    let connect = Duration::from_millis(300);
    let app = cloud.app(Limits { connect, ..limits() });
    let failing = |times, retry_after| Mood::Failing {
        times,
        status: 429,
        retry_after,
    };
    cloud.feel(Part::App, failing(2, Some(0)));
    assert!(matches!(
        trigger(&app, "Nightly").await,
        Ok(Trigger::Accepted { .. })
    ));
    assert_eq!((cloud.requests(Part::App), cloud.triggers().len()), (3, 1));

    cloud.feel(Part::App, failing(1, Some(3600)));
    let error = trigger(&app, "Nightly").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)));
    let words = "alone for 3600 seconds; nothing was begun";
    assert!(error.message().contains(words), "{error}");

    let before = cloud.requests(Part::App);
    cloud.feel(Part::App, odd(503, "Function host is not running."));
    let error = trigger_until(&app, "Nightly", at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Failed);
    assert!(error.message().contains("host is not running"), "{error}");
    assert!(cloud.requests(Part::App) > before + 1);

    let before = cloud.requests(Part::App);
    cloud.feel(Part::App, Mood::Gone);
    let error = trigger_until(&app, "Nightly", at_once()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    assert_eq!((cloud.requests(Part::App), cloud.triggers().len()), (before, 1));
}

#[tokio::test]
async fn who_lets_nobody_connect_was_not_called_for_certain() {
    let silent = Scripted::meeting(Meeting::Silence);
    let connect = Duration::from_millis(600);
    let http = silent.http(Limits { connect, ..limits() }, false);
    let app = FunctionApp::new("localhost", silent.server.port(), "key".into(), http).unwrap();
    // The deadline comes while a second attempt would still connect.
    let deadline = Instant::now() + Duration::from_millis(1500);
    let error = trigger_until(&app, "Nightly", deadline).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
}

#[tokio::test]
async fn refusals_are_told_apart_and_final() {
    let cloud = cloud();
    let app = cloud.app(limits());
    let elsewhere = Reply::raw(302, "").header("Location", "https://login.example/x?secret=1");
    for (mood, kind, words) in [
        (
            odd(403, "<html>Error 403 - This web app is stopped.</html>"),
            ErrorKind::Denied,
            "the app is stopped",
        ),
        (odd(400, "\"no such input\""), ErrorKind::Invalid, "no such input"),
        (
            odd(405, ""),
            ErrorKind::Invalid,
            "(405); see whether the function \"Nightly\" has an HTTP trigger",
        ),
        (
            Mood::Odd(elsewhere),
            ErrorKind::Protocol,
            "https://login.example (302)",
        ),
    ] {
        let before = cloud.requests(Part::App);
        cloud.feel(Part::App, mood);
        let error = trigger(&app, "Nightly").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.message().contains(words) && !error.message().contains("secret"),
            "{error}"
        );
        assert_eq!(cloud.requests(Part::App), before + 1);
    }
    assert!(cloud.triggers().is_empty());
}

#[tokio::test]
async fn something_else_that_answers_is_no_function_app() {
    let cloud = cloud();
    let app = cloud.app(limits());
    for (mood, kind, words) in [
        (
            odd(200, "<html>Welcome</html>"),
            ErrorKind::Protocol,
            "no list of functions",
        ),
        (odd(200, "{}"), ErrorKind::Protocol, "no list of functions"),
        (odd(404, ""), ErrorKind::NotFound, "`host` and `port`"),
        (odd(418, ""), ErrorKind::Invalid, "(418)"),
        (
            odd(503, "Function host is not running."),
            ErrorKind::Failed,
            "host is not running",
        ),
    ] {
        cloud.feel(Part::App, mood);
        let error = app.status(at_once()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(words), "{error}");
    }
    let untrusting = courier_azure::Http::new(limits(), false).unwrap();
    let app = FunctionApp::new(cloud.host(), cloud.port(), "key".into(), untrusting).unwrap();
    assert_eq!(
        app.status(soon()).await.unwrap_err().kind(),
        ErrorKind::Certificate
    );
}

#[tokio::test]
async fn hosts_and_keys_that_cannot_be() {
    let http = AzureCloud::start().http(limits());
    let new = |host: &str, key: &str| FunctionApp::new(host, 443, key.into(), http.clone());
    for host in [
        "",
        "https://x.azurewebsites.net",
        "x/y",
        "user@x",
        "x?y",
        "x y",
        "x#y",
    ] {
        assert_eq!(new(host, "key").unwrap_err().kind(), ErrorKind::Invalid, "{host}");
    }
    let error = new("x", "secret\nkey").unwrap_err();
    assert!(!error.message().contains("secret"), "{error}");
    for (host, shown) in [
        ("x.azurewebsites.net", "x.azurewebsites.net:443"),
        ("::1", "[::1]:443"),
        ("10.0.0.1", "10.0.0.1:443"),
    ] {
        let shown = format!("FunctionApp({shown:?})");
        assert_eq!(format!("{:?}", new(host, "key").unwrap()), shown);
    }
}
