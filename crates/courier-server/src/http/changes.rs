//! Who shows something learns that somebody changed it.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use uuid::Uuid;

use super::AppState;

/// Tells watchers what a request that succeeded may have changed. What it did is in the audit log, too.
pub(crate) async fn tell(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if response.status().is_success()
        && let Some((what, id)) = subject(&path)
    {
        state.engine.changed(what, id);
        state.engine.changed("audit", None);
    }
    response
}

/// The noun of an address, and which one of them; nothing for questions that are asked by a body.
fn subject(path: &str) -> Option<(&str, Option<Uuid>)> {
    if path.ends_with("/next-runs") || path.ends_with("/dry-run") {
        return None;
    }
    let mut parts = path.strip_prefix("/api/")?.split('/');
    let what = parts.next().filter(|what| !what.is_empty())?;
    Some((what, parts.next().and_then(|id| id.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_what_it_is_about() {
        let id = Uuid::from_u128(7);
        for (path, expected) in [
            ("/api/jobs", Some(("jobs", None))),
            ("/api/auth/login", Some(("auth", None))),
            ("/api/folder-mappings/", Some(("folder-mappings", None))),
            ("/api/settings/security.fips", Some(("settings", None))),
            ("/api/jobs/next-runs", None),
            ("/api/", None),
            ("/other", None),
        ] {
            assert_eq!(subject(path), expected, "{path}");
        }
        let path = format!("/api/connections/{id}/host-key/approve");
        assert_eq!(subject(&path), Some(("connections", Some(id))));
    }
}
