//! Calls of functions in function apps, and which run in the logs is whose.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0014_function_calls",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // No foreign key to the connection: what was triggered was triggered, also where the connection is gone.
    "CREATE TABLE function_calls (
        id {id} PRIMARY KEY NOT NULL,
        execution_id {id} NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
        step INTEGER NOT NULL,
        job_try INTEGER NOT NULL,
        step_try INTEGER NOT NULL,
        connection_id {id} NOT NULL,
        app TEXT NOT NULL,
        workspace TEXT NOT NULL,
        function_name TEXT NOT NULL,
        trace_id TEXT NOT NULL,
        state TEXT NOT NULL,
        triggered_at BIGINT NOT NULL,
        not_before BIGINT NOT NULL,
        looks INTEGER NOT NULL,
        run_id TEXT,
        run {json},
        ended_at BIGINT
    )",
    // No run is two calls' own.
    "CREATE UNIQUE INDEX function_calls_run_id_key ON function_calls (workspace, run_id) WHERE run_id IS NOT NULL",
    "CREATE UNIQUE INDEX function_calls_trace_id_key ON function_calls (trace_id)",
    // Those without a run, and those with one, are asked for at each look.
    "CREATE INDEX function_calls_without_run ON function_calls (workspace, lower(function_name), not_before)
        WHERE run_id IS NULL",
    "CREATE INDEX function_calls_with_run ON function_calls (app, lower(function_name), not_before)
        WHERE run_id IS NOT NULL",
    "CREATE INDEX function_calls_by_step ON function_calls (execution_id, step, id)",
];
