//! The password, by its own method (RFC 4252 section 8) or as the answer to a question (RFC 4256).

use courier_transfer::{Error, ErrorKind, Result};
use russh::{
    MethodKind,
    client::{AuthResult, Handler, KeyboardInteractiveAuthResponse as Interactive, Prompt},
};
use secrecy::{ExposeSecret, SecretString};

use super::{Answer, Attempt};
use crate::connect::ssh_error;

/// Rounds of questions that a server may ask.
const MAX_ROUNDS: usize = 8;

/// How errors call it.
const PASSWORD: &str = "password";

impl<H: Handler> Attempt<'_, H> {
    /// Does the server take a password in some form?
    pub(super) fn takes_password(&self) -> bool {
        self.takes(MethodKind::Password) || self.takes(MethodKind::KeyboardInteractive)
    }

    /// Sends the password once, by the one way that the server takes.
    pub(super) async fn password(&mut self, password: &SecretString) -> Result<Answer> {
        let answer = if self.takes(MethodKind::Password) {
            let result = self
                .ssh
                .authenticate_password(&self.dial.username, password.expose_secret())
                .await
                .map_err(ssh_error)?;
            self.note(result, PASSWORD)?
        } else {
            self.interactive(password).await?
        };
        self.accepted_password = answer != Answer::No;
        Ok(answer)
    }

    /// Answers one question with the password; a server that asks anything else is not satisfied.
    async fn interactive(&mut self, password: &SecretString) -> Result<Answer> {
        let mut unused = Some(password);
        let mut response = self
            .ssh
            .authenticate_keyboard_interactive_start(&self.dial.username, None)
            .await
            .map_err(|e| self.interrupted(e))?;
        for _ in 0..MAX_ROUNDS {
            let prompts = match response {
                Interactive::Success => return Ok(Answer::Welcome),
                Interactive::Failure {
                    remaining_methods,
                    partial_success,
                } => {
                    let result = AuthResult::Failure {
                        remaining_methods,
                        partial_success,
                    };
                    return self.note(result, PASSWORD);
                }
                Interactive::InfoRequest { prompts, .. } => prompts,
            };
            let answers = match prompts.as_slice() {
                [] => Vec::new(),
                [prompt] if asks_for_password(prompt) => match unused.take() {
                    Some(password) => vec![password.expose_secret().to_owned()],
                    // It asks again, since it was the wrong one.
                    None => {
                        self.refused.push(PASSWORD.to_owned());
                        return Err(self.error());
                    }
                },
                [prompt, ..] => {
                    let question: String = prompt.prompt.escape_debug().take(120).collect();
                    return Err(failed(&format!(
                        "the server asks \"{question}\", which nobody can answer here"
                    )));
                }
            };
            response = self
                .ssh
                .authenticate_keyboard_interactive_respond(answers)
                .await
                .map_err(|e| self.interrupted(e))?;
        }
        Err(failed("the server keeps asking questions"))
    }

    /// The connection ended between a question and what follows it.
    fn interrupted(&self, error: russh::Error) -> Error {
        match error {
            russh::Error::RecvError | russh::Error::SendError => self.closed(PASSWORD),
            other => ssh_error(other),
        }
    }
}

/// Is it the password that is asked for, and not a code, or a new password?
fn asks_for_password(prompt: &Prompt) -> bool {
    let question = prompt.prompt.to_lowercase();
    let names = |words: &[&str]| words.iter().any(|word| question.contains(word));
    if names(&["password", "passwort", "mot de passe", "contraseña"]) {
        return !names(&["new password", "one-time", "one time"]);
    }
    !prompt.echo && !names(&["code", "token", "otp", "pin", "new"])
}

fn failed(why: &str) -> Error {
    Error::new(ErrorKind::Auth, format!("Authentication failed: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_told_from_what_else_is_asked_for() {
        let asks = |question: &str, echo| {
            asks_for_password(&Prompt {
                prompt: question.to_owned(),
                echo,
            })
        };
        for question in [
            "Password: ",
            "(u@encoder) Password:",
            "u's password",
            "Enter it:",
            "",
            "Passwort: ",
        ] {
            assert!(asks(question, false), "{question}");
        }
        assert!(asks("Password:", true));
        for question in [
            "Verification code: ",
            "Enter PASSCODE:",
            "One-time password:",
            "New password:",
            "PIN:",
            "OTP",
        ] {
            assert!(!asks(question, false), "{question}");
        }
        assert!(!asks("Username:", true));
    }
}
