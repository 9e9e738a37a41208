//! Russh's callbacks: where the bytes of the server come in.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use courier_transfer::{Error, ErrorKind};
use parking_lot::Mutex;
use russh::{
    Channel, ChannelId, Disconnect, Names,
    client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session},
    keys::PublicKeyOrCertificate,
};
use tokio::sync::oneshot;

use super::{
    State,
    core::{Core, Outlet},
    lost,
};
use crate::{
    auth::{AUTHENTICATING, LOGGED_IN, is_rejection},
    connect::{full, says_full, ssh_error},
    peer::Peer,
};

/// An error on its way through russh.
#[derive(Debug)]
pub(crate) struct Fault(pub(crate) Error);

impl From<russh::Error> for Fault {
    fn from(error: russh::Error) -> Self {
        Self(ssh_error(error))
    }
}

/// Counts packets that wait in russh's own queue for their turn.
///
/// While one does, uploads hold back: russh looks at its queue only when nothing waits for the window, and
/// an upload that always keeps something waiting would shut everybody else out.
#[derive(Clone, Debug, Default)]
pub(super) struct Handed(Arc<AtomicUsize>);

impl Handed {
    /// Counts these bytes until they are sent and dropped.
    pub(super) fn track(&self, bytes: Bytes) -> Bytes {
        struct Tracked(Bytes, Arc<AtomicUsize>);
        impl AsRef<[u8]> for Tracked {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        impl Drop for Tracked {
            fn drop(&mut self) {
                self.1.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.0.fetch_add(1, Ordering::Relaxed);
        Bytes::from_owner(Tracked(bytes, Arc::clone(&self.0)))
    }

    fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// The callbacks of one session.
#[derive(Debug)]
pub(super) struct SshHandler {
    pub(super) peer: Arc<Peer>,
    pub(super) core: Arc<Mutex<Core>>,
    pub(super) state: Arc<State>,
    pub(super) handed: Handed,
    /// The SFTP channel, once it is open.
    pub(super) channel: Option<ChannelId>,
    /// Dropped with this: tells the pump that the session is over.
    pub(super) _alive: oneshot::Sender<()>,
}

impl Drop for SshHandler {
    fn drop(&mut self) {
        self.core.lock().abandon();
    }
}

/// Sends from inside a callback.
struct Callback<'a> {
    session: &'a mut Session,
    channel: ChannelId,
    handed: &'a Handed,
    failed: Option<russh::Error>,
}

impl Outlet for Callback<'_> {
    fn send(&mut self, packets: Bytes) {
        if let Err(e) = self.session.data(self.channel, packets) {
            self.failed.get_or_insert(e);
        }
    }

    fn is_full(&self) -> bool {
        self.failed.is_some() || self.handed.any() || self.session.has_pending_data(self.channel)
    }
}

impl SshHandler {
    fn callback(
        &mut self,
        channel: ChannelId,
        session: &mut Session,
        act: impl FnOnce(&mut Core, &mut Callback<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        if self.channel != Some(channel) {
            return Ok(());
        }
        let mut outlet = Callback {
            session,
            channel,
            handed: &self.handed,
            failed: None,
        };
        act(&mut self.core.lock(), &mut outlet)?;
        outlet.failed.map_or(Ok(()), |e| Err(e.into()))
    }
}

impl Handler for SshHandler {
    type Error = Fault;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Fault> {
        self.peer.decide(key).await.map_err(Fault)?;
        Ok(true)
    }

    async fn kex_done(&mut self, _: Option<&[u8]>, names: &Names, _: &mut Session) -> Result<(), Fault> {
        self.peer.negotiated(names);
        Ok(())
    }

    async fn channel_open_confirmation(
        &mut self,
        id: ChannelId,
        _max_packet_size: u32,
        _window_size: u32,
        _session: &mut Session,
    ) -> Result<(), Fault> {
        self.channel.get_or_insert(id);
        Ok(())
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Fault> {
        self.callback(channel, session, |core, outlet| {
            core.receive(data, outlet).map_err(|e| {
                Fault(Error::new(
                    ErrorKind::Protocol,
                    format!("the server broke the SFTP protocol: {e}"),
                ))
            })
        })
    }

    async fn window_adjusted(
        &mut self,
        channel: ChannelId,
        _new_size: u32,
        session: &mut Session,
    ) -> Result<(), Fault> {
        self.callback(channel, session, |core, outlet| {
            core.push(outlet);
            Ok(())
        })
    }

    async fn channel_eof(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Fault> {
        self.ended_by_server(channel)
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Fault> {
        self.ended_by_server(channel)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Fault>) -> Result<(), Fault> {
        match reason {
            DisconnectReason::Error(Fault(error)) => self.state.end(error.kind(), error.message()),
            DisconnectReason::ReceivedDisconnect(info) => {
                let said: String = info.message.escape_debug().take(256).collect();
                let stage = self.peer.stage();
                let is_full =
                    matches!(info.reason_code, Disconnect::TooManyConnections) || says_full(&info.message);
                let rejects = stage == AUTHENTICATING && is_rejection(info.reason_code, &info.message);
                if stage != LOGGED_IN && !rejects && is_full {
                    let error = full(&said);
                    self.state.end(error.kind(), error.message());
                    return Ok(());
                }
                let kind = match rejects {
                    true => ErrorKind::Auth,
                    false => ErrorKind::Lost,
                };
                self.state.end(kind, format!("the server disconnected: {said}"));
            }
        }
        Ok(())
    }

    // Channels that the server wants to open are refused: dropping the reply does that.

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _: Channel<Msg>,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        _: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Fault> {
        Ok(())
    }
}

impl SshHandler {
    fn ended_by_server(&self, channel: ChannelId) -> Result<(), Fault> {
        if self.channel == Some(channel) {
            return Err(Fault(lost("the server ended the SFTP session")));
        }
        Ok(())
    }
}
