//! Messages by mail: plain text over SMTP, by the settings `smtp.*`.

use std::time::Duration;

use courier_store::sealed::SMTP_PASSWORD as PASSWORD;
use lettre::{
    Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{deliver::Outcome, message::Message};
use crate::{
    Engine, Error, Result, secrets,
    settings::{SMTP_FROM, SMTP_HOST, SMTP_PORT, SMTP_SECURITY, SMTP_USERNAME},
};

/// How long the server may be silent.
const SILENCE: Duration = Duration::from_secs(20);
/// How long all of it may take; less than a message is taken for.
const CALL: Duration = Duration::from_secs(45);

/// How much of what it says is kept, characters.
const SHOWN: usize = 300;

/// The setting whose word says that mail goes in the clear.
pub(crate) const CLEAR: &str = "none";

/// The mail server, and how to speak to it.
struct Server {
    host: String,
    port: u16,
    security: String,
    login: Option<(String, SecretString)>,
    from: Mailbox,
}

/// Sends a message to all of them, once. Where the server will not take it for one of them, the others are told all the same.
pub(super) async fn send(engine: &Engine, to: &[String], message: &Message) -> Outcome {
    let server = match server(engine).await {
        Ok(server) => server,
        // Somebody may still set it.
        Err(why) => return Outcome::unreachable(why),
    };
    let (transport, mail) = match transport(&server).and_then(|t| Ok((t, mail(&server, to, message)?))) {
        Ok(both) => both,
        Err(why) => return Outcome::refused(why),
    };
    let line = Line {
        host: &server.host,
        transport,
        until: Instant::now() + CALL,
    };
    let (all, text) = (mail.envelope(), mail.formatted());
    match line.hand_over(all, &text).await {
        Err(trouble) if trouble.is_of_one && all.to().len() > 1 => line.one_by_one(all, &text).await,
        Ok(said) => Outcome::Delivered(format!("{} took it: {said}", server.host)),
        Err(trouble) => trouble.into(),
    }
}

/// The way to the mail server, for one message.
struct Line<'a> {
    host: &'a str,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    until: Instant,
}

/// Why the server did not take a mail.
struct Trouble {
    words: String,
    /// It will not take it later either.
    is_final: bool,
    /// It may be because of one of those whom the mail is for.
    is_of_one: bool,
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        match trouble.is_final {
            true => Self::refused(trouble.words),
            false => Self::unreachable(trouble.words),
        }
    }
}

impl Line<'_> {
    /// Gives the server a mail, and answers what it said.
    async fn hand_over(&self, envelope: &Envelope, mail: &[u8]) -> Result<String, Trouble> {
        let host = self.host;
        match timeout_at(self.until, self.transport.send_raw(envelope, mail)).await {
            Ok(Ok(response)) => {
                let said: Vec<&str> = response.message().collect();
                Ok(brief(&format!("{} {}", response.code(), said.join(" "))))
            }
            Ok(Err(error)) => Err(Trouble {
                words: match error.is_permanent() {
                    true => format!("{host} refused it: {}", words(&error)),
                    false => format!("{host} did not take it: {}", words(&error)),
                },
                is_final: error.is_permanent(),
                // RFC 5321, section 4.3.2: what a server says of a mailbox.
                is_of_one: error
                    .status()
                    .is_some_and(|code| matches!(u16::from(code), 450..=452 | 550..=553)),
            }),
            Err(_) => Err(Trouble {
                words: format!("{host} did not take it within {} seconds", CALL.as_secs()),
                is_final: false,
                is_of_one: false,
            }),
        }
    }

    /// Gives it the same mail for each of them. It is delivered where one has it: to try again would tell that one again.
    async fn one_by_one(&self, all: &Envelope, mail: &[u8]) -> Outcome {
        let (mut took, mut not, mut is_final) = (Vec::new(), Vec::new(), true);
        for address in all.to() {
            let one = match Envelope::new(all.from().cloned(), vec![address.clone()]) {
                Ok(one) => one,
                Err(error) => return Outcome::refused(format!("the mail can't be sent: {error}")),
            };
            match self.hand_over(&one, mail).await {
                Ok(said) => took.push(said),
                Err(trouble) => {
                    is_final &= trouble.is_final;
                    not.push(format!("{address}: {}", trouble.words));
                }
            }
        }
        let (host, not_for) = (self.host, not.join("; "));
        match took.last() {
            Some(said) if not.is_empty() => Outcome::Delivered(format!("{host} took it: {said}")),
            Some(said) => {
                tracing::warn!(host, not_for, "an alert's mail did not go to everybody it is for");
                let (some, all) = (took.len(), all.to().len());
                Outcome::Delivered(format!(
                    "{host} took it for {some} of {all}: {said}; not for {not_for}"
                ))
            }
            None if is_final => Outcome::refused(not_for),
            None => Outcome::unreachable(not_for),
        }
    }
}

/// The settings, read each time: they may have changed.
async fn server(engine: &Engine) -> Result<Server, String> {
    let text = async |setting| match engine.settings().value(setting).await {
        Ok(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        Ok(_) => Ok(None),
        Err(error) => Err(format!("the settings could not be read: {error}")),
    };
    let host = text(&SMTP_HOST)
        .await?
        .ok_or("no mail server is set; an admin sets smtp.host")?;
    let from = text(&SMTP_FROM)
        .await?
        .ok_or("no sender is set; an admin sets smtp.from")?;
    let from = from
        .parse()
        .map_err(|error| format!("smtp.from is no address: {error}"))?;
    let security = text(&SMTP_SECURITY).await?.unwrap_or_default();
    let port = engine
        .settings()
        .value(&SMTP_PORT)
        .await
        .ok()
        .and_then(|port| port.as_u64());
    let port = match (port.and_then(|port| u16::try_from(port).ok()), security.as_str()) {
        (Some(port), _) => port,
        (None, "tls") => 465,
        (None, CLEAR) => 25,
        (None, _) => 587,
    };
    let login = match text(&SMTP_USERNAME).await? {
        None => None,
        Some(_) if security == CLEAR => {
            return Err("a password is not sent in the clear: set smtp.security to starttls or tls, or smtp.username to \
                        null where the server wants no login"
                .into());
        }
        Some(username) => {
            let password = open_password(engine, &host).await?;
            Some((username, password))
        }
    };
    Ok(Server {
        host,
        port,
        security,
        login,
        from,
    })
}

async fn open_password(engine: &Engine, host: &str) -> Result<SecretString, String> {
    let stored = engine.0.store.settings().get(PASSWORD).await;
    let stored = stored.map_err(|error| format!("the settings could not be read: {error}"))?;
    let sealed = stored.and_then(|setting| secrets::from_text(setting.value.as_str()?));
    let sealed = sealed.ok_or("there is a user name but no password; an admin sets smtp.password")?;
    secrets::open_smtp_password(engine, host, &sealed)
        .await
        .map_err(|error| format!("smtp.password does not open: {error}; an admin enters it anew"))
}

fn transport(server: &Server) -> Result<AsyncSmtpTransport<Tokio1Executor>, String> {
    let parameters = || {
        TlsParameters::new_rustls(server.host.clone()).map_err(|error| {
            format!(
                "TLS can't be spoken here: {}; see whether SSL_CERT_FILE, where it is set, holds certificates",
                words(&error)
            )
        })
    };
    let tls = match server.security.as_str() {
        CLEAR => Tls::None,
        "tls" => Tls::Wrapper(parameters()?),
        // Anything else must not end in the clear.
        _ => Tls::Required(parameters()?),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
        .port(server.port)
        .tls(tls)
        .timeout(Some(SILENCE));
    if let Some((username, password)) = &server.login {
        builder = builder.credentials(Credentials::new(
            username.clone(),
            password.expose_secret().to_owned(),
        ));
    }
    Ok(builder.build())
}

fn mail(server: &Server, to: &[String], message: &Message) -> Result<lettre::Message, String> {
    let domain = server.from.email.domain();
    let mut mail = lettre::Message::builder()
        .from(server.from.clone())
        .subject(&message.subject)
        .header(ContentType::TEXT_PLAIN)
        // The same in every attempt, so that a mail that came twice can be told to be one.
        .message_id(Some(format!("<{}@{domain}>", message.id)));
    for address in to {
        mail = mail.to(Mailbox::new(None, self::address(address)?));
    }
    mail.body(message.text.clone())
        .map_err(|error| format!("the mail can't be written: {error}"))
}

/// Reads an address.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn address(text: &str) -> Result<Address, String> {
    text.parse()
        .map_err(|error| format!("\"{text}\" is no mail address: {error}"))
}

/// Is this a sender, with or without a name?
///
/// # Errors
/// [`Error::Validation`] of the setting's value.
pub(crate) fn check_sender(text: &str) -> Result<()> {
    match text.parse::<Mailbox>() {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::field(
            "value",
            format!("must be a mail address, such as courier@example.com: {error}"),
        )),
    }
}

/// An error with its cause: the library's own words are general.
fn words(error: &lettre::transport::smtp::Error) -> String {
    let (mut words, mut cause) = (error.to_string(), std::error::Error::source(error));
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = deeper.source();
    }
    brief(&words)
}

/// What the server says, in one line and not too long.
fn brief(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
