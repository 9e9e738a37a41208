//! A line between client and server that fails when it is told to.
//!
//! A [`Proxy`] listens on a free port of 127.0.0.1 and carries what arrives to a server. Faults are set for one
//! direction ([`Direction`]) and take effect on present and on new connections; without any, all passes.
//!
//! ```no_run
//! # use std::time::Duration;
//! # use courier_transfer::testkit::{Direction::{Down, Up}, Fault, Proxy};
//! # async fn test(server: u16) {
//! let line = Proxy::to(server);
//! line.delay(Up, Duration::from_millis(25));
//! line.delay(Down, Duration::from_millis(25)); // 50 ms there and back
//! line.after(Down, 1_000_000, Fault::Reset); // once, to the connection that carries that byte
//! // … connect to line.port() …
//! line.passed(Down, 500_000).await;
//! line.refuse();
//! line.cut();
//! line.accept();
//! assert!(line.bytes(Down) < 1_100_000);
//! # }
//! ```
//!
//! It runs on a thread of its own, so that tests which block, or have no runtime, can use it. Its sockets have small
//! buffers (256 KiB asked of the system), so that little is on its way unseen.

mod carry;
mod lane;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc as blocking,
    },
    thread,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime,
    sync::mpsc,
    task::JoinSet,
};

use self::{carry::carry, lane::Lane};

/// How much the system may hold for a socket in each direction.
const SOCKET_BUFFER: u32 = 256 * 1024;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How a line fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection stays open and carries nothing more in this direction, until [`Proxy::pass`] or its end.
    Stall,
    /// Both ends of the connection get a reset (RST).
    Reset,
    /// Both ends of the connection get an orderly end (FIN), in the middle of whatever it was.
    Close,
    /// Every connection of the proxy is reset, not only the one that carried the byte.
    Cut,
}

/// A TCP proxy that fails on command; it ends, and resets its connections, when dropped.
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    commands: mpsc::UnboundedSender<Command>,
    thread: Option<thread::JoinHandle<()>>,
}

/// What the connections and the owner see of each other.
struct Shared {
    up: Lane,
    down: Lane,
    accepted: AtomicU64,
    open: AtomicU64,
    faults: AtomicU64,
    commands: mpsc::WeakUnboundedSender<Command>,
}

enum Command {
    /// Listen, or refuse.
    Listen(bool, blocking::Sender<()>),
    /// Reset every connection; the number of them.
    Cut(Option<blocking::Sender<usize>>),
}

impl Proxy {
    /// A line to a server on a port of 127.0.0.1.
    pub fn to(port: u16) -> Self {
        Self::to_address((Ipv4Addr::LOCALHOST, port).into())
    }

    /// A line to a server anywhere.
    pub fn to_address(server: SocketAddr) -> Self {
        Self::start(move |_| server)
    }

    /// A line to the port of another address that has the number of its own: for connections to whose port the client is
    /// sent by the server, as FTP's for data. The server is told the number, [`port`](Self::port).
    pub fn to_same_port_of(server: IpAddr) -> Self {
        Self::start(move |port| (server, port).into())
    }

    /// A line to the server that belongs to the port that it listens on.
    fn start(server: impl FnOnce(u16) -> SocketAddr + Send + 'static) -> Self {
        let (commands, received) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            up: Lane::default(),
            down: Lane::default(),
            accepted: AtomicU64::new(0),
            open: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            commands: commands.downgrade(),
        });
        let (started, port) = blocking::channel();
        let on_thread = shared.clone();
        let thread = thread::Builder::new()
            .name("fault-proxy".into())
            .spawn(move || {
                let runtime = runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let listener = bind(0).listen(128).unwrap();
                    let port = listener.local_addr().unwrap().port();
                    started.send(port).unwrap();
                    serve(listener, server(port), on_thread, received).await;
                });
            })
            .unwrap();
        Self {
            port: port.recv().unwrap(),
            shared,
            commands,
            thread: Some(thread),
        }
    }

    /// Where clients connect to, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn lane(&self, direction: Direction) -> &Lane {
        self.shared.lane(direction)
    }

    /// Takes away what is set for both directions: faults, stalls, limits and delays. Stalled connections go on.
    pub fn pass(&self) {
        self.shared.up.pass();
        self.shared.down.pass();
    }

    /// A fault, once, after so many more bytes in that direction, counted from now over all connections: exactly so
    /// many are handed on, then the connection that carried the last one fails. With 0 it fails before the next byte
    /// of any connection. May be called many times for many faults.
    pub fn after(&self, direction: Direction, bytes: u64, fault: Fault) {
        self.lane(direction).after(bytes, fault);
    }

    /// A fault of each connection after its own first so many bytes in that direction. Replaces an earlier one.
    pub fn each_after(&self, direction: Direction, bytes: u64, fault: Fault) {
        self.lane(direction).each_after(bytes, fault);
    }

    /// From now on nothing passes in that direction, on any connection, until [`pass`](Self::pass).
    pub fn stall(&self, direction: Direction) {
        self.lane(direction).set(|line| line.stalled = true);
    }

    /// At most so many bytes per second in that direction, all connections together.
    pub fn throttle(&self, direction: Direction, bytes_per_second: u64) {
        self.lane(direction)
            .set(|line| line.rate = Some(bytes_per_second.max(1)));
    }

    /// Each byte arrives so much later than it was sent, in its order; up to 64 MiB of a connection are on their way.
    pub fn delay(&self, direction: Direction, one_way: Duration) {
        self.lane(direction).set(|line| line.delay = one_way);
    }

    /// From now on, until [`accept`](Self::accept), nobody listens: connecting fails with "connection refused".
    /// Present connections go on.
    pub fn refuse(&self) {
        self.listen(false);
    }

    /// Takes new connections again, after [`refuse`](Self::refuse).
    pub fn accept(&self) {
        self.listen(true);
    }

    fn listen(&self, on: bool) {
        let (done, wait) = blocking::channel();
        self.commands.send(Command::Listen(on, done)).unwrap();
        wait.recv().unwrap();
    }

    /// Resets every present connection; both ends get an RST before this returns. How many there were.
    pub fn cut(&self) -> usize {
        let (done, wait) = blocking::channel();
        self.commands.send(Command::Cut(Some(done))).unwrap();
        wait.recv().unwrap()
    }

    /// The bytes handed on in that direction, over all connections, since the proxy began.
    pub fn bytes(&self, direction: Direction) -> u64 {
        self.lane(direction).bytes()
    }

    /// Waits until [`bytes`](Self::bytes) of that direction is at least so many.
    pub async fn passed(&self, direction: Direction, bytes: u64) {
        self.lane(direction).passed(bytes).await;
    }

    /// How many connections were accepted since the proxy began.
    pub fn connections(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many connections there are now.
    pub fn open_connections(&self) -> u64 {
        self.shared.open.load(Ordering::Relaxed)
    }

    /// How many faults set by [`after`](Self::after) and [`each_after`](Self::each_after) have happened.
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The thread ends when nobody can send commands any more.
        self.commands = mpsc::unbounded_channel().0;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy")
            .field("port", &self.port)
            .field("up", &self.bytes(Direction::Up))
            .field("down", &self.bytes(Direction::Down))
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn lane(&self, direction: Direction) -> &Lane {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }
}

/// A socket with small buffers, on a port of 127.0.0.1 that may have connections left.
fn bind(port: u16) -> TcpSocket {
    let socket = socket(true);
    socket.set_reuseaddr(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, port).into()).unwrap();
    socket
}

fn socket(v4: bool) -> TcpSocket {
    let socket = if v4 {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
    .unwrap();
    socket.set_recv_buffer_size(SOCKET_BUFFER).unwrap();
    socket.set_send_buffer_size(SOCKET_BUFFER).unwrap();
    socket
}

/// Where new connections come in.
enum Door {
    Open(TcpListener),
    /// Bound, so that the port stays ours, and not listening.
    Shut(TcpSocket),
}

async fn serve(
    listener: TcpListener,
    server: SocketAddr,
    shared: Arc<Shared>,
    mut commands: mpsc::UnboundedReceiver<Command>,
) {
    let port = listener.local_addr().unwrap().port();
    let mut door = Door::Open(listener);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                None => return,
                Some(Command::Listen(on, done)) => {
                    door = match (door, on) {
                        (Door::Open(listener), false) => {
                            drop(listener);
                            Door::Shut(bind(port))
                        }
                        (Door::Shut(socket), true) => Door::Open(socket.listen(128).unwrap()),
                        (door, _) => door,
                    };
                    let _ = done.send(());
                }
                Some(Command::Cut(done)) => {
                    let count = connections.len();
                    connections.shutdown().await;
                    shared.open.store(0, Ordering::Relaxed);
                    if let Some(done) = done {
                        let _ = done.send(count);
                    }
                }
            },
            client = knock(&door) => {
                shared.accepted.fetch_add(1, Ordering::Relaxed);
                connections.spawn(carry(client, dial(server), shared.clone()));
                shared.open.store(connections.len() as u64, Ordering::Relaxed);
            }
            Some(_) = connections.join_next() => {
                shared.open.store(connections.len() as u64, Ordering::Relaxed);
            }
        }
    }
}

async fn knock(door: &Door) -> TcpStream {
    match door {
        Door::Open(listener) => loop {
            if let Ok((client, _)) = listener.accept().await {
                return client;
            }
        },
        Door::Shut(_) => std::future::pending().await,
    }
}

async fn dial(server: SocketAddr) -> std::io::Result<TcpStream> {
    socket(server.is_ipv4()).connect(server).await
}
