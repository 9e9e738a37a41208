//! Who may call what: decided here, and nowhere else.
//!
//! A route gets into the router only through [`Api::at`], which takes the least role for it. So there is no route
//! without a decision, and the list of decisions is [`crate::routes`].

use axum::{
    Extension, Router,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use courier_api::{CONTENT_TYPE, ErrorCode, SCOPES};
use courier_engine::{Actor, Role};
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, ResponseBuilder,
    path::{Operation, PathItem},
    security::SecurityRequirement,
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::{AppState, Client, cookie, problem::ApiError};

/// The least that a caller must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Anybody who is known.
    Viewer,
    /// An operator or an admin.
    Operator,
    /// An admin.
    Admin,
}

impl Access {
    fn least_role(self) -> Option<Role> {
        match self {
            Self::Public => None,
            Self::Viewer => Some(Role::Viewer),
            Self::Operator => Some(Role::Operator),
            Self::Admin => Some(Role::Admin),
        }
    }
}

/// Who may call a route.
#[derive(Clone, Copy, Debug)]
struct Rule {
    access: Access,
    /// What a token with scopes needs one of: the group that the document puts the route into. A route without one is for
    /// no such token.
    scope: Option<&'static str>,
}

/// The one route that a token may call whatever its scopes.
const ALWAYS: &str = "/api/auth/me";

/// The token that a caller came in by, for logging out.
#[derive(Clone)]
pub(crate) struct Credential(pub(crate) String);

/// A router whose routes all have their least role.
#[derive(Clone)]
pub(crate) struct Api {
    state: AppState,
    router: OpenApiRouter<AppState>,
}

impl Api {
    pub(crate) fn new(state: AppState, openapi: OpenApi) -> Self {
        Self {
            state,
            router: OpenApiRouter::with_openapi(openapi),
        }
    }

    /// Adds routes for callers who are at least this.
    pub(crate) fn at(mut self, access: Access, routes: UtoipaMethodRouter<AppState>) -> Self {
        let (schemas, mut paths, methods) = routes;
        let mut rule = Rule { access, scope: None };
        for operation in paths.paths.values_mut().flat_map(operations) {
            rule.scope = scope_of(operation);
            document(operation, access);
        }
        let check = middleware::from_fn_with_state((self.state.clone(), rule), authorize);
        self.router = self.router.routes((schemas, paths, methods.route_layer(check)));
        self
    }

    /// The router and its document.
    pub(crate) fn into_parts(self) -> (Router<AppState>, OpenApi) {
        self.router.split_for_parts()
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        patch,
        delete,
        ..
    } = item;
    [get, put, post, patch, delete].into_iter().flatten()
}

/// What every operation's document says: who may call it, and how it fails.
fn document(operation: &mut Operation, access: Access) {
    let least = match access {
        Access::Public => "Needs no login.",
        Access::Viewer => "Needs the role viewer.",
        Access::Operator => "Needs the role operator.",
        Access::Admin => "Needs the role admin.",
    };
    let description = operation.description.get_or_insert_default();
    if !description.is_empty() {
        description.push_str("\n\n");
    }
    description.push_str(least);
    // Handlers are called `list` in every file; clients need names of their own.
    if let (Some(id), Some(tag)) = (&operation.operation_id, operation.tags.iter().flatten().next()) {
        operation.operation_id = Some(format!("{}_{id}", tag.replace('-', "_")));
    }
    operation.security = Some(match access {
        Access::Public => vec![SecurityRequirement::default()],
        _ => ["bearer", "cookie"]
            .map(|name| SecurityRequirement::new::<_, [&str; 0], &str>(name, []))
            .into(),
    });
    let problem = ResponseBuilder::new()
        .description("What went wrong")
        .content(
            CONTENT_TYPE,
            ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build(),
        )
        .build();
    operation
        .responses
        .responses
        .insert("default".into(), problem.into());
}

/// The group that tokens are given scopes for.
fn scope_of(operation: &Operation) -> Option<&'static str> {
    let tag = operation.tags.iter().flatten().next()?;
    SCOPES.iter().find(|scope| *scope == tag).copied()
}

async fn authorize(
    State((state, rule)): State<(AppState, Rule)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(least) = rule.access.least_role() else {
        return next.run(request).await;
    };
    let client = Client::of(&request);
    match authenticate(&state, request.method(), request.headers(), client).await {
        Err(error) => error.into_response(),
        Ok((actor, _)) if actor.role < least => ApiError::new(
            ErrorCode::InsufficientPermissions,
            format!(
                "this needs the role {least}, and {} has the role {}",
                actor.name, actor.role
            ),
        )
        .into_response(),
        Ok((actor, _)) if !is_in_scope(&actor, rule, &request) => ApiError::new(
            ErrorCode::InsufficientPermissions,
            format!(
                "this token of {} has no scope for this; it needs {}",
                actor.name,
                rule.scope.unwrap_or("to be one without scopes")
            ),
        )
        .into_response(),
        Ok((actor, credential)) => {
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(credential);
            next.run(request).await
        }
    }
}

/// Is the caller held to nothing else by the token that they came by?
fn is_in_scope(actor: &Actor, rule: Rule, request: &Request) -> bool {
    let Some(token) = &actor.token else { return true };
    let looks = request.method() == Method::GET || request.method() == Method::HEAD;
    token.allow(rule.scope.unwrap_or_default(), looks) || (looks && request.uri().path() == ALWAYS)
}

/// Who calls, by a bearer token or else by the cookie.
async fn authenticate(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    client: Client,
) -> Result<(Actor, Credential), ApiError> {
    let token = match headers.get(header::AUTHORIZATION) {
        Some(value) => bearer(value.to_str().unwrap_or_default()),
        None => {
            let token = cookie::session(headers, client);
            let follows_link = method.is_safe() && is_page(headers);
            if token.is_some() && !follows_link && is_cross_site(headers, client) {
                return Err(ApiError::new(
                    ErrorCode::InsufficientPermissions,
                    "this request comes from another site, so the session cookie does not count",
                ));
            }
            token
        }
    };
    let Some(token) = token else {
        return Err(ApiError::new(
            ErrorCode::AuthenticationRequired,
            "log in at POST /api/auth/login, then send Authorization: Bearer TOKEN",
        ));
    };
    let actor = state.engine.auth().authenticate(token).await?;
    Ok((actor, Credential(token.to_owned())))
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Does a browser want this for a page of its own, as after a click on a link? Then whose link it was doesn't matter: the
/// other site sees nothing of it. An image or a frame of another page is no such thing: a host's other ports, and its
/// neighbours in a domain, are the same site to `SameSite`, and looking at a partner's files has effects, too.
fn is_page(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-dest")
        .is_some_and(|destination| destination == "document")
}

/// Does a browser say that another site sent this? Browsers always send one of the two headers with an unsafe method;
/// a caller that sends none of them is no browser, and nobody's cookie can be borrowed there.
fn is_cross_site(headers: &HeaderMap, client: Client) -> bool {
    let text = |name| {
        headers
            .get(name)
            .map(|value: &header::HeaderValue| value.to_str().unwrap_or_default())
    };
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return !matches!(site, "same-origin" | "none");
    }
    match text(header::ORIGIN) {
        None => false,
        Some(origin) => {
            let Some((scheme, host)) = origin.split_once("://") else {
                return true;
            };
            // The same name in clear is anybody's who is near.
            (client.secure && scheme != "https") || Some(host) != text(header::HOST)
        }
    }
}

/// The caller, as routes take it.
pub(crate) type Caller = Extension<Actor>;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(k, v)| ((*k).parse().unwrap(), v.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_the_same_origin_may_use_the_cookie() {
        let client = |secure| Client {
            address: std::net::IpAddr::from([192, 0, 2, 1]),
            tls: secure,
            secure,
        };
        let is_cross = |headers: &HeaderMap| is_cross_site(headers, client(false));
        assert!(!is_cross(&headers(&[])));
        assert!(!is_cross(&headers(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "http://evil")
        ])));
        assert!(is_cross(&headers(&[("sec-fetch-site", "cross-site")])));
        assert!(is_cross(&headers(&[("sec-fetch-site", "same-site")])));
        assert!(!is_cross(&headers(&[
            ("origin", "http://a:8440"),
            ("host", "a:8440")
        ])));
        assert!(is_cross(&headers(&[
            ("origin", "http://a:8441"),
            ("host", "a:8440")
        ])));
        assert!(is_cross(&headers(&[("origin", "null"), ("host", "a:8440")])));
        assert!(is_cross(&headers(&[("origin", "http://a")])));
        for (origin, cross) in [("https://a", false), ("http://a", true), ("https://b", true)] {
            let headers = headers(&[("origin", origin), ("host", "a")]);
            assert_eq!(is_cross_site(&headers, client(true)), cross, "{origin}");
        }
    }

    #[test]
    fn bearer_tokens_are_read_without_regard_to_case() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        assert_eq!(bearer("Basic abc"), None);
        assert_eq!(bearer("abc"), None);
    }
}
