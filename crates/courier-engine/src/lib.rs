//! Jobs, executions, steps, sessions, trust, secrets.
