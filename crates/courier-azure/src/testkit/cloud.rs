//! A small Azure: an authority, a function app and a workspace, each with a port of its own.

use std::fmt;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::authority::{Authority, CLIENT_ID, CLIENT_SECRET, TENANT_ID};
use super::certificate::Issued;
use super::functions::{App, Function, MASTER_KEY, Triggered};
use super::http::{Reply, Request};
use super::server::{Meeting, Server, Service};
use super::workspace::{Tables, WORKSPACE_ID, Workspace};
use crate::{FunctionApp, Http, Limits, Tokens};

/// One of the three services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Who gives tokens.
    Authority,
    /// Whose functions are run.
    App,
    /// Who knows of their runs.
    Workspace,
}

/// How a service feels. Where an app fails, loses or is slow, that concerns calls of functions; who only asks is answered.
#[derive(Clone, Debug, Default)]
pub enum Mood {
    /// It works.
    #[default]
    Well,
    /// Connections break before anything is said.
    Gone,
    /// Connections are taken, and nothing is ever said.
    Silent,
    /// So many requests are answered with this status and not done, and it is well again.
    Failing {
        /// How many.
        times: u32,
        /// The status.
        status: u16,
        /// The `Retry-After` of these answers, seconds.
        retry_after: Option<u64>,
    },
    /// So many requests are done, and the answers get lost; then it is well again.
    Losing {
        /// How many.
        times: u32,
        /// With this answer instead of a broken connection, e.g. a gateway's 502.
        status: Option<u16>,
    },
    /// Requests are done at once, and answered after this time.
    Slow(Duration),
    /// Nothing is done, and this is the answer to everything.
    Odd(Reply),
}

/// The cloud. Ends when dropped.
///
/// Times run as they do in the world: a run of a function that takes a second is in the logs after a second and the lag
/// ([`set_lag`](Self::set_lag)), or when the logs are let go ([`hold_logs`](Self::hold_logs)).
pub struct AzureCloud {
    shared: Arc<Shared>,
    certificate: Issued,
    authority: Server,
    app: Server,
    workspace: Server,
}

struct Shared(Mutex<State>);

struct State {
    authority: (Mood, usize, Authority),
    app: (Mood, usize, App),
    workspace: (Mood, usize, Workspace),
}

impl AzureCloud {
    /// Starts one without functions.
    #[must_use]
    pub fn start() -> Self {
        Self::on([0; 3])
    }

    /// Starts one at these ports: of the authority, the app and the workspace.
    #[must_use]
    pub fn on(ports: [u16; 3]) -> Self {
        let certificate = Issued::for_loopback();
        let listeners = ports.map(|port| TcpListener::bind(("127.0.0.1", port)).unwrap());
        let resource = format!("https://localhost:{}", listeners[2].local_addr().unwrap().port());
        let shared = Arc::new(Shared(Mutex::new(State {
            authority: (Mood::Well, 0, Authority::new(&resource)),
            app: (Mood::Well, 0, App::default()),
            workspace: (Mood::Well, 0, Workspace::default()),
        })));
        let serve = |listener, part| {
            let service = Door {
                part,
                shared: Arc::clone(&shared),
            };
            Server::on(listener, Some(certificate.acceptor()), Arc::new(service))
        };
        let [authority, app, workspace] = listeners;
        Self {
            authority: serve(authority, Part::Authority),
            app: serve(app, Part::App),
            workspace: serve(workspace, Part::Workspace),
            shared,
            certificate,
        }
    }

    /// The certificate of the authority that all its certificates are from, as PEM: what `SSL_CERT_FILE` may name.
    #[must_use]
    pub fn authority_pem(&self) -> Vec<u8> {
        self.certificate.authority_pem()
    }

    /// The function app's host.
    #[must_use]
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// The function app's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.app.port()
    }

    /// The address of who gives tokens: a connection's `authority_host`.
    #[must_use]
    pub fn authority_url(&self) -> Url {
        address(&self.authority)
    }

    /// The address of the workspace: a connection's `logs_endpoint`.
    #[must_use]
    pub fn logs_url(&self) -> Url {
        address(&self.workspace)
    }

    /// A client that trusts the cloud, with these limits.
    #[must_use]
    pub fn http(&self, limits: Limits) -> Http {
        Http::trusting(limits, false, &self.authority_pem()).unwrap()
    }

    /// A client of the app, with its key.
    #[must_use]
    pub fn app(&self, limits: Limits) -> FunctionApp {
        let key = SecretString::from(MASTER_KEY);
        FunctionApp::new(self.host(), self.port(), key, self.http(limits)).unwrap()
    }

    /// A client of the workspace, for the application with its secret.
    #[must_use]
    pub fn workspace(&self, limits: Limits) -> crate::Workspace {
        let identity = Authority::by_secret(&self.authority_url());
        let tokens = Tokens::new(identity, self.http(limits)).unwrap();
        crate::Workspace::new(self.logs_url(), WORKSPACE_ID, Arc::new(tokens), self.http(limits)).unwrap()
    }

    /// What a connection to it consists of, but for its name, as Courier's interfaces take it.
    #[must_use]
    pub fn connection(&self) -> Value {
        json!({
            "protocol": "azure_function",
            "host": self.host(),
            "port": self.port(),
            "password": MASTER_KEY,
            "client_secret": CLIENT_SECRET,
            "properties": {
                "workspace_id": WORKSPACE_ID,
                "tenant_id": TENANT_ID,
                "client_id": CLIENT_ID,
                "authority_host": self.authority_url().as_str(),
                "logs_endpoint": self.logs_url().as_str(),
            },
        })
    }

    /// Adds a function, or puts it in the place of the one with its name.
    pub fn put(&self, function: Function) {
        let functions = &mut self.shared.0.lock().app.2.functions;
        functions.retain(|known| !known.name.eq_ignore_ascii_case(&function.name));
        functions.push(function);
    }

    /// What was triggered so far, in order.
    #[must_use]
    pub fn triggers(&self) -> Vec<Triggered> {
        self.shared.0.lock().app.2.triggers.clone()
    }

    /// Somebody else runs a function: a schedule, a message. Returns the run's id.
    pub fn run_by_others(&self, function: &str) -> String {
        let mut state = self.shared.0.lock();
        let State { app, workspace, .. } = &mut *state;
        let known = |known: &&Function| known.name.eq_ignore_ascii_case(function);
        let function = app.2.functions.iter().find(known).cloned().unwrap();
        app.2.begin(&function, None, &mut workspace.2).to_string()
    }

    /// Changes how a service feels.
    pub fn feel(&self, part: Part, mood: Mood) {
        *self.shared.0.lock().mood(part).0 = mood;
    }

    /// How many requests a service has got, whatever it answered.
    #[must_use]
    pub fn requests(&self, part: Part) -> usize {
        *self.shared.0.lock().mood(part).1
    }

    /// The queries that the workspace has got, in order.
    #[must_use]
    pub fn queries(&self) -> Vec<String> {
        self.shared.0.lock().workspace.2.queries.clone()
    }

    /// Changes the app's master key.
    pub fn set_master_key(&self, key: &str) {
        self.shared.0.lock().app.2.key = key.to_owned();
    }

    /// The state that the app's host shows; without, it hides it.
    pub fn set_state(&self, state: Option<&str>) {
        self.shared.0.lock().app.2.state = state.map(str::to_owned);
    }

    /// The app shows neither its state nor its functions.
    pub fn hide_app(&self) {
        let app = &mut self.shared.0.lock().app.2;
        (app.state, app.lists) = (None, false);
    }

    /// Do further runs belong to the trace of the call that begins them? They do by default.
    pub fn keep_trace_ids(&self, keep: bool) {
        self.shared.0.lock().app.2.keeps_trace_ids = keep;
    }

    /// How far the app's clock is ahead of ours.
    pub fn set_skew(&self, skew: SignedDuration) {
        self.shared.0.lock().app.2.skew = skew;
    }

    /// How long after their end runs get into the logs.
    pub fn set_lag(&self, lag: Duration) {
        self.shared.0.lock().workspace.2.lag = lag;
    }

    /// Until it is called with `false`, nothing more gets into the logs.
    pub fn hold_logs(&self, hold: bool) {
        let held = hold.then(jiff::Timestamp::now);
        self.shared.0.lock().workspace.2.held = held;
    }

    /// Whose vocabulary the workspace's tables have.
    pub fn set_tables(&self, tables: Tables) {
        self.shared.0.lock().workspace.2.tables = tables;
    }

    /// Does the app log by OpenTelemetry, without ids of invocations?
    pub fn set_open_telemetry(&self, open_telemetry: bool) {
        self.shared.0.lock().workspace.2.open_telemetry = open_telemetry;
    }

    /// Does the workspace answer for a part of what it holds only?
    pub fn set_partial(&self, partial: bool) {
        self.shared.0.lock().workspace.2.partial = partial;
    }

    /// May the application read the workspace no more?
    pub fn deny_workspace(&self, denied: bool) {
        self.shared.0.lock().workspace.2.denied = denied;
    }

    /// Changes the application's secret.
    pub fn set_client_secret(&self, secret: &str) {
        self.shared.0.lock().authority.2.client_secret = secret.to_owned();
    }

    /// Nobody gets a token any more, with these words, e.g. `AADSTS7000222: …`; without, they do again.
    pub fn refuse_tokens(&self, words: Option<&str>) {
        self.shared.0.lock().authority.2.refusing = words.map(str::to_owned);
    }

    /// How long further tokens live, seconds.
    pub fn set_token_lifetime(&self, seconds: u64) {
        self.shared.0.lock().authority.2.lifetime = seconds;
    }

    /// Takes no token any more that was given until now.
    pub fn revoke_tokens(&self) {
        self.shared.0.lock().authority.2.revoke();
    }
}

impl fmt::Debug for AzureCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureCloud")
            .field("port", &self.port())
            .finish_non_exhaustive()
    }
}

fn address(server: &Server) -> Url {
    Url::parse(&format!("https://localhost:{}", server.port())).unwrap()
}

impl State {
    fn mood(&mut self, part: Part) -> (&mut Mood, &mut usize) {
        match part {
            Part::Authority => (&mut self.authority.0, &mut self.authority.1),
            Part::App => (&mut self.app.0, &mut self.app.1),
            Part::Workspace => (&mut self.workspace.0, &mut self.workspace.1),
        }
    }

    /// Does what is asked.
    fn reply(&mut self, part: Part, request: &Request) -> Reply {
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match (part, &*request.method, path.as_slice()) {
            (Part::Authority, "POST", [tenant, "oauth2", "v2.0", "token"]) => {
                self.authority.2.token(tenant, request)
            }
            (Part::App, _, ["admin", rest @ ..]) => self.app.2.reply(rest, request, &mut self.workspace.2),
            (Part::Workspace, "POST", ["v1", "workspaces", id, "query"]) => {
                let good = request.bearer().is_some_and(|token| self.authority.2.gave(token));
                self.workspace.2.query(id, request, good)
            }
            _ => Reply::error(404, "PathNotFoundError", "The requested path does not exist"),
        }
    }
}

/// A service's way into the cloud.
struct Door {
    part: Part,
    shared: Arc<Shared>,
}

impl Service for Door {
    fn meet(&self) -> Meeting {
        match self.shared.0.lock().mood(self.part).0 {
            Mood::Gone => Meeting::HangUp,
            Mood::Silent => Meeting::Silence,
            _ => Meeting::Talk,
        }
    }

    fn reply(&self, request: &Request) -> Option<Reply> {
        let mut state = self.shared.0.lock();
        let (mood, requests) = state.mood(self.part);
        *requests += 1;
        let only_asks = self.part == Part::App && request.method == "GET";
        let passes = matches!(mood, Mood::Failing { .. } | Mood::Losing { .. } | Mood::Slow(_));
        let now = match only_asks && passes {
            true => Mood::Well,
            false => mood.clone(),
        };
        match mood {
            _ if only_asks => {}
            Mood::Failing { times, .. } | Mood::Losing { times, .. } if *times > 1 => *times -= 1,
            Mood::Failing { .. } | Mood::Losing { .. } => *mood = Mood::Well,
            _ => {}
        }
        match now {
            Mood::Odd(reply) => Some(reply),
            Mood::Failing {
                status, retry_after, ..
            } => {
                let reply = Reply::error(status, "Failing", "as it was told to");
                Some(match retry_after {
                    Some(seconds) => reply.header("Retry-After", &seconds.to_string()),
                    None => reply,
                })
            }
            Mood::Losing { status, .. } => {
                state.reply(self.part, request);
                status.map(|status| Reply::raw(status, "<html>Bad Gateway</html>"))
            }
            Mood::Slow(pause) => {
                let reply = state.reply(self.part, request);
                drop(state);
                thread::sleep(pause);
                Some(reply)
            }
            _ => Some(state.reply(self.part, request)),
        }
    }
}
