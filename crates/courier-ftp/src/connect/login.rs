//! USER and PASS (RFC 959 section 5.4), and what their refusals mean.

use courier_transfer::{AuthMethod, Error, ErrorKind, Result, Retry, Target};
use secrecy::{ExposeSecret, SecretString};

use super::{not_now, stage::Stage};
use crate::{
    codec::{Command, Reply},
    control::Control,
};

/// Whom servers know as nobody in particular (RFC 1635), and what is told them as the password.
const ANONYMOUS: &str = "anonymous";
const ANONYMOUS_PASSWORD: &str = "courier@";

/// Logs in with the password; anonymously, or by name alone, where there is none.
pub(super) async fn log_in(
    control: &mut Control,
    target: &Target,
    is_secured: bool,
    stage: &Stage,
) -> Result<AuthMethod> {
    stage.enter("logging in");
    let refused = |reply: &Reply| refusal(reply, target, is_secured);
    let user = match target.username.as_str() {
        "" => ANONYMOUS,
        name => name,
    };
    let reply = control.any_answer(&Command::new("USER").arg(user)?).await?;
    match reply.code {
        230 | 232 => return Ok(AuthMethod::None),
        331 | 336 => {}
        332 => return Err(wants_account(&reply)),
        _ => return Err(refused(&reply)),
    }
    let anonymous = SecretString::from(ANONYMOUS_PASSWORD);
    let password = target.credentials.password.as_ref();
    let command = Command::new("PASS").secret(password.unwrap_or(&anonymous))?;
    let mut reply = control.any_answer(&command).await?;
    if let Some(password) = password {
        conceal(&mut reply, password.expose_secret());
    }
    match reply.code {
        202 | 230 | 232 if password.is_some() => Ok(AuthMethod::Password),
        202 | 230 | 232 => Ok(AuthMethod::None),
        332 => Err(wants_account(&reply)),
        _ => Err(refused(&reply)),
    }
}

/// Some servers repeat what they were told. In the words that are kept it is not to be found.
fn conceal(reply: &mut Reply, password: &str) {
    // A shorter one is a part of words, and not one to guess by this.
    if password.len() < 3 {
        return;
    }
    for line in &mut reply.lines {
        let text = String::from_utf8_lossy(line);
        if text.contains(password) {
            *line = text.replace(password, "****").into_bytes();
        }
    }
}

fn wants_account(reply: &Reply) -> Error {
    Error::new(
        ErrorKind::Auth,
        format!(
            "the server wants an account name beside the password (ACCT: {}), which Courier does not have; ask its operator \
             for a login without",
            reply.text()
        ),
    )
}

fn refusal(reply: &Reply, target: &Target, is_secured: bool) -> Error {
    let text = reply.text();
    let lower = text.to_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if !is_secured && says(&["ssl", "tls", "encrypt", "cleartext", "clear text", "secure"]) {
        return Error::new(
            ErrorKind::Negotiation,
            format!(
                "the server takes no login without TLS (\"{text}\"). Use the protocol ftps with ftps_mode explicit (ftpes://)"
            ),
        );
    }
    if reply.code == 421
        || says(&[
            "too many",
            "maximum number",
            "limit",
            "try again later",
            "at capacity",
        ])
    {
        return not_now(reply);
    }
    match reply.code {
        400..=499 => not_now(reply),
        _ if reply.code / 100 == 5 => {
            let what = match target.credentials.password {
                Some(_) => "user name or password, or the user may not log in from here",
                None => "no password was given",
            };
            Error::new(
                ErrorKind::Auth,
                format!("Authentication failed: {reply} ({what})"),
            )
            .with_retry(Retry::Never)
            .with("username", &target.username)
        }
        _ => Error::new(
            ErrorKind::Protocol,
            format!("the server answered the login with \"{reply}\""),
        ),
    }
}
