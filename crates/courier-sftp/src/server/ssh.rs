//! The SSH side of one connection: who it is, and packets in and out.

use std::{borrow::Cow, sync::Arc};

use bytes::BytesMut;
use russh::{
    Channel, ChannelId, MethodKind, MethodSet,
    server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey},
};

use super::{Responder, Responders, User};
use crate::codec::{Decoder, Event, Request};

/// Answers that wait for the client to read them, in bytes; more, and its requests wait.
const MOST_ANSWERS: usize = 64 * 1024 * 1024;
/// Requests that wait, in bytes; more, and the connection ends.
const MOST_BACKLOG: usize = 32 * 1024 * 1024;

pub(super) struct SshConnection {
    users: Arc<[User]>,
    responders: Responders,
    /// A key was accepted, and the password is needed as well.
    has_shown_key: bool,
    channel: Option<ChannelId>,
    sftp: Option<Box<dyn Responder>>,
    decoder: Decoder,
    /// What came while too many answers wait.
    backlog: Vec<u8>,
    /// At most so many bytes of answers wait.
    waiting: usize,
}

impl SshConnection {
    pub(super) fn new(users: Arc<[User]>, responders: Responders) -> Self {
        Self {
            users,
            responders,
            has_shown_key: false,
            channel: None,
            sftp: None,
            decoder: Decoder::of_requests(),
            backlog: Vec::new(),
            waiting: 0,
        }
    }

    /// Nothing is ruled out for the next try.
    fn rejection(&self) -> Auth {
        let methods: Vec<_> = self.users.iter().flat_map(User::methods).collect();
        Auth::Reject {
            proceed_with_methods: Some(MethodSet::from(methods.as_slice())),
            partial_success: false,
        }
    }

    fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// Answers what came, as long as the client takes the answers.
    fn work(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        let Some(sftp) = &mut self.sftp else { return Ok(()) };
        let input = std::mem::take(&mut self.backlog);
        let mut rest = input.as_slice();
        loop {
            if !session.has_pending_data(channel) {
                self.waiting = 0;
            }
            if self.waiting > MOST_ANSWERS {
                break;
            }
            let mut out = BytesMut::new();
            match self.decoder.next(&mut rest) {
                Ok(Some(Event::Packet { kind, body })) => match Request::decode(kind, body) {
                    Ok((id, request)) => sftp.respond(id, &request, &mut out),
                    Err(e) => return self.broken(channel, session, &e),
                },
                Ok(Some(Event::Data { .. })) => {}
                Ok(None) => break,
                Err(e) => return self.broken(channel, session, &e),
            }
            if !out.is_empty() {
                self.waiting += out.len();
                session.data(channel, out.freeze())?;
            }
        }
        self.backlog.extend_from_slice(rest);
        Ok(())
    }

    fn broken(
        &self,
        channel: ChannelId,
        session: &mut Session,
        error: &dyn std::fmt::Display,
    ) -> Result<(), russh::Error> {
        tracing::debug!("an SFTP client broke the protocol: {error}");
        session.close(channel)
    }
}

impl Handler for SshConnection {
    type Error = russh::Error;

    async fn auth_password(&mut self, name: &str, password: &str) -> Result<Auth, russh::Error> {
        let may = self.user(name).is_some_and(|user| {
            !user.is_interactive
                && (self.has_shown_key || !user.needs_both)
                && user.has_password(password.as_bytes())
        });
        Ok(if may { Auth::Accept } else { self.rejection() })
    }

    async fn auth_publickey_offered(
        &mut self,
        name: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, russh::Error> {
        let known = self.user(name).is_some_and(|user| user.has_key(offer.public_key));
        Ok(if known { Auth::Accept } else { self.rejection() })
    }

    async fn auth_publickey(&mut self, name: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, russh::Error> {
        let Some(user) = self.user(name).filter(|user| user.has_key(key.public_key)) else {
            return Ok(self.rejection());
        };
        if !user.needs_both {
            return Ok(Auth::Accept);
        }
        let next = if user.is_interactive {
            MethodKind::KeyboardInteractive
        } else {
            MethodKind::Password
        };
        self.has_shown_key = true;
        Ok(Auth::Reject {
            proceed_with_methods: Some(MethodSet::from(&[next][..])),
            partial_success: true,
        })
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        name: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, russh::Error> {
        let Some(user) = self.user(name).filter(|user| user.is_interactive) else {
            return Ok(self.rejection());
        };
        let Some(mut answers) = response else {
            return Ok(Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed("Password: "), false)]),
            });
        };
        let may = (self.has_shown_key || !user.needs_both)
            && answers.next().is_some_and(|answer| user.has_password(&answer));
        Ok(if may { Auth::Accept } else { self.rejection() })
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), russh::Error> {
        // One session a connection; its packets come by `data`, so that the channel's own queue is not read.
        if self.channel.is_none() {
            self.channel = Some(channel.id());
            reply.accept().await;
        }
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if name != "sftp" || self.sftp.is_some() {
            return session.channel_failure(channel);
        }
        match (self.responders)() {
            Ok(responder) => {
                self.sftp = Some(responder);
                session.channel_success(channel)
            }
            Err(e) => {
                tracing::warn!("the SFTP server cannot show its folder: {e}");
                session.channel_failure(channel)
            }
        }
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if self.backlog.len() + data.len() > MOST_BACKLOG {
            return session.close(channel);
        }
        self.backlog.extend_from_slice(data);
        self.work(channel, session)
    }

    async fn window_adjusted(
        &mut self,
        channel: ChannelId,
        _new_size: u32,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        self.work(channel, session)
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), russh::Error> {
        session.close(channel)
    }
}
