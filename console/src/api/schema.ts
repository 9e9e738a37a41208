// Made from the API's OpenAPI document by `npm run types`.

export interface paths {
    "/api/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the activity of the last hours
         * @description An item for each hour, the oldest first and the one that runs last, also where nothing happened. What was forgotten by now
         *     (`executions.retention_days`, `audit.retention_days`) is missing.
         *
         *     Needs the role viewer.
         */
        get: operations["overview_activity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List alerts
         * @description Needs the role operator.
         */
        get: operations["alerts_list"];
        put?: never;
        /**
         * Make an alert
         * @description Needs the role operator.
         */
        post: operations["alerts_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an alert
         * @description Needs the role operator.
         */
        get: operations["alerts_get"];
        /**
         * Replace an alert
         * @description A webhook's secret stays where none is given.
         *
         *     Needs the role operator.
         */
        put: operations["alerts_replace"];
        post?: never;
        /**
         * Delete an alert
         * @description What of its messages has not been sent, isn't.
         *
         *     Needs the role operator.
         */
        delete: operations["alerts_delete"];
        options?: never;
        head?: never;
        /**
         * Change an alert
         * @description What isn't given stays; so do the fields of a channel of the same type.
         *
         *     Needs the role operator.
         */
        patch: operations["alerts_patch"];
        trace?: never;
    };
    "/api/alerts/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the messages of an alert
         * @description What became of them is kept for 30 days.
         *
         *     Needs the role operator.
         */
        get: operations["alerts_deliveries"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test an alert
         * @description Sends a message now, also where the alert is disabled or its quiet hours are, and answers what the other side said.
         *
         *     Needs the role operator.
         */
        post: operations["alerts_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List audit entries
         * @description Needs the role viewer.
         */
        get: operations["audit_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the audit log
         * @description Oldest first, whole, whatever its length. An answer that was cut off ends without the end that HTTP wants, which clients
         *     report as an error.
         *
         *     Needs the role viewer.
         */
        get: operations["audit_export"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Verify the audit log
         * @description Reads all of it: is every entry as it was written, and none missing? That takes about ten seconds for a million entries.
         *
         *     Needs the role admin.
         */
        get: operations["audit_verify"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/first-start": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Is this the first start?
         * @description Whose password the first start made up and wrote to a file, as long as that file is there and nobody has logged in.
         *
         *     Needs no login.
         */
        get: operations["auth_first_start"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description Gives a token and sets it as a cookie. After several failed logins under one name, or from
         *     one address, it answers 429 for a while.
         *
         *     Needs no login.
         */
        post: operations["auth_login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the session that the request came in by, and clears the cookie. An API token is not a session: it stays.
         *
         *     Needs the role viewer.
         */
        post: operations["auth_logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who am I?
         * @description A token may always ask this, whatever its scopes.
         *
         *     Needs the role viewer.
         */
        get: operations["auth_me"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/auth/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change one's own password
         * @description The caller's other sessions end. Wrong current passwords count as failed logins do (429).
         *
         *     Needs the role viewer.
         */
        post: operations["auth_change_password"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List connections
         * @description Needs the role viewer.
         */
        get: operations["connections_list"];
        put?: never;
        /**
         * Make a connection
         * @description Needs the role operator.
         */
        post: operations["connections_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test a connection before it is saved
         * @description Needs the role operator.
         */
        post: operations["connections_test_unsaved"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a connection
         * @description Needs the role viewer.
         */
        get: operations["connections_get"];
        /**
         * Replace a connection
         * @description What is not given goes back to its default, except secrets: those stay, and `null` clears them. A change of host,
         *     port or protocol clears secrets and pins unless the request brings new ones.
         *
         *     Needs the role operator.
         */
        put: operations["connections_replace"];
        post?: never;
        /**
         * Delete a connection
         * @description One that jobs use is not deleted (3010).
         *
         *     Needs the role operator.
         */
        delete: operations["connections_delete"];
        options?: never;
        head?: never;
        /**
         * Change a connection
         * @description What is not given stays, except as said of `PUT` when host, port or protocol change.
         *
         *     Needs the role operator.
         */
        patch: operations["connections_patch"];
        trace?: never;
    };
    "/api/connections/{id}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List audit entries of a connection
         * @description Needs the role viewer.
         */
        get: operations["audit_of_connection"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List a folder of a connection
         * @description Needs the role viewer.
         */
        get: operations["connections_files"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/folder-mappings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the folder mappings of a connection
         * @description Needs the role viewer.
         */
        get: operations["folder_mappings_of_connection"];
        put?: never;
        /**
         * Make a folder mapping
         * @description From then on each file of the folder is pulled once. The first look for files is one interval later; run it for one now.
         *
         *     Needs the role operator.
         */
        post: operations["folder_mappings_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/folder-mappings/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Look what a folder mapping would pull, before it is made
         * @description Takes what making one takes, and makes none: it looks into the folders, for half a minute at most, and changes nothing.
         *
         *     Needs the role operator.
         */
        post: operations["folder_mappings_dry_run_unsaved"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/history": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the pulled files of a connection
         * @description Its history is kept for good, also when the connection is deleted.
         *
         *     Needs the role viewer.
         */
        get: operations["folder_mappings_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/history/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the pulled files of a connection
         * @description The last that was pulled first, whole, whatever the length. An answer that was cut off ends without the end that HTTP
         *     wants, which clients report as an error.
         *
         *     Needs the role viewer.
         */
        get: operations["folder_mappings_export_history"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/history/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pull files anew
         * @description All that the body names, each once, whatever number of its versions was pulled: 100,000 at most. What can't be pulled
         *     anew, because its folder mapping is disabled or gone, is told of; where that is all, the answer is 409.
         *
         *     Needs the role operator.
         */
        post: operations["folder_mappings_replay_all"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/history/{entry_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a pulled file of a connection
         * @description Needs the role viewer.
         */
        get: operations["folder_mappings_history_entry"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/history/{entry_id}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pull a file anew
         * @description As it lies on the server by then, to a key of its own; what was pulled before stays. It need not be ready as others must.
         *
         *     Needs the role operator.
         */
        post: operations["folder_mappings_replay"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/host-key/approve": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Approve a host key
         * @description Only one that the server has presented. It replaces the pins of its key type, or with `add` stands beside them.
         *     Needs the role admin, unless the setting `security.host_key_approval_require_admin` is false.
         *
         *     Needs the role operator.
         */
        post: operations["connections_approve_host_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the keys of a connection
         * @description Needs the role viewer.
         */
        get: operations["connections_keys"];
        put?: never;
        /**
         * Give a connection another key
         * @description A new one (`generate`), or one of the SSH key store (`ssh_key_id`). The others stay active.
         *
         *     Needs the role operator.
         */
        post: operations["connections_add_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/keys/{key_id}/revoke": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a key from a connection
         * @description The last key that works is only taken with `force`: the only active one, or the only one that the server has accepted
         *     on this connection. In FIPS mode keys of other types don't count.
         *
         *     Needs the role operator.
         */
        post: operations["connections_revoke_key"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/known-hosts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the host keys that a connection knows
         * @description Those that it trusts, and those that its server has presented.
         *
         *     Needs the role viewer.
         */
        get: operations["connections_known_hosts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test a connection
         * @description Connects, authenticates, lists the base folder, measures a round trip, and disconnects. Of a function app it asks for the
         *     host's status with the key, for a token, and for an answer of the workspace, and calls no function.
         *
         *     Needs the role operator.
         */
        post: operations["connections_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Watch everything
         * @description Server-sent events, of all nodes. First `hello` with a `Hello`. `execution` has an `ExecutionChange`, whenever an execution or
         *     one of its steps changes its state; of one that changes more often than twice a second, the newest. `progress` has an
         *     `ExecutionProgress`, for each file that moves once a second at most, and at its end, though of files that are through at once not
         *     for all where there are many; `summary` an `ExecutionSummary`, once a second
         *     while its numbers change. `changed` has a `Changed`: what somebody or something may have changed, to be read again, once a second
         *     at most for each. `gap` says that some of all this may have been missed: everything is to be read again. The stream ends when the
         *     session or token that asked for it ends.
         *
         *     Needs the role viewer.
         */
        get: operations["overview_events"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List executions
         * @description Without their `context`, which may be large.
         *
         *     Needs the role viewer.
         */
        get: operations["executions_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an execution
         * @description Needs the role viewer.
         */
        get: operations["executions_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel an execution
         * @description Needs the role operator.
         */
        post: operations["executions_cancel"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Watch an execution
         * @description Server-sent events, on whatever node the execution runs. `state` has the execution as its data, without its `context`:
         *     first as it is now, then whenever it or one of its steps changes state. `progress` has a `Progress`, for each file that
         *     moves, twice a second at least. `summary` has a `StepProgress`, twice a second while its numbers change. The stream ends
         *     after a final state, and when the session or token that asked for it ends; who reads it again begins with the state.
         *
         *     Needs the role viewer.
         */
        get: operations["executions_watch"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Pause an execution
         * @description Needs the role operator.
         */
        post: operations["executions_pause"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Resume a paused execution
         * @description Needs the role operator.
         */
        post: operations["executions_resume"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/executions/{id}/steps/{index}/traces": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Show what a step's function wrote
         * @description Of a step `azure_function.execute`, asked for in the workspace of its connection, oldest first. Lines arrive there with a
         *     delay of minutes: as long as nothing is known of the run, the answer is 1050.
         *
         *     Needs the role viewer.
         */
        get: operations["executions_traces"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/folder-mappings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List folder mappings
         * @description Needs the role viewer.
         */
        get: operations["folder_mappings_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/folder-mappings/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a folder mapping
         * @description Needs the role viewer.
         */
        get: operations["folder_mappings_get"];
        put?: never;
        post?: never;
        /**
         * Delete a folder mapping
         * @description What it has pulled stays in its storage and in the connection's history. One that pulls is not deleted.
         *
         *     Needs the role operator.
         */
        delete: operations["folder_mappings_delete"];
        options?: never;
        head?: never;
        /**
         * Change a folder mapping
         * @description What isn't given stays; `null` puts a field back to what it is where nothing is said. Nothing that was pulled is pulled
         *     again: what makes a file another one is kept with the connection.
         *
         *     Needs the role operator.
         */
        patch: operations["folder_mappings_patch"];
        trace?: never;
    };
    "/api/folder-mappings/{id}/dry-run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Look what a folder mapping would pull
         * @description Looks into the folders, for half a minute at most, and changes nothing, neither here nor on the server. With fields in the
         *     body, as `PATCH` takes them, it tells what the mapping would pull if it were changed so.
         *
         *     Needs the role viewer.
         */
        post: operations["folder_mappings_dry_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/folder-mappings/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a folder mapping
         * @description Looks for files now, also where it is not enabled. Where it pulls already, that execution is the answer.
         *
         *     Needs the role operator.
         */
        post: operations["folder_mappings_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List jobs
         * @description Needs the role viewer.
         */
        get: operations["jobs_list"];
        put?: never;
        /**
         * Make a job
         * @description Needs the role operator.
         */
        post: operations["jobs_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/next-runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Look when schedules would run
         * @description For schedules that no job has yet.
         *
         *     Needs the role viewer.
         */
        post: operations["jobs_preview_runs"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a job
         * @description Needs the role viewer.
         */
        get: operations["jobs_get"];
        /**
         * Replace a job
         * @description Makes a new version; executions that run go on with theirs.
         *
         *     Needs the role operator.
         */
        put: operations["jobs_replace"];
        post?: never;
        /**
         * Delete a job
         * @description Needs the role operator.
         */
        delete: operations["jobs_delete"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/next-runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the next runs of a job
         * @description None for a job that may not run.
         *
         *     Needs the role viewer.
         */
        get: operations["jobs_next_runs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Run a job
         * @description Needs the role operator.
         */
        post: operations["jobs_run"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/versions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the versions of a job
         * @description Needs the role viewer.
         */
        get: operations["jobs_versions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/overview": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What is going on
         * @description Needs the role viewer.
         */
        get: operations["overview_get"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/protocols": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List protocols
         * @description Each with the fields that its connections take, from the tables that check them.
         *
         *     Needs the role viewer.
         */
        get: operations["connections_protocols"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List settings
         * @description Needs the role viewer.
         */
        get: operations["settings_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/settings/{key}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a setting
         * @description Needs the role viewer.
         */
        get: operations["settings_get"];
        /**
         * Change a setting
         * @description `null` goes back to the default.
         *
         *     Needs the role admin.
         */
        put: operations["settings_set"];
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ssh-keys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List SSH keys
         * @description Those that are deleted are named with `status=deleted` only; their private halves are gone.
         *
         *     Needs the role viewer.
         */
        get: operations["ssh_keys_list"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ssh-keys/generate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Generate an SSH key
         * @description Needs the role operator.
         */
        post: operations["ssh_keys_generate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ssh-keys/import": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import an SSH key
         * @description Needs the role operator.
         */
        post: operations["ssh_keys_import"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ssh-keys/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get an SSH key
         * @description Needs the role viewer.
         */
        get: operations["ssh_keys_get"];
        put?: never;
        post?: never;
        /**
         * Delete an SSH key
         * @description The private half is wiped. A key that connections use is not deleted (4005).
         *
         *     Needs the role operator.
         */
        delete: operations["ssh_keys_delete"];
        options?: never;
        head?: never;
        /**
         * Rename an SSH key, or change its notes
         * @description Needs the role operator.
         */
        patch: operations["ssh_keys_update"];
        trace?: never;
    };
    "/api/ssh-keys/{id}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Activate an SSH key
         * @description Needs the role operator.
         */
        post: operations["ssh_keys_activate"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ssh-keys/{id}/public-key": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the public half of an SSH key
         * @description One `authorized_keys` line.
         *
         *     Needs the role viewer.
         */
        get: operations["ssh_keys_public_key"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/ssh-keys/{id}/retire": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retire an SSH key
         * @description It is kept, but no connection may use it.
         *
         *     Needs the role operator.
         */
        post: operations["ssh_keys_retire"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/step-types": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List step types
         * @description Each with its settings and what it leaves for later steps.
         *
         *     Needs the role viewer.
         */
        get: operations["jobs_step_types"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/storages": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List storages
         * @description Who is no admin sees `id`, `name` and `scheme`.
         *
         *     Needs the role viewer.
         */
        get: operations["storages_list"];
        put?: never;
        /**
         * Make a storage
         * @description Needs the role admin.
         */
        post: operations["storages_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/storages/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test a storage before it is kept
         * @description Writes, reads and removes a small object. A test that fails is an answer, too.
         *
         *     Needs the role admin.
         */
        post: operations["storages_test_unsaved"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/storages/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a storage
         * @description Who is no admin sees `id`, `name` and `scheme`.
         *
         *     Needs the role viewer.
         */
        get: operations["storages_get"];
        put?: never;
        post?: never;
        /**
         * Delete a storage
         * @description With its credentials, and not while a folder mapping uses it (1050). What is stored there stays.
         *
         *     Needs the role admin.
         */
        delete: operations["storages_delete"];
        options?: never;
        head?: never;
        /**
         * Change a storage
         * @description What isn't given stays, but for credentials where the storage becomes another one.
         *
         *     Needs the role admin.
         */
        patch: operations["storages_patch"];
        trace?: never;
    };
    "/api/storages/{id}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test a storage
         * @description Writes, reads and removes a small object. A test that fails is an answer, too.
         *
         *     Needs the role admin.
         */
        post: operations["storages_test"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List API tokens
         * @description An admin sees all of them, others their own.
         *
         *     Needs the role viewer.
         */
        get: operations["tokens_list"];
        put?: never;
        /**
         * Make an API token
         * @description The answer shows its text, this once. Who comes by a token makes none that may do more or lasts longer.
         *
         *     Needs the role viewer.
         */
        post: operations["tokens_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete an API token
         * @description It ends at once.
         *
         *     Needs the role viewer.
         */
        delete: operations["tokens_revoke"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List users
         * @description Needs the role admin.
         */
        get: operations["users_list"];
        put?: never;
        /**
         * Make a user
         * @description Needs the role admin.
         */
        post: operations["users_create"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/users/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a user
         * @description Needs the role admin.
         */
        get: operations["users_get"];
        put?: never;
        post?: never;
        /**
         * Delete a user
         * @description Ends the user's sessions and tokens.
         *
         *     Needs the role admin.
         */
        delete: operations["users_delete"];
        options?: never;
        head?: never;
        /**
         * Change a user
         * @description Needs the role admin.
         */
        patch: operations["users_update"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An hour. Times are those at which something ended. */
        ActivityHour: {
            /**
             * Format: date-time
             * @description Its beginning, a whole hour in UTC.
             */
            at: string;
            /**
             * Format: int64
             * @description Their bytes, and those of transfers that failed on their way.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Executions that were completed, but for scheduled pulls that found nothing.
             */
            completed: number;
            /**
             * Format: int64
             * @description Files that were downloaded.
             */
            downloads: number;
            /**
             * Format: int64
             * @description Executions that failed.
             */
            failed: number;
            /**
             * Format: int64
             * @description Files that moved: uploads, downloads and pulls together.
             */
            files: number;
            /**
             * Format: int64
             * @description Files that were pulled.
             */
            pulled: number;
            /**
             * Format: int64
             * @description Files that were uploaded.
             */
            uploads: number;
        };
        /** @description A key for a connection: exactly one of the two. */
        AddConnectionKey: {
            generate?: components["schemas"]["KeyType"] | null;
            /**
             * Format: uuid
             * @description Take this one of the SSH key store.
             */
            ssh_key_id?: string | null;
        };
        /**
         * @description What becomes of a file on the server when it was pulled.
         * @enum {string}
         */
        AfterPull: "keep" | "delete" | "move";
        /**
         * @description What became of a file on the server after it was pulled.
         * @enum {string}
         */
        AfterState: "none" | "pending" | "done" | "refused" | "left";
        /** @description An alert. */
        Alert: {
            /** @description Where messages go. */
            channel: components["schemas"]["AlertChannel"];
            /** @description The health and the files of these connections only; of all where none is named. */
            connections: string[];
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Does it tell anybody anything? */
            enabled: boolean;
            expect?: components["schemas"]["ExpectedFile"] | null;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description Executions of these jobs, and of the mappings that are named, only; of all where none is. */
            jobs: string[];
            /**
             * Format: int32
             * @description How long an execution may take from the time that it was due, seconds; for `execution_late`.
             */
            late_after_sec?: number | null;
            /** @description The executions, the health and the files of these folder mappings only; of all where none is named. */
            mappings: string[];
            /** @description Its name, unique. */
            name: string;
            /** @description Of what it tells. */
            on: components["schemas"]["AlertKind"][];
            quiet_hours?: components["schemas"]["QuietHours"] | null;
            /**
             * Format: int32
             * @description No more than one message about the same in this time, seconds.
             */
            repeat_after_sec: number;
            /**
             * Format: date-time
             * @description When it was changed last.
             */
            updated_at: string;
            /** @description What is insecure or doesn't work about it, in words. */
            warnings: string[];
        };
        /** @description Where messages go. */
        AlertChannel: {
            /** @description Are messages signed? */
            readonly has_secret?: boolean;
            secret?: components["schemas"]["Secret"] | null;
            /** @enum {string} */
            type: "webhook";
            /** @description The address, `https://` or `http://`. */
            url: string;
        } | {
            /** @description To whom, 1 to 50 addresses. */
            to: string[];
            /** @enum {string} */
            type: "email";
        };
        /** @description A message of an alert. */
        AlertDelivery: {
            /** @description What the other side said last, or why it could not be asked. */
            answer?: string | null;
            /**
             * Format: date-time
             * @description When it happened.
             */
            at: string;
            /**
             * Format: int32
             * @description How often it was tried.
             */
            attempts: number;
            /**
             * Format: date-time
             * @description When it is sent, or tried again, while it is pending.
             */
            due_at: string;
            /**
             * Format: date-time
             * @description When it was delivered or given up.
             */
            ended_at?: string | null;
            /** @description What is known: job, execution, step, error, connection, mapping, file. */
            facts: Record<string, never>;
            /**
             * Format: int32
             * @description How many messages about the same were held back before it.
             */
            held: number;
            /**
             * Format: uuid
             * @description Its id, the same in every attempt: a webhook's `webhook-id`.
             */
            id: string;
            /**
             * Format: uuid
             * @description The message that it goes out with.
             */
            joined_into?: string | null;
            /** @description Does it tell that all is well again? */
            recovered: boolean;
            /** @description How it stands. */
            state: components["schemas"]["DeliveryState"];
            /** @description What it tells of. */
            type: components["schemas"]["AlertKind"];
        };
        /** @description An alert to make, or as it is to be. */
        AlertInput: {
            /** @description Where messages go. */
            channel: components["schemas"]["AlertChannel"];
            /** @description The health and the files of these connections only; of all where none is named. */
            connections?: string[];
            /** @description Does it tell anybody anything? `true` where it isn't said. */
            enabled?: boolean | null;
            expect?: components["schemas"]["ExpectedFile"] | null;
            /** @description Executions of these jobs, and of the mappings that are named, only; of all where none is. */
            jobs?: string[];
            /**
             * Format: int32
             * @description How long an execution may take from the time that it was due, seconds; for `execution_late`.
             */
            late_after_sec?: number | null;
            /** @description The executions, the health and the files of these folder mappings only; of all where none is named. */
            mappings?: string[];
            /** @description Its name, unique. */
            name: string;
            /** @description Of what it tells. */
            on: components["schemas"]["AlertKind"][];
            quiet_hours?: components["schemas"]["QuietHours"] | null;
            /**
             * Format: int32
             * @description No more than one message about the same in this time, seconds: 3600 where it isn't said.
             */
            repeat_after_sec?: number | null;
        };
        /**
         * @description Of what an alert tells.
         * @enum {string}
         */
        AlertKind: "execution_failed" | "execution_completed" | "execution_late" | "file_missing" | "connection_health" | "file_pulled" | "test";
        /** @description What became of a message that was sent to try an alert out. */
        AlertTrial: {
            /** @description What it said, or why it could not be asked. */
            answer: string;
            /** @description Has the other side taken it? */
            delivered: boolean;
            /**
             * Format: int64
             * @description How long it took, milliseconds.
             */
            duration_ms: number;
        };
        /** @description A choice of algorithms that has a name. */
        AlgorithmPreset: {
            /** @description What it takes. */
            help: string;
            /** @description Its name (`default`). */
            name: string;
        };
        /** @description The algorithm lists of a server's key exchange message (RFC 4253 section 7.1). */
        Algorithms: {
            /** @description Compression methods. */
            compression: string[];
            /** @description Ciphers. */
            encryption: string[];
            /** @description Host key signature algorithms. */
            host_key: string[];
            /** @description Key exchange methods. */
            key_exchange: string[];
            /** @description Message authentication codes. */
            mac: string[];
        };
        /** @description A host key to trust from now on. */
        ApproveHostKey: {
            /** @description Beside the pins of its key type, not instead of them. */
            add?: boolean;
            /** @description A fingerprint that the server has presented. */
            fingerprint: string;
        };
        /**
         * @description What helps, or begins to.
         * @enum {string}
         */
        AttentionAction: "approve_host_key" | "test" | "run" | "open";
        /** @description Something that somebody should look at. */
        AttentionItem: {
            /** @description What helps, or begins to. */
            action: components["schemas"]["AttentionAction"];
            code?: components["schemas"]["ErrorCode"] | null;
            /**
             * Format: uuid
             * @description The connection that it is, or belongs to.
             */
            connection_id?: string | null;
            /**
             * Format: uuid
             * @description Its id; `null` for the server.
             */
            id?: string | null;
            /** @description What it is. */
            kind: components["schemas"]["AttentionKind"];
            /** @description Its name. */
            name: string;
            /** @description What is wrong, and what helps. */
            reason: string;
            /**
             * Format: date-time
             * @description Since when, where that is known.
             */
            since?: string | null;
        };
        /**
         * @description What somebody should look at.
         * @enum {string}
         */
        AttentionKind: "connection" | "folder_mapping" | "job" | "alert" | "certificate" | "ssh_key" | "token" | "server";
        /** @description Something that happened (specification 6.15). */
        AuditEntry: {
            /**
             * Format: int64
             * @description Bytes moved, for transfers.
             */
            bytes_transferred?: number | null;
            /**
             * Format: uuid
             * @description The chain of records that it belongs to: its connection's id, all zeros for records of no connection, all `f` for
             *     seals; `null` where Courier didn't write it.
             */
            chain?: string | null;
            /**
             * Format: uuid
             * @description The connection it happened on.
             */
            connection_id?: string | null;
            /** @description More about it: paths, fingerprints, error texts. Never a secret. */
            details: Record<string, never>;
            /**
             * Format: int64
             * @description How long it took, milliseconds.
             */
            duration_ms?: number | null;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * Format: uuid
             * @description The execution it happened in; `null` for tests and management.
             */
            job_execution_id?: string | null;
            /** @description The authentication code over it and the one before it, 64 hexadecimal digits. */
            mac?: string | null;
            /** @description What happened: `connected`, `upload`, `host_key_rejected`, `login` … */
            operation: string;
            /**
             * Format: date-time
             * @description When.
             */
            performed_at: string;
            /** @description Who did it: a user's name, or `system`. */
            performed_by: string;
            /**
             * Format: int64
             * @description Its place in the chain, from 1 without gaps.
             */
            seq?: number | null;
        };
        /** @description Something wrong in the audit log. */
        AuditFinding: {
            /**
             * Format: uuid
             * @description The chain; `null` for an entry that is in none.
             */
            chain?: string | null;
            /** @description In words. */
            message: string;
            /** @description The entry's operation, as it says itself. */
            operation?: string | null;
            /**
             * Format: date-time
             * @description The entry's time, as it says itself; where it is missing, that of the last good one before it.
             */
            performed_at?: string | null;
            /**
             * Format: uuid
             * @description The entry's id, where it is there.
             */
            record?: string | null;
            /**
             * Format: int64
             * @description The place in it: of the entry, or where one is missing.
             */
            seq: number;
            /**
             * @description `changed`, `removed`, `inserted`, `cut_off` (the newest entries are missing), `head` or `base` (the note of where a
             *     chain ends or begins was tampered with) or `seal` (an entry is another than the one that was sealed).
             */
            what: string;
        };
        /** @description What a verification of the audit log found. */
        AuditReport: {
            /**
             * Format: int64
             * @description Chains that were looked at.
             */
            chains: number;
            /** @description The first thing that is wrong in each chain, the earliest first. */
            findings: components["schemas"]["AuditFinding"][];
            /** @description Is every entry as it was written, and none missing? */
            ok: boolean;
            /**
             * Format: int64
             * @description Entries that are as they were written.
             */
            records: number;
        };
        /**
         * @description How a connection proves who it is.
         * @enum {string}
         */
        AuthMethod: "password" | "ssh_key" | "password_and_ssh_key" | "service_principal" | "none";
        /** @description What a session can do. */
        Capabilities: {
            /** @description A rename replaces an existing target in one step. */
            atomic_replace: boolean;
            /** @description The server computes checksums. */
            checksum: boolean;
            /** @description Operations that the session carries at once. */
            concurrency: number;
            /** @description Listings show permission bits. */
            permissions: boolean;
            /** @description A download can go on where it stopped. */
            resume_download: boolean;
            /** @description An upload can go on where it stopped. */
            resume_upload: boolean;
            /** @description Modification times can be set. */
            set_times: boolean;
        };
        /** @description Something may have changed and is to be read again: the data of the event `changed`. */
        Changed: {
            /**
             * Format: uuid
             * @description Which one; none where it may be any.
             */
            id?: string | null;
            /** @description What, as it stands in the routes: `connections`, `folder-mappings`, `jobs`, `ssh-keys` … */
            what: string;
        };
        /** @description A connection. Fields that its protocol does not have are absent; secrets are never in it. */
        Connection: {
            /** @description Local ports for active mode: `40000-40100` (FTP). */
            active_port_range?: string | null;
            /** @description How it proves who it is. */
            auth_method: components["schemas"]["AuthMethod"];
            /** @description Every remote path lies below it. */
            base_path?: string | null;
            /**
             * Format: date-time
             * @description When the client certificate ends.
             */
            client_certificate_not_after?: string | null;
            /**
             * Format: int32
             * @description Time for everything until a session is ready, seconds.
             */
            connect_timeout_sec?: number | null;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description The encoding of the server's file names, where it has no UTF-8 (FTP). */
            encoding?: string | null;
            /** @description The address that active mode announces (FTP). */
            external_address?: string | null;
            /** @description Is it exempt from FIPS mode? */
            fips_override?: boolean;
            ftps_mode?: components["schemas"]["FtpsMode"] | null;
            /** @description A label to group connections by. */
            group?: string | null;
            /** @description Is a client certificate set? */
            has_client_certificate: boolean;
            /** @description Is a client secret set? */
            has_client_secret: boolean;
            /** @description Is a password set? That of a function app is its master key. */
            has_password: boolean;
            /** @description Has it an active key? */
            has_ssh_key: boolean;
            /** @description How it fares. */
            health: components["schemas"]["Health"];
            /** @description Why. */
            health_detail?: string | null;
            /** @description Host name or address. */
            host?: string | null;
            host_key_policy?: components["schemas"]["HostKeyPolicy"] | null;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * Format: int32
             * @description An idle session is asked for a sign of life this often, seconds.
             */
            keepalive_interval_sec?: number | null;
            /**
             * Format: date-time
             * @description When it last connected.
             */
            last_ok_at?: string | null;
            /**
             * Format: int32
             * @description Sessions at once.
             */
            max_sessions?: number | null;
            /** @description Its name; unique. */
            name: string;
            /** @description Free text. */
            notes?: string | null;
            /**
             * Format: int32
             * @description Time for one operation without an answer, seconds.
             */
            operation_timeout_sec?: number | null;
            /** @description Does the client open data connections? (FTP) */
            passive_mode?: boolean | null;
            /**
             * Format: int32
             * @description Port.
             */
            port?: number | null;
            properties?: components["schemas"]["FunctionAppProperties"] | null;
            /** @description `sftp`, `ftp`, `ftps`, `local` or `azure_function`. */
            protocol: string;
            /** @description Ways around what a server gets wrong, by name (FTP). */
            quirks?: string[] | null;
            server_certificate?: components["schemas"]["ServerCertificate"] | null;
            /** @description The time zone of the server's listings, an IANA name (FTP). */
            server_timezone?: string | null;
            ssh_algorithms?: components["schemas"]["SshAlgorithms"] | null;
            /** @description Its active keys, the newest first. */
            ssh_key_ids: string[];
            /** @description May it be used? */
            status: components["schemas"]["ConnectionStatus"];
            /** @description The newest pin (SFTP). */
            stored_host_fingerprint?: string | null;
            tls_cert_policy?: components["schemas"]["TlsCertPolicy"] | null;
            /** @description Certificates that are revoked, as PEM (FTPS). */
            tls_crl_pem?: string | null;
            /** @description SHA-256 of the certificate that is accepted (FTPS). */
            tls_pinned_thumbprint?: string | null;
            /** @description Are certificates checked at all? `false` is the policy `insecure` (FTPS). */
            tls_validate_cert?: boolean | null;
            tls_version_floor?: components["schemas"]["TlsVersionFloor"] | null;
            transfer_type?: components["schemas"]["TransferType"] | null;
            /**
             * Format: int32
             * @description Reconnects in a row without a new byte.
             */
            transport_retries?: number | null;
            /**
             * Format: date-time
             * @description When it was changed last.
             */
            updated_at: string;
            /** @description Login name. */
            username?: string | null;
            /** @description Every insecure or weak choice, in words. */
            warnings: string[];
        };
        /** @description A field of a connection. */
        ConnectionField: {
            /** @description The words that it may be, for `choice`, or may hold, for `text_list`; `null` for any. */
            choices?: string[] | null;
            /** @description What the words mean, by word; not all say it. */
            choices_help: {
                [key: string]: string;
            };
            /** @description What it is when not given; `null` where there is no such value. */
            default?: unknown;
            /** @description Where a form shows it. */
            group: components["schemas"]["FieldGroup"];
            /** @description What it does. */
            help: string;
            /**
             * Format: int64
             * @description The largest number, for `integer`.
             */
            max?: number | null;
            /**
             * Format: int64
             * @description The smallest number, for `integer`.
             */
            min?: number | null;
            /** @description Its name; `properties.tenant_id` is `tenant_id` in the object `properties`. */
            name: string;
            /** @description Must it be given? */
            required: boolean;
            required_when?: components["schemas"]["FieldCondition"] | null;
            /**
             * @description What it holds: `text`, `long_text`, `bool`, `integer`, `choice`, `text_list`, `object`, `remote_path`, `local_path`; `secret`
             *     and `long_secret`, which are never shown; `keys`, a list of ids of SSH keys.
             */
            type: string;
            when?: components["schemas"]["FieldCondition"] | null;
        };
        /**
         * @description A connection to make, replace or change. A field of another protocol, or one that is unknown, is an error (3011);
         *     fields that only answers have (`id`, `health`, …) are ignored. A write-only field that is not given keeps its value,
         *     and `null` clears it.
         */
        ConnectionInput: {
            /** @description Local ports for active mode: `40000-40100` (FTP). */
            active_port_range?: string | null;
            auth_method?: components["schemas"]["AuthMethod"] | null;
            /** @description Every remote path lies below it. */
            base_path?: string | null;
            client_certificate?: components["schemas"]["Secret"] | null;
            client_secret?: components["schemas"]["Secret"] | null;
            /**
             * Format: int32
             * @description Time for everything until a session is ready, seconds.
             */
            connect_timeout_sec?: number | null;
            /** @description The encoding of the server's file names, where it has no UTF-8 (FTP). */
            encoding?: string | null;
            /** @description The address that active mode announces (FTP). */
            external_address?: string | null;
            /** @description Is it exempt from FIPS mode? Only an admin may say so. */
            fips_override?: boolean | null;
            ftps_mode?: components["schemas"]["FtpsMode"] | null;
            /** @description A label to group connections by. */
            group?: string | null;
            /** @description Host name or address. */
            host?: string | null;
            host_key_policy?: components["schemas"]["HostKeyPolicy"] | null;
            /**
             * Format: int32
             * @description An idle session is asked for a sign of life this often, seconds.
             */
            keepalive_interval_sec?: number | null;
            /**
             * Format: int32
             * @description Sessions at once.
             */
            max_sessions?: number | null;
            /** @description Its name; unique. */
            name?: string | null;
            /** @description Free text. */
            notes?: string | null;
            /**
             * Format: int32
             * @description Time for one operation without an answer, seconds.
             */
            operation_timeout_sec?: number | null;
            /** @description Does the client open data connections? (FTP) */
            passive_mode?: boolean | null;
            password?: components["schemas"]["Secret"] | null;
            /**
             * Format: int32
             * @description Port; by default the protocol's.
             */
            port?: number | null;
            properties?: components["schemas"]["FunctionAppProperties"] | null;
            /** @description `sftp`, `ftp`, `ftps`, `local` or `azure_function`. */
            protocol?: string | null;
            /** @description Ways around what a server gets wrong, by name (FTP). */
            quirks?: string[] | null;
            /** @description The time zone of the server's listings, an IANA name (FTP). */
            server_timezone?: string | null;
            ssh_algorithms?: components["schemas"]["SshAlgorithms"] | null;
            /** @description Keys of the SSH key store. */
            ssh_key_ids?: string[] | null;
            status?: components["schemas"]["ConnectionStatus"] | null;
            /** @description The pin, under the policy `manual` (SFTP). With or without colons, prefix and case. */
            stored_host_fingerprint?: string | null;
            tls_cert_policy?: components["schemas"]["TlsCertPolicy"] | null;
            /** @description Certificates that are revoked, as PEM (FTPS). */
            tls_crl_pem?: string | null;
            /** @description SHA-256 of the certificate that is accepted (FTPS). With or without colons, prefix and case. */
            tls_pinned_thumbprint?: string | null;
            /** @description Are certificates checked at all? `false` is the policy `insecure` (FTPS). */
            tls_validate_cert?: boolean | null;
            tls_version_floor?: components["schemas"]["TlsVersionFloor"] | null;
            transfer_type?: components["schemas"]["TransferType"] | null;
            /**
             * Format: int32
             * @description Reconnects in a row without a new byte.
             */
            transport_retries?: number | null;
            /** @description Login name. */
            username?: string | null;
        };
        /** @description A key of a connection. */
        ConnectionKey: {
            /**
             * Format: date-time
             * @description When the connection got it.
             */
            added_at: string;
            /** @description Who gave it. */
            added_by: string;
            /** @description SHA-256 of the public key. */
            fingerprint: string;
            /**
             * Format: uuid
             * @description The key's id in the SSH key store.
             */
            id: string;
            /** @description Whether connections may use it at all; a deleted one keeps its name here. */
            key_status: components["schemas"]["KeyStatus"];
            /** @description Its type. */
            key_type: string;
            /**
             * Format: date-time
             * @description When the server last accepted it from this connection.
             */
            last_used_at?: string | null;
            /** @description Its name. */
            name: string;
            /** @description One `authorized_keys` line, to install on the server. */
            public_key: string;
            /**
             * Format: date-time
             * @description When it was taken from the connection.
             */
            revoked_at?: string | null;
            /** @description Whether the connection uses it. */
            status: components["schemas"]["KeyUse"];
        };
        /**
         * @description Whether a connection may be used.
         * @enum {string}
         */
        ConnectionStatus: "active" | "disabled";
        /**
         * @description How a message stands.
         * @enum {string}
         */
        DeliveryState: "pending" | "delivered" | "failed" | "joined" | "dropped";
        /**
         * @description What went wrong. 1000: Validation failed; 1001: Request body too large; 1002: Unsupported media type; 1010: Authentication required; 1020: Insufficient permissions; 1030: Not found; 1031: Method not allowed; 1050: State conflict; 1052: Duplicate; 1060: Rate limited; 1099: Internal error; 2010: Unknown step type; 2011: Invalid step configuration; 2012: Invalid cron expression; 3000: Connection test failed; 3001: Authentication failed; 3002: Host key mismatch; 3003: Unreachable; 3004: Insecure host key policy requires admin; 3005: Insecure host key policy not allowed in FIPS mode; 3006: Insecure TLS policy requires admin; 3007: Insecure TLS policy not allowed in FIPS mode; 3008: Insecure trust policy blocked in production; 3010: Connection in use; 3011: Invalid protocol configuration; 3012: FIPS override requires admin; 3013: Host key not yet approved; 3014: Certificate rejected; 4000: Key import failed; 4001: Invalid passphrase; 4002: Key already exists; 4003: Key not active; 4005: Key in use; 4011: Algorithm not available in FIPS mode.
         * @enum {integer}
         */
        ErrorCode: 1000 | 1001 | 1002 | 1010 | 1020 | 1030 | 1031 | 1050 | 1052 | 1060 | 1099 | 2010 | 2011 | 2012 | 3000 | 3001 | 3002 | 3003 | 3004 | 3005 | 3006 | 3007 | 3008 | 3010 | 3011 | 3012 | 3013 | 3014 | 4000 | 4001 | 4002 | 4003 | 4005 | 4011;
        /** @description One run of a job or a folder mapping. */
        Execution: {
            /**
             * Format: int32
             * @description How often a worker took it: once, and once more after each pause, crash or restart.
             */
            attempts: number;
            /** @description What its steps gave (`1.downloaded_file`). Lists leave it out. */
            context?: Record<string, never>;
            /**
             * Format: date-time
             * @description When it reached a final state.
             */
            ended_at?: string | null;
            error?: components["schemas"]["ExecutionError"] | null;
            /** @description The states that it went through, in order. Lists leave it out. */
            history?: components["schemas"]["StateChange"][] | null;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * Format: uuid
             * @description The job; none where it is a folder mapping's.
             */
            job_id?: string | null;
            /** @description The job's or the folder mapping's name when it was asked for. */
            job_name?: string;
            /**
             * Format: int32
             * @description The version of the job that it runs; 0 where it is a folder mapping's.
             */
            job_version: number;
            /**
             * Format: uuid
             * @description The folder mapping; none where it is a job's.
             */
            mapping_id?: string | null;
            /** @description The node that runs it, or ran it last. */
            node?: string | null;
            /**
             * Format: date-time
             * @description When it was asked for.
             */
            queued_at: string;
            /**
             * Format: int32
             * @description How often the whole job was tried again, by its failure policy.
             */
            retries?: number;
            /**
             * Format: date-time
             * @description The time that its schedule had set for it.
             */
            scheduled_at?: string | null;
            /**
             * Format: date-time
             * @description When a worker first took it.
             */
            started_at?: string | null;
            /** @description Where it is. */
            state: components["schemas"]["ExecutionState"];
            /** @description All its steps, from the start. */
            steps: components["schemas"]["ExecutionStep"][];
            /** @description The time zone of its dates; none for UTC. */
            timezone?: string | null;
            /** @description Who or what started it: a user's name, or `schedule`. */
            triggered_by: string;
        };
        /** @description An execution or one of its steps changed: the data of the event `execution`. */
        ExecutionChange: {
            /**
             * Format: uuid
             * @description The execution.
             */
            id: string;
            /**
             * Format: uuid
             * @description The job; none where it is a folder mapping's.
             */
            job_id?: string | null;
            /** @description The job's or the folder mapping's name when it was asked for. */
            job_name: string;
            /**
             * Format: uuid
             * @description The folder mapping; none where it is a job's.
             */
            mapping_id?: string | null;
            /** @description Where it is now. */
            state: components["schemas"]["ExecutionState"];
            /**
             * Format: int32
             * @description The step that changed, from 1; none where the execution itself did.
             */
            step?: number | null;
        };
        /** @description Why an execution or a step failed. */
        ExecutionError: {
            /** @description The reason as a number. */
            code: components["schemas"]["ErrorCode"];
            /** @description The reason as a word (`auth`, `host_key`, `not_found`, `timeout` …). */
            kind: string;
            /** @description What happened, what was expected and seen, and what helps. */
            message: string;
        };
        /** @description A file that moves, in any execution: the data of the event `progress`. */
        ExecutionProgress: components["schemas"]["Progress"] & {
            /**
             * Format: uuid
             * @description The execution.
             */
            execution_id: string;
        };
        /**
         * @description Where an execution is.
         * @enum {string}
         */
        ExecutionState: "queued" | "running" | "paused" | "completed" | "failed" | "cancelled";
        /** @description A step of an execution. */
        ExecutionStep: {
            /**
             * Format: int32
             * @description How often it was started.
             */
            attempts: number;
            /**
             * Format: int64
             * @description Bytes moved until now; at most a second old.
             */
            bytes_transferred: number;
            /**
             * Format: date-time
             * @description When it ended.
             */
            ended_at?: string | null;
            error?: components["schemas"]["ExecutionError"] | null;
            /**
             * Format: int64
             * @description Files moved until now.
             */
            files_transferred: number;
            /**
             * Format: int32
             * @description Its number, from 1.
             */
            index: number;
            /** @description Its name in the job. */
            name?: string | null;
            /**
             * Format: int32
             * @description How often it was tried again, by the failure policy.
             */
            retries?: number;
            /**
             * Format: date-time
             * @description When it is tried again, where it failed and waits for that.
             */
            retry_at?: string | null;
            /**
             * Format: date-time
             * @description When it was started.
             */
            started_at?: string | null;
            /** @description Where it is. */
            state: components["schemas"]["StepState"];
            /** @description Its type. */
            step_type: string;
        };
        /** @description How far a step of any execution is as a whole: the data of the event `summary`. */
        ExecutionSummary: components["schemas"]["StepProgress"] & {
            /**
             * Format: uuid
             * @description The execution.
             */
            execution_id: string;
        };
        /** @description A file that comes each day. */
        ExpectedFile: {
            /** @description When it must have come, counted from local midnight: `06:30`. */
            by: string;
            /**
             * Format: uuid
             * @description The connection it comes by; any where none is given.
             */
            connection_id?: string | null;
            /**
             * Format: uuid
             * @description The job that moves it; any where none is given.
             */
            job_id?: string | null;
            /** @description What its name, or with a `/` its remote path, looks like: `*.csv`, `/inbox/**\/orders_*.xml`. */
            pattern: string;
            /** @description The time zone, by its IANA name; UTC where none is given. */
            timezone?: string;
            /** @description On which days; every day where none is named. */
            weekdays?: components["schemas"]["Weekday"][];
        };
        /** @description Something that ends soon, or has ended. */
        ExpiringItem: {
            /**
             * Format: date-time
             * @description When it ends, or has ended.
             */
            at: string;
            /**
             * Format: uuid
             * @description The connection that it belongs to.
             */
            connection_id?: string | null;
            /**
             * Format: uuid
             * @description Its id: that of the connection for certificates; `null` for this server's own.
             */
            id?: string | null;
            /** @description What it is. */
            kind: components["schemas"]["ExpiringKind"];
            /** @description Its name. */
            name: string;
            /** @description What that means, in words. */
            reason: string;
        };
        /**
         * @description What ends.
         * @enum {string}
         */
        ExpiringKind: "server_certificate" | "client_certificate" | "listener_certificate" | "token" | "ssh_key";
        /**
         * @description A form of exported entries.
         * @enum {string}
         */
        ExportFormat: "jsonl" | "csv";
        /**
         * @description What to do when a step fails.
         * @enum {string}
         */
        FailureAction: "stop" | "retry_step" | "retry_job" | "skip_and_continue";
        /** @description What happens when a step fails. */
        FailurePolicy: {
            /**
             * Format: int32
             * @description The first wait, seconds; it doubles each time.
             * @default 1
             */
            backoff_base_sec: number;
            /**
             * Format: int32
             * @description The longest wait, seconds.
             * @default 60
             */
            backoff_max_sec: number;
            /**
             * Format: int32
             * @description How often to try again.
             * @default 3
             */
            max_retries: number;
            /** @description What to do. */
            type: components["schemas"]["FailureAction"];
        };
        /** @description Another field of the same connection has one of these values. */
        FieldCondition: {
            /** @description The other field. */
            field: string;
            /** @description The values. */
            is: unknown[];
        };
        /** @description A field that is wrong, and why. */
        FieldError: {
            /** @description The field's name, or its path from the body's root (`steps[0].config.remote_path`). */
            field: string;
            /** @description What is wrong, and what was expected. */
            message: string;
        };
        /**
         * @description Where a form shows a field.
         * @enum {string}
         */
        FieldGroup: "address" | "login" | "trust" | "protocol" | "limits";
        /** @description A file or folder on a server. */
        FileEntry: {
            /** @description Is it a folder? */
            is_directory: boolean;
            /** @description Is it a symbolic link? */
            is_link: boolean;
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            last_modified?: string | null;
            /** @description Its name. */
            name: string;
            /** @description Its path. */
            path: string;
            /**
             * Format: int64
             * @description Its size, bytes; `null` where the server doesn't say.
             */
            size?: number | null;
        };
        /** @description How to log in for the first time. */
        FirstStart: {
            /** @description Has nobody logged in yet, and is the password that the first start made up still where it was written? */
            first_start: boolean;
            /** @description The user whose password it is; `null` where it is over. */
            username?: string | null;
        };
        /** @description A folder mapping. */
        FolderMapping: {
            /** @description What becomes of a file on the server when it was pulled. */
            after_pull: components["schemas"]["AfterPull"];
            /**
             * Format: uuid
             * @description The connection.
             */
            connection_id: string;
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description The cron expression. */
            cron?: string | null;
            /** @description Does it pull by itself? */
            enabled: boolean;
            /**
             * Format: date-time
             * @description Since when none has.
             */
            failing_since?: string | null;
            /**
             * Format: int32
             * @description How many pulls in a row have failed.
             */
            failures: number;
            /** @description How the last pull went. */
            health: components["schemas"]["Health"];
            /** @description Why, as a word for programs: `host_key_changed`, `folder_missing`, … */
            health_code?: string | null;
            /** @description Why, what to do, and what the next try does, in words. */
            health_detail?: string | null;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description What makes a file another one. */
            identity: components["schemas"]["MappingIdentity"];
            /** @description Patterns of what is never pulled. */
            ignore: string[];
            /**
             * Format: int64
             * @description Seconds from one look for files to the next, unless there is a cron expression.
             */
            interval_sec?: number | null;
            /**
             * Format: uuid
             * @description The execution of that pull.
             */
            last_execution?: string | null;
            /**
             * Format: date-time
             * @description When a pull went well last.
             */
            last_ok_at?: string | null;
            /**
             * Format: date-time
             * @description When its last pull was queued.
             */
            last_run_at?: string | null;
            /** @description A file is ready when one of its name with this behind it is there. */
            marker_suffix?: string | null;
            /**
             * Format: int64
             * @description How old a file must be, seconds.
             */
            min_age_sec: number;
            /** @description The folder that pulled files are moved to: absolute, or relative to the mapped one. */
            move_to?: string | null;
            /** @description Its name, unique within the connection. */
            name: string;
            /**
             * Format: date-time
             * @description When it is due; none where it is not enabled, or waits for its connection.
             */
            next_run_at?: string | null;
            /** @description Which files are pulled. */
            pattern: string;
            /** @description What stands before the path relative to the mapped folder in an object's key. */
            prefix: string;
            /** @description Are files of folders in the folder pulled? */
            recursive: boolean;
            /** @description The mapped folder on the server; below the connection's base path, where it has one. */
            remote_path: string;
            /** @description Must a file have the same size and time on two looks? */
            require_stable: boolean;
            /**
             * Format: uuid
             * @description The storage that files go to.
             */
            storage_id: string;
            /** @description The time zone whose clocks count for the cron expression, by its IANA name. */
            timezone?: string | null;
            /**
             * Format: date-time
             * @description When it was changed last.
             */
            updated_at: string;
            /** @description What may not be meant so, in words. */
            warnings: string[];
        };
        /** @description A folder mapping to make. */
        FolderMappingInput: {
            after_pull?: components["schemas"]["AfterPull"] | null;
            /**
             * @description Instead of an interval, a cron expression: minute, hour, day of the month, month, day of the week; or six fields with
             *     the seconds first.
             */
            cron?: string | null;
            /** @description Does it pull by itself? It does where nothing is said. */
            enabled?: boolean | null;
            identity?: components["schemas"]["MappingIdentity"] | null;
            /**
             * @description Patterns of what is never pulled; where nothing is said `.*`, `*.tmp`, `*.temp`, `*.part`, `*.partial`, `*.filepart`,
             *     `*.crdownload`, `*.swp`, `~*` and `*~`.
             */
            ignore?: string[] | null;
            /**
             * Format: int64
             * @description Seconds from one look for files to the next, up to a week: 300 where neither this nor `cron` is given.
             */
            interval_sec?: number | null;
            /** @description A file is ready when one of its name with this behind it is there: with `.done`, `x.csv` when `x.csv.done` is. */
            marker_suffix?: string | null;
            /**
             * Format: int64
             * @description How old a file must be, seconds: 2 where nothing is said.
             */
            min_age_sec?: number | null;
            /**
             * @description The folder that pulled files are moved to, for `after_pull` `move`: absolute, or relative to the mapped one. It is made
             *     where it is missing, and never looked into.
             */
            move_to?: string | null;
            /** @description Its name, unique within the connection; the remote path where none is given. */
            name?: string | null;
            /**
             * @description Which files are pulled: `*`, `?`, `[…]`, `{a,b}` and `**`. Without a `/` it is matched against names, else against
             *     paths relative to the mapped folder. `*` where nothing is said.
             */
            pattern?: string | null;
            /** @description What stands before the path relative to the mapped folder in an object's key: names joined by `/`. */
            prefix?: string | null;
            /** @description Are files of folders in the folder pulled? Where it isn't said, they are if the pattern is about folders. */
            recursive?: boolean | null;
            /** @description The mapped folder on the server; below the connection's base path, where it has one. No `..`, and no `\`. */
            remote_path: string;
            /** @description Must a file have the same size and time on two looks? Not where nothing is said. */
            require_stable?: boolean | null;
            /**
             * Format: uuid
             * @description The storage that files go to; the one called `default` where none is given.
             */
            storage_id?: string | null;
            /** @description The time zone whose clocks count for `cron`, by its IANA name; UTC where none is given. */
            timezone?: string | null;
        };
        /**
         * @description When TLS begins.
         * @enum {string}
         */
        FtpsMode: "explicit" | "implicit";
        /** @description Who asks what became of a function's run, and where (specification 6.3.4). A name that is not known is an error (3011). */
        FunctionAppProperties: {
            /**
             * @description Where tokens are given; by default `https://login.microsoftonline.com`. Another one clears the client secret, unless the
             *     same request brings a new one.
             */
            authority_host?: string | null;
            /** @description The id of the service principal's application. */
            client_id: string;
            /** @description Where workspaces are asked; by default `https://api.loganalytics.io`. Another one clears the client secret, too. */
            logs_endpoint?: string | null;
            /** @description The tenant of the service principal: its id, or a domain of it. */
            tenant_id: string;
            /** @description The Log Analytics workspace that knows of the runs; its id, not its name. */
            workspace_id: string;
        };
        /** @description A key to generate. */
        GenerateKey: {
            /** @description Its type. */
            key_type: components["schemas"]["KeyType"];
            /** @description Its name; unique. */
            name: string;
            /** @description Free text. */
            notes?: string | null;
        };
        /**
         * @description How a connection fares.
         * @enum {string}
         */
        Health: "unknown" | "healthy" | "failing" | "requires_attention";
        /** @description Who tells: the data of the event `hello`, the first of a stream. */
        Hello: {
            /** @description What the console that it serves is known by. It changes with the console: a page that was loaded before is outdated then. */
            console: string;
            /** @description The node that answers. */
            node: string;
            /** @description Its version. */
            version: string;
        };
        /**
         * @description Which host keys are accepted (specification 6.7).
         * @enum {string}
         */
        HostKeyPolicy: "trust_on_first_use" | "always_trust" | "manual";
        /** @description A key to import. */
        ImportKey: {
            /** @description Its name; unique. */
            name: string;
            /** @description Free text. */
            notes?: string | null;
            passphrase?: components["schemas"]["Secret"] | null;
            /** @description The private key's file as text, in a format of OpenSSH, OpenSSL or PuTTY; of a binary file, its base64. */
            private_key: components["schemas"]["Secret"];
        };
        /** @description A job. */
        Job: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description What it is for. */
            description?: string | null;
            /** @description May it run? */
            enabled: boolean;
            /** @description What happens when a step fails. */
            failure_policy: components["schemas"]["FailurePolicy"];
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * Format: int32
             * @description The longest an execution may take from its start, waits included, seconds. Pauses don't count.
             */
            max_duration_sec?: number | null;
            /**
             * Format: int32
             * @description How many of its executions may be queued, running or paused at once.
             */
            max_instances?: number | null;
            /** @description Its name. */
            name: string;
            /**
             * Format: date-time
             * @description When it runs by itself next.
             */
            next_run_at?: string | null;
            /** @description When it runs by itself. */
            schedules: components["schemas"]["Schedule"][];
            /** @description Its steps, in order; they count from 1. */
            steps: components["schemas"]["JobStep"][];
            /**
             * Format: date-time
             * @description When it was changed last.
             */
            updated_at: string;
            /**
             * Format: int32
             * @description Its version: 1, and one more with each change.
             */
            version: number;
        };
        /** @description A job to make or replace. */
        JobInput: {
            /** @description What it is for. */
            description?: string | null;
            /**
             * @description May it run?
             * @default true
             */
            enabled: boolean;
            /** @description What happens when a step fails. */
            failure_policy?: components["schemas"]["FailurePolicy"];
            /**
             * Format: int32
             * @description The longest an execution may take from its start, waits included, seconds. Pauses don't count.
             */
            max_duration_sec?: number | null;
            /**
             * Format: int32
             * @description How many of its executions may be queued, running or paused at once. One more is refused; one of a schedule is left
             *     out, or waits where its missed runs are all made up for.
             */
            max_instances?: number | null;
            /** @description Its name; unique. */
            name: string;
            /** @description When it runs by itself. */
            schedules?: components["schemas"]["Schedule"][];
            /** @description Its steps, in order; they count from 1. */
            steps: components["schemas"]["JobStep"][];
        };
        /** @description A step of a job. */
        JobStep: {
            /** @description Its settings. `"context:1.downloaded_file"` anywhere in it takes an output of step 1. */
            config?: Record<string, never>;
            failure_policy?: components["schemas"]["FailurePolicy"] | null;
            /**
             * Format: int32
             * @description The longest it may take over all its attempts and the waits between them, seconds. Pauses don't count.
             */
            max_duration_sec?: number | null;
            /** @description A name for people. */
            name?: string | null;
            /** @description Its type, one of `GET /api/step-types`. */
            step_type: string;
            /**
             * Format: int32
             * @description The longest it may go without progress, that is without a byte, a file or a listed entry, seconds.
             */
            timeout_sec?: number | null;
        };
        /** @description A job as it was at some time. Executions name the version that they run. */
        JobVersion: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Who made it. */
            created_by: string;
            /** @description The job as it was. */
            definition: components["schemas"]["JobInput"];
            /**
             * Format: uuid
             * @description The job.
             */
            job_id: string;
            /**
             * Format: int32
             * @description The version.
             */
            version: number;
        };
        /**
         * @description Whether a key is in use.
         * @enum {string}
         */
        KeyStatus: "active" | "retired" | "deleted";
        /**
         * @description The types of key that Courier makes. Imported RSA keys may have other sizes.
         * @enum {string}
         */
        KeyType: "rsa_2048" | "rsa_3072" | "rsa_4096" | "ed25519" | "ecdsa_256" | "ecdsa_384" | "ecdsa_521";
        /**
         * @description Whether a connection uses a key.
         * @enum {string}
         */
        KeyUse: "active" | "revoked";
        /** @description An SSH algorithm. */
        KnownAlgorithm: {
            /** @description Does FIPS mode allow it? */
            fips: boolean;
            /** @description Its name (`aes128-gcm@openssh.com`). */
            name: string;
            /** @description Why nobody should need it; `null` where it is sound. */
            weak?: string | null;
        };
        /** @description Every SSH algorithm that there is here, the best first. */
        KnownAlgorithms: {
            /** @description Ciphers. */
            encryption: components["schemas"]["KnownAlgorithm"][];
            /** @description Host key signature algorithms. */
            host_key: components["schemas"]["KnownAlgorithm"][];
            /** @description Key exchange methods. */
            key_exchange: components["schemas"]["KnownAlgorithm"][];
            /** @description Message authentication codes. */
            mac: components["schemas"]["KnownAlgorithm"][];
            /** @description The presets: all but the weak ones, all, and those that FIPS mode allows. */
            presets: components["schemas"]["AlgorithmPreset"][];
        };
        /** @description A host key that a connection trusts, or was offered (specification 6.7.1). */
        KnownHost: {
            /** @description Is it approved? If not, the server presented it, and it waits for somebody to. */
            approved: boolean;
            /** @description Who approved it; `system` for trust on first use, `null` if nobody does. */
            approved_by?: string | null;
            /**
             * Format: uuid
             * @description The connection.
             */
            connection_id: string;
            /** @description SHA-256 of the key (`SHA256:…`). */
            fingerprint: string;
            /**
             * Format: date-time
             * @description When it was first presented, or entered.
             */
            first_seen: string;
            /** @description The key's type as SSH names it (`ssh-ed25519`); `null` until the server presented it. */
            key_type?: string | null;
            /**
             * Format: date-time
             * @description When the server last presented it; `null` until it did.
             */
            last_seen?: string | null;
        };
        /** @description Who wants in. */
        LoginRequest: {
            /** @description The user's password. */
            password: components["schemas"]["Secret"];
            /** @description The user's name. */
            username: string;
        };
        /** @description A session that has begun. The answer sets it as a cookie, too. */
        LoginResponse: {
            /**
             * Format: date-time
             * @description When the session ends.
             */
            expires_at: string;
            /** @description For `Authorization: Bearer`. Shown here and never again. */
            token: components["schemas"]["Secret"];
            /** @description Who logged in. */
            user: components["schemas"]["User"];
        };
        /** @description What a pull would take now. */
        MappingDryRun: {
            /**
             * Format: int64
             * @description What would be pulled, bytes.
             */
            bytes: number;
            /** @description How many of each verdict there are, also of files that aren't in the list. */
            counts: {
                [key: string]: number;
            };
            /** @description Files: those that would be pulled or wait for something, and some of the others. */
            files: components["schemas"]["MappingDryRunFile"][];
            /** @description Folders that couldn't be listed. */
            refused: components["schemas"]["RefusedFolder"][];
            /** @description Was the look ended before it had seen all folders? It takes half a minute at most. */
            timed_out: boolean;
            /** @description Are there more files than the list has, or more than were looked at? */
            truncated: boolean;
            /** @description What is in listings and can't be used, in words. */
            unreadable: string[];
        };
        /** @description What would become of one file. */
        MappingDryRunFile: {
            /** @description The key of its object, where it would be pulled and nothing else has that. */
            key?: string | null;
            /**
             * Format: date-time
             * @description When it was changed, as far as the server tells.
             */
            modified?: string | null;
            /** @description Its path. */
            path: string;
            /** @description Why, in words. */
            reason: string;
            /**
             * Format: int64
             * @description Its size, bytes; none where the server doesn't tell.
             */
            size?: number | null;
            /**
             * @description What would become of it: `pull`, `known`, `begun`, `too_young`, `unstable`, `no_marker`, `ignored`, `marker`,
             *     `not_matching`, `link`, `other`, `not_told`.
             */
            verdict: string;
        };
        /**
         * @description What makes a file another one.
         * @enum {string}
         */
        MappingIdentity: "path_and_version" | "path";
        /** @description Who the caller is. */
        Me: {
            /**
             * Format: uuid
             * @description The user's id.
             */
            id?: string | null;
            /** @description Does the caller still have the password that the first start made up? Another one is due. */
            initial_password?: boolean;
            /** @description What the caller may do; that of an API token may be less than its owner's. */
            role: components["schemas"]["Role"];
            /** @description The parts of the API that the caller's token is for; `null` for all. */
            scopes?: string[] | null;
            /** @description The user's name. */
            username: string;
        };
        /**
         * @description What becomes of runs that were due while nothing ran.
         * @enum {string}
         */
        MissedRuns: "once" | "skip" | "all";
        /** @description How much moved: uploads, downloads and pulls together, where not said otherwise. */
        Moved: {
            /**
             * Format: int64
             * @description Bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Files.
             */
            files: number;
        };
        /** @description A token that was just made. */
        NewToken: components["schemas"]["Token"] & {
            /** @description For `Authorization: Bearer`. Shown here and never again. */
            token: components["schemas"]["Secret"];
        };
        /** @description A run to come. */
        NextRun: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /**
             * Format: date-time
             * @description The same on the clocks of the schedule's time zone (`2026-11-23T02:00:00+01:00`).
             */
            local: string;
            /**
             * Format: int64
             * @description Which of the job's `schedules`, from 0.
             */
            schedule: number;
            /** @description That time zone. */
            timezone: string;
        };
        /** @description Schedules that a job might have. */
        NextRunsInput: {
            /**
             * Format: int64
             * @description So many runs are wanted: 5 by default, 100 at most.
             */
            count?: number | null;
            /** @description The schedules. */
            schedules: components["schemas"]["Schedule"][];
        };
        /** @description What is going on. */
        Overview: {
            /** @description What somebody should look at, in words: messages of alerts that nobody got. */
            attention: string[];
            /** @description How many connections there are, by health, which is that of their folder mappings where that is graver. */
            connections: {
                [key: string]: number;
            };
            /** @description How many executions there are, by state; of those that are over, the ones queued in the last 24 hours. */
            executions: {
                [key: string]: number;
            };
            /** @description What ends within 30 days or has ended, the soonest first, 50 at most. */
            expiring?: components["schemas"]["ExpiringItem"][];
            /** @description What moved in the last 24 hours. */
            moved_24h: components["schemas"]["Moved"];
            /** @description What moved in the last 7 days. */
            moved_7d: components["schemas"]["Moved"];
            /** @description What somebody should look at, the gravest first, 50 at most. */
            needs_attention?: components["schemas"]["AttentionItem"][];
            /**
             * Format: int64
             * @description How much there is of that.
             */
            needs_attention_total?: number;
            /** @description What runs by itself next, the earliest first, 10 at most; each schedule once. */
            next_runs: components["schemas"]["UpcomingRun"][];
            /** @description The node that answers. */
            node: string;
            /** @description What folder mappings do. */
            pulls: components["schemas"]["PullsOverview"];
            /** @description The last ones that failed, the newest first, 10 at most. */
            recent_failures: components["schemas"]["Execution"][];
            /** @description Those that run now, the newest first, 20 at most. */
            running: components["schemas"]["Execution"][];
            /** @description Its version. */
            version: string;
            /** @description What is unsafe about how this server is reached, in words. */
            warnings: string[];
        };
        /** @description One page of a list. */
        Page_ActivityHour: {
            /** @description The items. */
            items: components["schemas"]["ActivityHour"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Alert: {
            /** @description The items. */
            items: components["schemas"]["Alert"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_AlertDelivery: {
            /** @description The items. */
            items: components["schemas"]["AlertDelivery"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_AuditEntry: {
            /** @description The items. */
            items: components["schemas"]["AuditEntry"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Connection: {
            /** @description The items. */
            items: components["schemas"]["Connection"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_ConnectionKey: {
            /** @description The items. */
            items: components["schemas"]["ConnectionKey"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Execution: {
            /** @description The items. */
            items: components["schemas"]["Execution"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_FileEntry: {
            /** @description The items. */
            items: components["schemas"]["FileEntry"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_FolderMapping: {
            /** @description The items. */
            items: components["schemas"]["FolderMapping"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Job: {
            /** @description The items. */
            items: components["schemas"]["Job"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_JobVersion: {
            /** @description The items. */
            items: components["schemas"]["JobVersion"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_KnownHost: {
            /** @description The items. */
            items: components["schemas"]["KnownHost"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_NextRun: {
            /** @description The items. */
            items: components["schemas"]["NextRun"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_ProtocolDescription: {
            /** @description The items. */
            items: components["schemas"]["ProtocolDescription"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_PulledFile: {
            /** @description The items. */
            items: components["schemas"]["PulledFile"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Setting: {
            /** @description The items. */
            items: components["schemas"]["Setting"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_SshKey: {
            /** @description The items. */
            items: components["schemas"]["SshKey"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_StepType: {
            /** @description The items. */
            items: components["schemas"]["StepType"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Storage: {
            /** @description The items. */
            items: components["schemas"]["Storage"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_Token: {
            /** @description The items. */
            items: components["schemas"]["Token"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Page_User: {
            /** @description The items. */
            items: components["schemas"]["User"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
        };
        /** @description Another password for oneself. */
        PasswordChange: {
            /** @description The password until now. */
            current_password: components["schemas"]["Secret"];
            /** @description The password from now on. */
            new_password: components["schemas"]["Secret"];
        };
        /** @description What went wrong, as `application/problem+json` (RFC 9457). */
        Problem: {
            /** @description The number that programs should look at. */
            code: components["schemas"]["ErrorCode"];
            /** @description What happened this time, what was expected, and what helps. */
            detail: string;
            /** @description The fields that are wrong; empty where the problem is not about fields. */
            errors?: components["schemas"]["FieldError"][];
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description What the code means, the same text for each occurrence. */
            title: string;
            /**
             * @description A URI reference that names the kind of problem; it ends with the code.
             * @example /problems/1000
             */
            type: string;
        };
        /**
         * @description A file that moves: the data of the event `progress` (specification 6.12). The data of the event `state` is an
         *     [`Execution`].
         */
        Progress: {
            /**
             * Format: int64
             * @description Bytes of this file that have arrived, a resumed part included.
             */
            bytes_transferred: number;
            /** @description The file, as the step names it. */
            current_file: string;
            /**
             * Format: int64
             * @description Seconds left at this rate; none where the size isn't known, or nothing moves.
             */
            eta_sec?: number | null;
            /**
             * Format: int32
             * @description The step's number, from 1.
             */
            step: number;
            /**
             * Format: int64
             * @description The file's size, where it is known.
             */
            total_bytes?: number | null;
            /**
             * Format: double
             * @description Bytes a second over the last five seconds.
             */
            transfer_rate_bytes_per_sec: number;
        };
        /** @description A protocol, and all that its connections take. */
        ProtocolDescription: {
            algorithms?: components["schemas"]["KnownAlgorithms"] | null;
            /** @description How it can authenticate, the recommended way first. */
            auth_methods: components["schemas"]["AuthMethod"][];
            /**
             * Format: int32
             * @description The port where none is given; `null` for a protocol without a host.
             */
            default_port?: number | null;
            /**
             * @description The fields of a connection, in the order in which somebody fills them in; without `name`, `group`, `notes` and `status`,
             *     which all have.
             */
            fields: components["schemas"]["ConnectionField"][];
            /** @description What it is, and when to take it. */
            help: string;
            /** @description Does it move files? Then its connections can be browsed, and have folder mappings. */
            moves_files: boolean;
            /** @description Its name (`sftp`). */
            name: string;
        };
        /** @description A file that was pulled. */
        PulledFile: {
            /** @description What became of the file on the server. */
            after: components["schemas"]["AfterState"];
            /** @description Why, where it isn't plain. */
            after_detail?: string | null;
            /** @description Where it was put, in words: the storage's address at that time, and the key. */
            destination: string;
            /**
             * Format: uuid
             * @description The execution that did, which may be gone since.
             */
            execution_id: string;
            /**
             * Format: uuid
             * @description The entry's id: what a replay names.
             */
            id: string;
            /** @description The object's key there. */
            key: string;
            /**
             * Format: uuid
             * @description The folder mapping that pulled it, which may be gone since.
             */
            mapping_id: string;
            /**
             * Format: date-time
             * @description When it was changed on the server; the beginning of the minute or day where the server tells no more, `null` where it
             *     tells nothing.
             */
            modified?: string | null;
            /** @description The file's path on the server, below the connection's base path, where it has one. */
            path: string;
            /**
             * Format: date-time
             * @description When it was recorded, its object being whole.
             */
            pulled_at: string;
            /**
             * Format: uuid
             * @description The entry that it was pulled anew for.
             */
            replay_of?: string | null;
            /** @description The SHA-256 of its bytes as they were read, 64 hexadecimal digits. */
            sha256: string;
            /**
             * Format: int64
             * @description Its size, bytes.
             */
            size: number;
            /**
             * Format: uuid
             * @description The storage, which may be gone since.
             */
            storage_id: string;
        };
        /** @description What folder mappings do. */
        PullsOverview: {
            /** @description How many pull by themselves, by health. */
            mappings: {
                [key: string]: number;
            };
            /** @description Those that are due next, the earliest first, 10 at most. */
            next: components["schemas"]["UpcomingPull"][];
            /** @description What was pulled in the last 24 hours. */
            pulled_24h: components["schemas"]["Moved"];
            /** @description What was pulled in the last 7 days. */
            pulled_7d: components["schemas"]["Moved"];
        };
        /** @description When messages wait. */
        QuietHours: {
            /** @description From this time of day: `22:00`. */
            from: string;
            /** @description The time zone, by its IANA name; UTC where none is given. */
            timezone?: string;
            /** @description To this one, of the next day where it is earlier or the same. */
            to: string;
            /** @description The days on which they begin; every day where none is named. */
            weekdays?: components["schemas"]["Weekday"][];
        };
        /** @description A folder that couldn't be listed. */
        RefusedFolder: {
            /** @description The folder. */
            path: string;
            /** @description Why, in words. */
            reason: string;
        };
        /** @description Files that can't be pulled anew. */
        RefusedReplays: {
            /**
             * Format: int64
             * @description How many.
             */
            count: number;
            /** @description Why, and what to do. */
            reason: string;
        };
        /** @description Which files are to be pulled anew: at least one of these. */
        ReplayInput: {
            /**
             * Format: uuid
             * @description Only what this execution pulled.
             */
            execution_id?: string | null;
            /**
             * Format: uuid
             * @description Only what this folder mapping pulled.
             */
            mapping_id?: string | null;
            /** @description Only files with this in their path. Reads the whole history of the connection where few have it. */
            path?: string | null;
            /** @description Only files whose path begins so, e.g. with a folder: fast, however long the history is. */
            prefix?: string | null;
            /** @description Only files with these bytes, by their SHA-256: 64 hexadecimal digits. */
            sha256?: string | null;
            /**
             * Format: date-time
             * @description Only what was pulled at this time or later.
             */
            since?: string | null;
            /**
             * Format: date-time
             * @description Only what was pulled before this time.
             */
            until?: string | null;
        };
        /** @description What a wish to pull files anew has led to. */
        Replays: {
            /**
             * Format: int64
             * @description How many files will be pulled that nobody had asked for yet.
             */
            count: number;
            /** @description The executions that pull them. */
            executions: components["schemas"]["Execution"][];
            /** @description What can't be pulled. */
            refused: components["schemas"]["RefusedReplays"][];
        };
        /** @description How to take a key from a connection. */
        RevokeKey: {
            /** @description Even if it is the last one, or the one that was last used. */
            force?: boolean;
        };
        /**
         * @description What somebody may do. Each role may all that the one before it may.
         * @enum {string}
         */
        Role: "viewer" | "operator" | "admin";
        /** @description When a job runs by itself: `cron`, or `at`. */
        Schedule: {
            /**
             * Format: date-time
             * @description Once, at this time.
             */
            at?: string | null;
            /**
             * @description A cron expression: minute, hour, day of the month, month, day of the week; or six fields, with the seconds first.
             *     `L`, `W`, `#`, names and `@daily` and its like are known.
             */
            cron?: string | null;
            /**
             * @description What becomes of runs that were due while nothing ran.
             * @default once
             */
            missed: components["schemas"]["MissedRuns"];
            /** @description The time zone whose clocks count (`Europe/Berlin`), also for dates in paths; UTC where none is given. */
            timezone?: string | null;
        };
        /**
         * Format: password
         * @description A secret text.
         */
        Secret: string;
        /** @description A server's certificate as it was seen last. */
        ServerCertificate: {
            /** @description Who signed it. */
            issuer: string;
            /**
             * Format: date-time
             * @description When it ends.
             */
            not_after: string;
            /** @description Whom it is for. */
            subject: string;
            /** @description SHA-256 of the certificate, hex with colons. */
            thumbprint_sha256: string;
        };
        /** @description A setting, described. */
        Setting: {
            /** @description The words that it may be, for `choice`. */
            choices?: string[] | null;
            /** @description What it is when nobody set it. */
            default: unknown;
            /** @description Is there a value? */
            has_value: boolean;
            /** @description What it does. */
            help: string;
            /** @description Its name (`security.fips_mode_enabled`). */
            key: string;
            /**
             * Format: int64
             * @description The largest number, for `integer`.
             */
            max?: number | null;
            /**
             * Format: int64
             * @description The smallest number, for `integer`.
             */
            min?: number | null;
            /** @description Is it never shown? */
            secret?: boolean;
            /** @description What it holds: `bool`, `integer`, `text`, `choice` … */
            type: string;
            /** @description What it is now; `null` of a secret, which is never shown. */
            value: unknown;
        };
        /** @description A new value for a setting. */
        SettingInput: {
            /** @description The value, of the setting's type. */
            value: unknown;
        };
        /** @description Which algorithms SSH may use: a preset, or lists (specification 6.14), or both. A list given replaces the preset's. */
        SshAlgorithms: {
            /** @description Ciphers, the best first. */
            encryption?: string[] | null;
            /** @description Host key signature algorithms, the best first. */
            host_key?: string[] | null;
            /** @description Key exchange methods, the best first. */
            key_exchange?: string[] | null;
            /** @description Message authentication codes, the best first. */
            mac?: string[] | null;
            /** @description `default`, `legacy` or `fips`. */
            preset?: string | null;
        };
        /** @description A key of the store; its private half never leaves it. */
        SshKey: {
            /**
             * Format: date-time
             * @description When it was generated or imported.
             */
            created_at: string;
            /** @description Who did that. */
            created_by: string;
            /** @description SHA-256 of the public key (`SHA256:…`). */
            fingerprint: string;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description Its type: one of those that can be generated, or `rsa_` and another size. */
            key_type: string;
            /**
             * Format: date-time
             * @description When a server last accepted it.
             */
            last_used_at?: string | null;
            /** @description Its name. */
            name: string;
            /** @description Free text, for example which servers accept it. */
            notes?: string | null;
            /** @description One `authorized_keys` line. */
            public_key: string;
            /** @description Whether connections may use it. */
            status: components["schemas"]["KeyStatus"];
            /** @description The connections that use it. */
            used_by?: string[];
        };
        /** @description What to change of a key; what is not given stays. */
        SshKeyInput: {
            /** @description A new name. */
            name?: string | null;
            /** @description New notes; `null` clears them. */
            notes?: string | null;
        };
        /** @description A state that an execution came to. */
        StateChange: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /** @description The node that had it then. */
            node?: string | null;
            /** @description Why, where the state doesn't say it: a node died, a step runs again. */
            reason?: string | null;
            /** @description The state. */
            state: components["schemas"]["ExecutionState"];
        };
        /** @description How far a step is as a whole: the data of the event `summary`. */
        StepProgress: {
            /**
             * Format: int64
             * @description Bytes moved until now.
             */
            bytes_transferred: number;
            /**
             * Format: int64
             * @description Files moved until now.
             */
            files_transferred: number;
            /**
             * Format: int32
             * @description The step's number, from 1.
             */
            step: number;
            /**
             * Format: double
             * @description Bytes a second over the last five seconds, of all its files together.
             */
            transfer_rate_bytes_per_sec: number;
        };
        /**
         * @description Where a step is.
         * @enum {string}
         */
        StepState: "pending" | "running" | "completed" | "failed" | "skipped";
        /** @description A kind of step, described. */
        StepType: {
            /** @description What it does. */
            help: string;
            /** @description The settings that also take a reference to a list of files (`context:1.files`). */
            lists?: string[];
            /** @description What later steps can take from it (`downloaded_file`). */
            outputs?: string[];
            /** @description The protocol that its connection must have; `null` for any. */
            protocol?: string | null;
            /** @description The settings that its `config` takes. */
            settings: components["schemas"]["StepTypeSetting"][];
            /** @description Its name (`sftp.upload`). */
            step_type: string;
        };
        /** @description A setting of a kind of step. */
        StepTypeSetting: {
            /** @description The words that it may be, for `choice`. */
            choices?: string[] | null;
            /** @description What it is when not given. */
            default?: unknown;
            /** @description What it does. */
            help: string;
            /**
             * Format: int64
             * @description The largest number, for `integer`.
             */
            max?: number | null;
            /**
             * Format: int64
             * @description The smallest number, for `integer`.
             */
            min?: number | null;
            /** @description Its name. */
            name: string;
            /** @description Must it be given? */
            required: boolean;
            /** @description What it holds: `text`, `bool`, `integer`, `choice`, `connection`, `remote_path`, `local_path` … */
            type: string;
        };
        /** @description A place where pulled files go. Only an admin sees more of it than `id`, `name` and `scheme`. */
        Storage: (components["schemas"]["StorageDetails"] | null) & {
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /** @description Its name, unique. Folder mappings that name no storage use the one that is called `default`. */
            name: string;
            /** @description What kind it is: `file`, `s3`, `azblob`, `gcs`. */
            scheme: string;
        };
        /** @description What only an admin sees of a storage. */
        StorageDetails: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /** @description Are there credentials? */
            has_credentials: boolean;
            /**
             * Format: date-time
             * @description When it was changed last.
             */
            updated_at: string;
            /** @description Where it is. */
            url: string;
            /** @description What is insecure or doesn't work about it, in words. */
            warnings: string[];
        };
        /** @description A storage to make. */
        StorageInput: {
            /**
             * @description What it is opened with. `s3`: `access_key_id`, `secret_access_key`, `session_token`; `azblob`: `account_name` and
             *     `account_key` or `sas_token`; `gcs`: `service_account`, the key file's JSON; `file`: none.
             */
            credentials?: Record<string, never> | null;
            /** @description Its name, unique. */
            name: string;
            /**
             * @description `file:///folder`, `s3://bucket/prefix`, `azblob://container/prefix` or `gcs://bucket/prefix`; stores elsewhere than the
             *     provider's own have `?endpoint=https://…`, and S3 a `region=…`.
             */
            url: string;
        };
        /** @description What changes of a storage; the rest stays. */
        StoragePatch: {
            /** @description What it is opened with; `null` takes it away. */
            credentials?: Record<string, never> | null;
            /** @description Its name, unique. */
            name?: string | null;
            /**
             * @description Where it is. Credentials are for one server and bucket: those that were there are forgotten where that changes, unless
             *     new ones are given. What was pulled until now stays where it is.
             */
            url?: string | null;
        };
        /** @description What a test of a storage has shown. */
        StorageTest: {
            /** @description What worked: `write`, `no_overwrite`, `read`, `remove`. Where one of them failed, the message says which. */
            checked: string[];
            /**
             * Format: int64
             * @description How long it took, milliseconds.
             */
            duration_ms: number;
            error_code?: components["schemas"]["ErrorCode"] | null;
            /** @description Why not, and what helps. */
            error_message?: string | null;
            /** @description Could a small object be written, read and removed? */
            success: boolean;
            /** @description What is insecure or doesn't work about the storage, in words. */
            warnings: string[];
        };
        /** @description A storage to test before it is kept. */
        StorageTestInput: {
            /** @description What it is opened with. */
            credentials?: Record<string, never> | null;
            /** @description Where it is. */
            url: string;
        };
        /** @description One thing that a test looked at. */
        TestCheck: {
            /** @description What was found, or what is wrong and what helps. */
            message: string;
            /** @description Which: `host` (the function app and its key), `token` (tenant, client and secret), `workspace` (Log Analytics). */
            name: string;
            /** @description Is it as it should be? */
            success: boolean;
        };
        /** @description The result of a test (specification 6.11). A test that fails tells whatever was learnt until then. */
        TestResult: {
            algorithms?: components["schemas"]["Algorithms"] | null;
            capabilities?: components["schemas"]["Capabilities"] | null;
            /**
             * @description What was looked at one by one, each whatever the others say (Azure Functions: `host`, `token`, `workspace`); empty for
             *     servers with files.
             */
            checks?: components["schemas"]["TestCheck"][];
            error_code?: components["schemas"]["ErrorCode"] | null;
            /** @description Why it failed, what was expected and seen, and what helps. */
            error_message?: string | null;
            /** @description The host key that the server presented (SFTP). */
            host_key_fingerprint?: string | null;
            /**
             * Format: int64
             * @description Round trip of one request, milliseconds.
             */
            latency_ms?: number | null;
            /** @description What was agreed on with the server, and what of that is weak. */
            negotiated?: string | null;
            /** @description How the server names itself (`OpenSSH_9.6`, `Azure Functions 4.1037.0 (Running)`). */
            server_banner?: string | null;
            /** @description Did it connect, authenticate and list the base folder; for Azure Functions, did every check succeed? */
            success: boolean;
            /** @description All of the server's algorithms in one list (SFTP). */
            supported_algorithms: string[];
            tls_certificate?: components["schemas"]["TlsCertificate"] | null;
            /** @description What is insecure or weak about the connection, in words. */
            warnings?: string[];
            /** @description Those of the server's algorithms, and of the agreed ones, that are weak. */
            weak_algorithms?: components["schemas"]["WeakAlgorithm"][];
        };
        /**
         * @description Which certificates are accepted (specification 6.3.2).
         * @enum {string}
         */
        TlsCertPolicy: "system_trust" | "pinned_thumbprint" | "insecure";
        /** @description A server's certificate. */
        TlsCertificate: {
            /** @description Who signed it. */
            issuer: string;
            /**
             * Format: date-time
             * @description When it ends.
             */
            not_after: string;
            /** @description What the system's trust store, the time and the name say against it, in words, or `None`. */
            policy_errors: string;
            /** @description Whom it is for. */
            subject: string;
            /** @description SHA-256 of the certificate, hex with colons. */
            thumbprint_sha256: string;
        };
        /**
         * @description The oldest TLS version that is accepted (specification 6.13).
         * @enum {string}
         */
        TlsVersionFloor: "tls_1_0" | "tls_1_1" | "tls_1_2" | "tls_1_3";
        /** @description An API token, without the text that it is used by. */
        Token: {
            /**
             * Format: date-time
             * @description When it was made.
             */
            created_at: string;
            /**
             * Format: date-time
             * @description When it ends; `null` for never.
             */
            expires_at?: string | null;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * Format: date-time
             * @description When it was last used.
             */
            last_used_at?: string | null;
            /** @description What it is for. */
            name: string;
            /** @description What it may do. */
            role: components["schemas"]["Role"];
            /** @description The parts of the API that it is for, such as `jobs` or `executions:read`; `null` for all. */
            scopes?: string[] | null;
            /**
             * Format: uuid
             * @description The user whom it belongs to.
             */
            user_id: string;
        };
        /** @description A token to make. */
        TokenInput: {
            /**
             * Format: date-time
             * @description When it ends; never, if not given.
             */
            expires_at?: string | null;
            /** @description What it is for; unique. */
            name: string;
            role?: components["schemas"]["Role"] | null;
            /**
             * @description The parts of the API that it is for; all, if not given. A part is a tag of this document, such as `jobs`, for
             *     everything in it that the role may, or with `:read` behind it, such as `executions:read`, for `GET` only.
             */
            scopes?: string[] | null;
        };
        /** @description One line of what a function wrote, as Log Analytics keeps it. */
        Trace: {
            /** @description The text. */
            message: string;
            /**
             * Format: int64
             * @description How grave it is: 0 verbose, 1 information, 2 warning, 3 error, 4 critical; `null` where that isn't known.
             */
            severity_level?: number | null;
            /**
             * Format: date-time
             * @description When it was written.
             */
            timestamp: string;
        };
        /** @description One page of what a function wrote, oldest first. Lines arrive in the workspace with a delay, and not always in order. */
        Traces: {
            /** @description The lines. */
            items: components["schemas"]["Trace"][];
            /** @description What to give as `cursor` for the next page; `null` on the last one. */
            next_cursor?: string | null;
            /** @description The workspace gave less than it has, by its own account. */
            partial: boolean;
        };
        /**
         * @description What becomes of line ends on the way.
         * @enum {string}
         */
        TransferType: "binary" | "ascii";
        /** @description A folder mapping that pulls by itself, and when. */
        UpcomingPull: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /**
             * Format: uuid
             * @description Its connection.
             */
            connection_id: string;
            /** @description The connection's name. */
            connection_name: string;
            /**
             * Format: uuid
             * @description The folder mapping.
             */
            mapping_id: string;
            /** @description Its name. */
            mapping_name: string;
        };
        /** @description A run to come, of any job. */
        UpcomingRun: {
            /**
             * Format: date-time
             * @description When.
             */
            at: string;
            /**
             * Format: uuid
             * @description The job.
             */
            job_id: string;
            /** @description Its name. */
            job_name: string;
            /**
             * Format: date-time
             * @description The same on the clocks of the schedule's time zone.
             */
            local: string;
            /** @description That time zone. */
            timezone: string;
        };
        /** @description A user. */
        User: {
            /**
             * Format: date-time
             * @description When the user was made.
             */
            created_at: string;
            /** @description May the user not log in? */
            disabled: boolean;
            /**
             * Format: uuid
             * @description Its id.
             */
            id: string;
            /**
             * Format: date-time
             * @description The last login.
             */
            last_login_at?: string | null;
            /** @description What the user may do. */
            role: components["schemas"]["Role"];
            /**
             * Format: date-time
             * @description When it was last changed.
             */
            updated_at: string;
            /** @description The name to log in with. */
            username: string;
        };
        /** @description A user to make. */
        UserInput: {
            /** @description The password. */
            password: components["schemas"]["Secret"];
            /** @description What the user may do. */
            role: components["schemas"]["Role"];
            /** @description The name to log in with; unique without regard to case. */
            username: string;
        };
        /** @description What to change of a user; what is not given stays. */
        UserPatch: {
            /** @description May the user not log in? `true` ends the user's sessions. */
            disabled?: boolean | null;
            password?: components["schemas"]["Secret"] | null;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description An algorithm that nobody should need. */
        WeakAlgorithm: {
            /** @description Its name (`3des-cbc`). */
            name: string;
            /** @description What is wrong with it. */
            why: string;
        };
        /**
         * @description A day of the week.
         * @enum {string}
         */
        Weekday: "mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun";
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    overview_activity: {
        parameters: {
            query?: {
                /** @description How many hours, the one that runs included: 168 by default, 744 at most. */
                hours?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The hours */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ActivityHour"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_list: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Alerts, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Alert"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The alert */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_replace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AlertInput"];
            };
        };
        responses: {
            /** @description Replaced */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert */
                id: string;
            };
            cookie?: never;
        };
        /** @description The fields of an alert that change */
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Alert"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_deliveries: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The alert */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Messages, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AlertDelivery"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    alerts_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The alert */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What became of it */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AlertTrial"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    audit_list: {
        parameters: {
            query?: {
                /** @description Entries on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this operation. */
                operation?: string;
                /** @description Only on this connection. */
                connection_id?: string;
                /** @description Only in this execution. */
                job_execution_id?: string;
                /** @description Only at this time or later. */
                since?: string;
                /** @description Only before this time. */
                until?: string;
                /** @description Only what this user did. */
                performed_by?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Entries, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AuditEntry"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    audit_export: {
        parameters: {
            query?: {
                /** @description The form: `jsonl` (the default) or `csv`. */
                format?: components["schemas"]["ExportFormat"];
                /** @description Only this operation. Seals (`audit_sealed`) come only where they are asked for here. */
                operation?: string;
                /** @description Only on this connection. */
                connection_id?: string;
                /** @description Only in this execution. */
                job_execution_id?: string;
                /** @description Only at this time or later. */
                since?: string;
                /** @description Only before this time. */
                until?: string;
                /** @description Only what this user did. */
                performed_by?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Entries, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                    "text/csv": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    audit_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What was found, also where something is wrong */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["AuditReport"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auth_first_start: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description How to log in for the first time */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FirstStart"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auth_login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginRequest"];
            };
        };
        responses: {
            /** @description The session has begun */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["LoginResponse"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auth_logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The session has ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auth_me: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    auth_change_password: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["PasswordChange"];
            };
        };
        responses: {
            /** @description Changed */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_list: {
        parameters: {
            query?: {
                /** @description Connections on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only with this in their name or host, in either case. */
                search?: string;
                /** @description Only of this group. */
                group?: string;
                /** @description Only of this protocol. */
                protocol?: string;
                /** @description Only with this status. */
                status?: components["schemas"]["ConnectionStatus"];
                /** @description Only with this health. */
                health?: components["schemas"]["Health"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Connections, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Connection"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_test_unsaved: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionInput"];
            };
        };
        responses: {
            /** @description What the test found out; `success` says how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestResult"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The connection */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_replace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionInput"];
            };
        };
        responses: {
            /** @description Replaced */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ConnectionInput"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Connection"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    audit_of_connection: {
        parameters: {
            query?: {
                /** @description Entries on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only this operation. */
                operation?: string;
                /** @description Only on this connection. */
                connection_id?: string;
                /** @description Only in this execution. */
                job_execution_id?: string;
                /** @description Only at this time or later. */
                since?: string;
                /** @description Only before this time. */
                until?: string;
                /** @description Only what this user did. */
                performed_by?: string;
            };
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Entries, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_AuditEntry"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_files: {
        parameters: {
            query?: {
                /** @description The folder; by default the base path or the login folder. */
                path?: string;
            };
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the folder holds, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_FileEntry"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_of_connection: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Folder mappings, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_FolderMapping"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_create: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FolderMappingInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderMapping"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_dry_run_unsaved: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["FolderMappingInput"];
            };
        };
        responses: {
            /** @description What would be pulled, and why not the rest */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MappingDryRun"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_history: {
        parameters: {
            query?: {
                /** @description Entries on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only files with this in their path. Reads the whole history of the connection where few have it. */
                path?: string;
                /** @description Only files whose path begins so, e.g. with a folder: fast, however long the history is. */
                prefix?: string;
                /** @description Only what this folder mapping pulled. */
                mapping_id?: string;
                /** @description Only what this execution pulled. */
                execution_id?: string;
                /** @description Only what was pulled at this time or later. */
                since?: string;
                /** @description Only what was pulled before this time. */
                until?: string;
                /** @description Only files with these bytes, by their SHA-256: 64 hexadecimal digits. */
                sha256?: string;
            };
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Files, the last that was pulled first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_PulledFile"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_export_history: {
        parameters: {
            query?: {
                /** @description The form: `jsonl` (the default) or `csv`. */
                format?: components["schemas"]["ExportFormat"];
                /** @description Only files with this in their path. Reads the whole history of the connection where few have it. */
                path?: string;
                /** @description Only files whose path begins so, e.g. with a folder: fast, however long the history is. */
                prefix?: string;
                /** @description Only what this folder mapping pulled. */
                mapping_id?: string;
                /** @description Only what this execution pulled. */
                execution_id?: string;
                /** @description Only what was pulled at this time or later. */
                since?: string;
                /** @description Only what was pulled before this time. */
                until?: string;
                /** @description Only files with these bytes, by their SHA-256: 64 hexadecimal digits. */
                sha256?: string;
            };
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Files, the last that was pulled first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/x-ndjson": string;
                    "text/csv": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_replay_all: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplayInput"];
            };
        };
        responses: {
            /** @description Queued, or running */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Replays"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_history_entry: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
                /** @description The entry */
                entry_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The file */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PulledFile"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_replay: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
                /** @description The entry */
                entry_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Queued, or running */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_approve_host_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ApproveHostKey"];
            };
        };
        responses: {
            /** @description Approved */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["KnownHost"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_keys: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Keys, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ConnectionKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_add_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddConnectionKey"];
            };
        };
        responses: {
            /** @description Given */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_revoke_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
                /** @description The key */
                key_id: string;
            };
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RevokeKey"] | null;
            };
        };
        responses: {
            /** @description Taken */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ConnectionKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_known_hosts: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Host keys */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_KnownHost"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The connection */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the test found out; `success` says how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["TestResult"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    overview_events: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_list: {
        parameters: {
            query?: {
                /** @description Executions on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only of this job. */
                job_id?: string;
                /** @description Only of this folder mapping. */
                mapping_id?: string;
                /** @description Only in this state, or in one of several: `failed,cancelled`. */
                state?: string;
                /** @description Only those that this user started, or `schedule`. */
                triggered_by?: string;
                /** @description Only scheduled pulls that are done and found nothing (`true`), or only all others (`false`). */
                uneventful?: boolean;
                /** @description Only with this in their job's or folder mapping's name, in either case. */
                search?: string;
                /** @description Only those asked for at this time or later. */
                since?: string;
                /** @description Only those asked for before this time. */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Executions, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The execution */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The execution */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_cancel: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The execution */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It ends */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_watch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The execution */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The events */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_pause: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The execution */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It pauses */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_resume: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The execution */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description It is queued again */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    executions_traces: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                /** @description The execution */
                id: string;
                /** @description The step, from 1 */
                index: number;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Lines, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Traces"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_list: {
        parameters: {
            query?: {
                /** @description Folder mappings on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only those of this connection. */
                connection_id?: string;
                /** @description Only those whose files go to this storage. */
                storage_id?: string;
                /** @description Only those in this health. */
                health?: components["schemas"]["Health"];
                /** @description Only those that pull by themselves, or don't. */
                enabled?: boolean;
                /** @description Only with this in their name, in either case. */
                search?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Folder mappings, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_FolderMapping"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder mapping */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The folder mapping */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderMapping"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder mapping */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder mapping */
                id: string;
            };
            cookie?: never;
        };
        /** @description The fields of a folder mapping that change */
        requestBody: {
            content: {
                "application/json": Record<string, never>;
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["FolderMapping"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_dry_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder mapping */
                id: string;
            };
            cookie?: never;
        };
        /** @description The fields that would change; none for the mapping as it is */
        requestBody?: {
            content: {
                "application/json": Record<string, never> | null;
            };
        };
        responses: {
            /** @description What would be pulled now, and why not the rest */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["MappingDryRun"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    folder_mappings_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The folder mapping */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Queued, or running */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_list: {
        parameters: {
            query?: {
                /** @description Jobs on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only with this in their name, in either case. */
                search?: string;
                /** @description Only those that may run, or may not. */
                enabled?: boolean;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Jobs, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Job"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_preview_runs: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NextRunsInput"];
            };
        };
        responses: {
            /** @description Runs to come, the earliest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_NextRun"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_replace: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["JobInput"];
            };
        };
        responses: {
            /** @description Replaced */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_next_runs: {
        parameters: {
            query?: {
                /** @description So many runs: 5 by default, 100 at most. */
                count?: number;
            };
            header?: never;
            path: {
                /** @description The job */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Runs to come, the earliest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_NextRun"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_run: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Queued */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Execution"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_versions: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The job */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Versions, the newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_JobVersion"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    overview_get: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the first page shows */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Overview"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    connections_protocols: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Protocols, by name */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_ProtocolDescription"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settings_list: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description All settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Setting"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settings_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The setting's name */
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The setting */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Setting"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    settings_set: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The setting's name */
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SettingInput"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Setting"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_list: {
        parameters: {
            query?: {
                /** @description Keys on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description Only with this status. */
                status?: components["schemas"]["KeyStatus"];
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Keys, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_generate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["GenerateKey"];
            };
        };
        responses: {
            /** @description Generated */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_import: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ImportKey"];
            };
        };
        responses: {
            /** @description Imported */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The key */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_update: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["SshKeyInput"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_activate: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Active */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_public_key: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The line */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    ssh_keys_retire: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The key */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Retired */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SshKey"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    jobs_step_types: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Step types */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_StepType"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_list: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Storages, the oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Storage"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StorageInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Storage"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_test_unsaved: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StorageTestInput"];
            };
        };
        responses: {
            /** @description What the test has shown; `success` says how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StorageTest"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The storage */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The storage */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Storage"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The storage */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_patch: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The storage */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["StoragePatch"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Storage"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    storages_test: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The storage */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What the test has shown; `success` says how it went */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StorageTest"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens_list: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Tokens, without their text */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_Token"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["TokenInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    tokens_revoke: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The token */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Ended */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    users_list: {
        parameters: {
            query?: {
                /** @description Items on the page: 50 by default, 1000 at most. */
                limit?: number;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Users, oldest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Page_User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    users_create: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserInput"];
            };
        };
        responses: {
            /** @description Made */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    users_get: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The user */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    users_delete: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user */
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Deleted */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    users_update: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The user */
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UserPatch"];
            };
        };
        responses: {
            /** @description Changed */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
            /** @description What went wrong */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
