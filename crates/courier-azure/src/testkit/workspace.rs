//! A Log Analytics workspace: which runs it knows, and since when.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::http::{Reply, Request};
use super::query::{Problem, Query, Row};

/// The id of the workspace.
pub const WORKSPACE_ID: &str = "77777777-6666-4555-8444-333333333333";

/// Whose vocabulary the tables have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tables {
    /// A workspace's: `AppRequests`, `AppTraces`.
    #[default]
    Workspace,
    /// That of the scope of Application Insights: `requests`, `traces`.
    Insights,
    /// There are none: no function has ever logged there.
    None,
}

/// A run, begun and yet to be known.
#[derive(Clone, Debug)]
pub(super) struct LoggedRun {
    pub(super) function: String,
    pub(super) started: Timestamp,
    pub(super) duration: Duration,
    pub(super) success: bool,
    pub(super) result_code: String,
    pub(super) lines: Vec<(String, i64)>,
    /// The trace that it belongs to.
    pub(super) operation_id: String,
    pub(super) invocation_id: Uuid,
    /// When it ends, by the clock of the world.
    pub(super) ended: Timestamp,
}

#[derive(Default)]
pub(super) struct Workspace {
    pub(super) tables: Tables,
    /// How long after their end runs are known.
    pub(super) lag: Duration,
    /// From this moment on nothing new is known.
    pub(super) held: Option<Timestamp>,
    pub(super) denied: bool,
    pub(super) partial: bool,
    /// Runs have no invocation's id.
    pub(super) open_telemetry: bool,
    pub(super) runs: Vec<LoggedRun>,
    pub(super) queries: Vec<String>,
}

impl Workspace {
    /// `POST /v1/workspaces/ID/query`, with a token that is good or not.
    pub(super) fn query(&mut self, id: &str, request: &Request, token_is_good: bool) -> Reply {
        if !token_is_good {
            return Reply::error(
                401,
                "InvalidTokenError",
                "The provided authentication is not valid for this resource",
            );
        }
        if id != WORKSPACE_ID {
            return Reply::error(404, "WorkspaceNotFoundError", "The workspace could not be found");
        }
        if self.denied {
            let message =
                "The provided credentials have insufficient access to perform the requested operation";
            return Reply::error(403, "InsufficientAccessError", message);
        }
        let query = request.json()["query"].as_str().unwrap().to_owned();
        self.queries.push(query.clone());
        match Query::parse(&query).and_then(|query| query.run(|table| self.table(table))) {
            Ok(table) => {
                let mut body = json!({ "tables": [table] });
                if self.partial {
                    body["error"] = partial_error();
                }
                Reply::new(200, body)
            }
            Err(Problem::Syntax(words)) => bad_argument(
                "SyntaxError",
                "A recognition error occurred in the query.",
                "SYN0002",
                &words,
            ),
            Err(Problem::Semantic(words)) => {
                bad_argument("SemanticError", "A semantic error occurred.", "SEM0100", &words)
            }
        }
    }

    /// Is this known now, if it would be at that time?
    fn knows(&self, since: Timestamp) -> bool {
        since <= Timestamp::now() && self.held.is_none_or(|held| since <= held)
    }

    fn table(&self, name: &str) -> Option<Vec<Row>> {
        let (vocabulary, traces) = match name {
            "AppRequests" => (Tables::Workspace, false),
            "AppTraces" => (Tables::Workspace, true),
            "requests" => (Tables::Insights, false),
            "traces" => (Tables::Insights, true),
            _ => return None,
        };
        if self.tables != vocabulary {
            return None;
        }
        let known = self.runs.iter().filter(|run| self.knows(run.ended + self.lag));
        let rows = known.flat_map(|run| match traces {
            true => self.traces(run),
            false => vec![self.request(run)],
        });
        Some(rows.map(|row| row.as_object().unwrap().clone()).collect())
    }

    fn request(&self, run: &LoggedRun) -> Value {
        let id = &run.invocation_id.simple().to_string()[..16];
        let milliseconds = run.duration.as_secs_f64() * 1000.0;
        match self.tables {
            Tables::Insights => json!({
                "timestamp": run.started, "id": id, "name": run.function, "success": if run.success { "True" } else { "False" },
                "resultCode": run.result_code, "duration": milliseconds, "operation_Id": run.operation_id,
                "customDimensions": self.dimensions(run),
            }),
            _ => json!({
                "TimeGenerated": run.started, "Id": id, "Name": run.function, "Success": run.success,
                "ResultCode": run.result_code, "DurationMs": milliseconds, "OperationId": run.operation_id,
                "Properties": self.dimensions(run),
            }),
        }
    }

    fn traces(&self, run: &LoggedRun) -> Vec<Value> {
        let line = |(at, (message, level)): (usize, &(String, i64))| {
            let written = run.started + Duration::from_millis(at as u64);
            match self.tables {
                Tables::Insights => json!({
                    "timestamp": written, "message": message, "severityLevel": level,
                    "operation_Id": run.operation_id, "customDimensions": self.dimensions(run),
                }),
                _ => json!({
                    "TimeGenerated": written, "Message": message, "SeverityLevel": level,
                    "OperationId": run.operation_id, "Properties": self.dimensions(run),
                }),
            }
        };
        run.lines.iter().enumerate().map(line).collect()
    }

    fn dimensions(&self, run: &LoggedRun) -> Value {
        match self.open_telemetry {
            true => json!({ "faas.name": run.function }),
            false => {
                json!({ "InvocationId": run.invocation_id, "FullName": format!("Functions.{}", run.function), "TriggerReason": "" })
            }
        }
    }
}

fn bad_argument(code: &str, message: &str, inner: &str, words: &str) -> Reply {
    let innermost = json!({ "code": inner, "message": words });
    let inner = json!({ "code": code, "message": message, "innererror": innermost });
    let error = json!({ "message": "The request had some invalid properties", "code": "BadArgumentError", "correlationId": Uuid::new_v4(), "innererror": inner });
    Reply::new(400, json!({ "error": error }))
}

fn partial_error() -> Value {
    let inner = json!({ "code": "-2133196797", "message": "The results of this query exceed the set limit", "severity": 2, "severityName": "Error" });
    let detail = json!({ "code": "EngineError", "message": "Something went wrong processing your query on the server.", "innererror": inner });
    json!({ "code": "PartialError", "message": "There were some errors when processing your query.", "details": [detail] })
}
