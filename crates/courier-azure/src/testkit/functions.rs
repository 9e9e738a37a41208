//! A function app: its functions, and what was triggered.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::http::{Reply, Request};
use super::workspace::{LoggedRun, Workspace};

/// The master key of the app.
pub const MASTER_KEY: &str = "fake-Master~Key==";

/// A function, and how its runs go.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) name: String,
    starts_after: Duration,
    takes: Duration,
    success: bool,
    result_code: String,
    lines: Vec<(String, i64)>,
    disabled: bool,
    logged: bool,
}

impl Function {
    /// One whose runs begin at once, take no time and end well.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            starts_after: Duration::ZERO,
            takes: Duration::ZERO,
            success: true,
            result_code: "0".to_owned(),
            lines: Vec::new(),
            disabled: false,
            logged: true,
        }
    }

    /// Its runs wait so long before they begin.
    #[must_use]
    pub fn starts_after(mut self, pause: Duration) -> Self {
        self.starts_after = pause;
        self
    }

    /// Its runs take so long.
    #[must_use]
    pub fn takes(mut self, duration: Duration) -> Self {
        self.takes = duration;
        self
    }

    /// Its runs fail, with this result code.
    #[must_use]
    pub fn fails(mut self, result_code: &str) -> Self {
        (self.success, self.result_code) = (false, result_code.to_owned());
        self
    }

    /// Its runs write this line, of this severity, after those before.
    #[must_use]
    pub fn writes(mut self, line: &str, severity_level: i64) -> Self {
        self.lines.push((line.to_owned(), severity_level));
        self
    }

    /// It is switched off: the app lists it, and doesn't run it.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    /// Its runs never get into the logs, as with sampling.
    #[must_use]
    pub fn unlogged(mut self) -> Self {
        self.logged = false;
        self
    }
}

/// A run that the admin interface began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Triggered {
    /// The function's name, as the call wrote it.
    pub function: String,
    /// What its trigger got.
    pub input: Option<String>,
    /// The trace that the call belongs to.
    pub trace_id: Option<String>,
    /// The id that the host gave the run.
    pub invocation_id: String,
    /// When, by the clock of the world.
    pub at: Timestamp,
}

pub(super) struct App {
    pub(super) key: String,
    /// `Running`, or another state of the host; without, the app hides it.
    pub(super) state: Option<String>,
    pub(super) functions: Vec<Function>,
    /// It shows which functions there are.
    pub(super) lists: bool,
    pub(super) triggers: Vec<Triggered>,
    /// Runs belong to the trace of the call that began them.
    pub(super) keeps_trace_ids: bool,
    /// How far the app's clock is ahead.
    pub(super) skew: SignedDuration,
}

impl Default for App {
    fn default() -> Self {
        Self {
            key: MASTER_KEY.to_owned(),
            state: Some("Running".to_owned()),
            functions: Vec::new(),
            lists: true,
            triggers: Vec::new(),
            keeps_trace_ids: true,
            skew: SignedDuration::ZERO,
        }
    }
}

impl App {
    /// What is below `/admin`.
    pub(super) fn reply(&mut self, path: &[&str], request: &Request, workspace: &mut Workspace) -> Reply {
        let date = (Timestamp::now() + self.skew).strftime("%a, %d %b %Y %H:%M:%S GMT");
        self.answer(path, request, workspace)
            .header("Date", &date.to_string())
    }

    fn answer(&mut self, path: &[&str], request: &Request, workspace: &mut Workspace) -> Reply {
        if request.header("x-functions-key") != Some(&self.key) {
            return Reply::raw(401, "");
        }
        match (&*request.method, path) {
            ("GET", ["host", "status"]) => match &self.state {
                None => Reply::raw(404, ""),
                Some(state) => Reply::new(
                    200,
                    json!({
                        "id": "db9851c42a24286354a628e488c2790f", "state": state, "version": "4.25.2.2",
                        "versionDetails": "4.25.2+f859521b6d7f8f532849700ae54b46cc4a7a7453", "platformVersion": "",
                        "instanceId": "71ca196e-638284226452794451", "computerName": "", "processUptime": 1451562,
                    }),
                ),
            },
            ("GET", ["functions"]) if self.lists => {
                let function = |function: &Function| {
                    let config = json!({ "bindings": [{ "type": "manualTrigger", "direction": "in", "name": "input" }], "disabled": function.disabled });
                    json!({ "name": function.name, "isDisabled": function.disabled, "test_data": "", "language": "node", "config": config })
                };
                Reply::new(200, self.functions.iter().map(function).collect())
            }
            ("POST", ["functions", name]) => self.trigger(name, request, workspace),
            _ => Reply::raw(404, ""),
        }
    }

    fn trigger(&mut self, name: &str, request: &Request, workspace: &mut Workspace) -> Reply {
        if request.header("content-type") != Some("application/json") {
            return Reply::raw(415, "");
        }
        let body = request.json();
        let members = body.as_object().unwrap();
        assert!(members.keys().all(|key| key == "input"), "{body}");
        let input = members
            .get("input")
            .map(|input| input.as_str().unwrap().to_owned());
        let running = |function: &&Function| function.name.eq_ignore_ascii_case(name) && !function.disabled;
        let Some(function) = self.functions.iter().find(running).cloned() else {
            return Reply::raw(404, "");
        };
        let trace_id = request.header("traceparent").map(trace_id);
        let operation_id = trace_id.clone().filter(|_| self.keeps_trace_ids);
        let invocation_id = self.begin(&function, operation_id, workspace);
        self.triggers.push(Triggered {
            function: name.to_owned(),
            input,
            trace_id,
            invocation_id: invocation_id.to_string(),
            at: Timestamp::now(),
        });
        Reply::raw(202, "")
    }

    /// Begins a run, and returns its id.
    pub(super) fn begin(
        &self,
        function: &Function,
        operation_id: Option<String>,
        workspace: &mut Workspace,
    ) -> Uuid {
        let invocation_id = Uuid::new_v4();
        // Azure's clocks know no nanoseconds.
        let now = Timestamp::from_microsecond(Timestamp::now().as_microsecond()).unwrap();
        let begins = now + function.starts_after;
        if function.logged {
            workspace.runs.push(LoggedRun {
                function: function.name.clone(),
                started: begins + self.skew,
                duration: function.takes,
                success: function.success,
                result_code: function.result_code.clone(),
                lines: function.lines.clone(),
                operation_id: operation_id.unwrap_or_else(|| Uuid::new_v4().simple().to_string()),
                invocation_id,
                ended: begins + function.takes,
            });
        }
        invocation_id
    }
}

/// The trace in a `traceparent` (W3C Trace Context, section 3.2).
fn trace_id(header: &str) -> String {
    let parts: Vec<&str> = header.split('-').collect();
    let is_hex = |text: &str, len: usize| {
        text.len() == len
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            && text.bytes().any(|b| b != b'0')
    };
    let ["00", trace, parent, "01"] = parts[..] else {
        panic!("{header}")
    };
    assert!(is_hex(trace, 32) && is_hex(parent, 16), "{header}");
    trace.to_owned()
}
