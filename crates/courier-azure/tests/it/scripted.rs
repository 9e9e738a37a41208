//! A server whose answers a test gives.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use courier_azure::testkit::{Issued, Meeting, Reply, Request, Server, Service};
use courier_azure::{Http, Limits};
use openssl::ssl::SslAcceptor;
use reqwest::{Method, RequestBuilder};
use tokio::time::Instant;
use url::Url;

/// Answers with what it was given, in that order, and then with 200 and no body. `None` breaks the connection.
pub(crate) struct Scripted {
    pub(crate) server: Server,
    pub(crate) certificate: Issued,
    script: Arc<Script>,
}

struct Script {
    meeting: Meeting,
    replies: Mutex<VecDeque<Option<Reply>>>,
    asked: Mutex<Vec<Request>>,
}

impl Service for Script {
    fn meet(&self) -> Meeting {
        self.meeting
    }

    fn reply(&self, request: &Request) -> Option<Reply> {
        self.asked.lock().unwrap().push(request.clone());
        let reply = self.replies.lock().unwrap().pop_front();
        reply.unwrap_or_else(|| Some(Reply::raw(200, "")))
    }
}

impl Scripted {
    pub(crate) fn new(replies: impl IntoIterator<Item = Option<Reply>>) -> Self {
        let certificate = Issued::for_loopback();
        let tls = certificate.acceptor();
        Self::with(certificate, Some(tls), Meeting::Talk, replies)
    }

    pub(crate) fn meeting(meeting: Meeting) -> Self {
        let certificate = Issued::for_loopback();
        let tls = certificate.acceptor();
        Self::with(certificate, Some(tls), meeting, [])
    }

    pub(crate) fn with(
        certificate: Issued,
        tls: Option<SslAcceptor>,
        meeting: Meeting,
        replies: impl IntoIterator<Item = Option<Reply>>,
    ) -> Self {
        let script = Arc::new(Script {
            meeting,
            replies: Mutex::new(replies.into_iter().collect()),
            asked: Mutex::default(),
        });
        Self {
            server: Server::start(tls, script.clone()),
            certificate,
            script,
        }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("https://localhost:{}", self.server.port())).unwrap()
    }

    /// What it was asked.
    pub(crate) fn asked(&self) -> Vec<Request> {
        self.script.asked.lock().unwrap().clone()
    }

    /// A client that trusts it.
    pub(crate) fn http(&self, limits: Limits, fips: bool) -> Http {
        Http::trusting(limits, fips, &self.certificate.authority_pem()).unwrap()
    }

    pub(crate) fn get(&self, http: &Http) -> RequestBuilder {
        http.request(Method::GET, self.url())
    }
}

/// Short enough for a test that waits for them.
pub(crate) const IMPATIENT: Limits = Limits {
    connect: Duration::from_millis(300),
    call: Duration::from_millis(600),
    operation: Duration::from_secs(2),
};

pub(crate) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}
