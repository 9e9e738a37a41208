//! The fault proxy, between plain sockets.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use courier_transfer::testkit::{
    Direction::{Down, Up},
    Fault, Proxy,
};

/// No wait of these tests may last so long.
const LIMIT: Duration = Duration::from_secs(10);

/// A server that runs `serve` on each connection, and a line to it.
fn line(serve: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> Proxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let serve = serve.clone();
            thread::spawn(move || serve(connection.unwrap()));
        }
    });
    Proxy::to(port)
}

/// Sends back what comes.
fn echo(mut tcp: TcpStream) {
    let _ = std::io::copy(&mut tcp.try_clone().unwrap(), &mut tcp);
    let _ = tcp.shutdown(Shutdown::Write);
}

/// Sends without end.
fn source(mut tcp: TcpStream) {
    while tcp.write_all(&[7; 10_000]).is_ok() {}
}

fn connect(line: &Proxy) -> TcpStream {
    let tcp = TcpStream::connect(("127.0.0.1", line.port())).unwrap();
    tcp.set_read_timeout(Some(LIMIT)).unwrap();
    tcp
}

fn exchange(tcp: &mut TcpStream, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    tcp.write_all(bytes)?;
    let mut back = vec![0; bytes.len()];
    tcp.read_exact(&mut back)?;
    Ok(back)
}

fn works(tcp: &mut TcpStream) {
    assert_eq!(exchange(tcp, b"hello").unwrap(), b"hello");
}

/// Reads to the end; what came, and how it ended.
fn read_out(tcp: &mut TcpStream) -> (usize, Option<ErrorKind>) {
    let (mut read, mut buffer) = (0, vec![0; 65_536]);
    loop {
        match tcp.read(&mut buffer) {
            Ok(0) => return (read, None),
            Ok(n) => read += n,
            Err(e) => return (read, Some(e.kind())),
        }
    }
}

#[test]
fn all_passes_and_is_counted() {
    let line = line(echo);
    let sent: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    let mut tcp = connect(&line);
    let mut writer = tcp.try_clone().unwrap();
    let back = thread::scope(|scope| {
        scope.spawn(|| {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        tcp.read_to_end(&mut back).unwrap();
        back
    });
    assert!(back == sent);
    assert_eq!((line.bytes(Up), line.bytes(Down)), (3_000_000, 3_000_000));
    assert_eq!((line.connections(), line.faults()), (1, 0));
    let deadline = Instant::now() + LIMIT;
    while line.open_connections() > 0 {
        assert!(Instant::now() < deadline);
        thread::yield_now();
    }
}

#[test]
fn a_line_may_lead_to_the_same_port_elsewhere() {
    let line = Proxy::to_same_port_of([127, 0, 0, 2].into());
    let listener = TcpListener::bind(("127.0.0.2", line.port())).unwrap();
    thread::spawn(move || echo(listener.accept().unwrap().0));
    works(&mut connect(&line));
    assert_eq!(line.bytes(Up), 5);
}

#[test]
fn a_reset_comes_after_exactly_so_many_bytes_and_once() {
    let line = line(echo);
    works(&mut connect(&line));
    line.after(Up, 100_000, Fault::Reset);
    let mut tcp = connect(&line);
    let _ = tcp.write_all(&[1; 300_000]);
    assert_eq!(read_out(&mut tcp).1, Some(ErrorKind::ConnectionReset));
    assert_eq!(line.bytes(Up), 5 + 100_000);
    assert_eq!(line.faults(), 1);
    works(&mut connect(&line));
    assert_eq!(line.connections(), 3);
}

#[test]
fn a_close_is_an_orderly_end() {
    let line = line(source);
    line.after(Down, 70_000, Fault::Close);
    assert_eq!(read_out(&mut connect(&line)), (70_000, None));
}

#[test]
fn each_connection_fails_after_its_own_bytes() {
    let line = line(source);
    line.each_after(Down, 5_000, Fault::Close);
    for _ in 0..3 {
        assert_eq!(read_out(&mut connect(&line)), (5_000, None));
    }
    assert_eq!((line.bytes(Down), line.faults()), (15_000, 3));
}

#[test]
fn many_faults_come_in_their_order() {
    let line = line(source);
    line.after(Down, 30_000, Fault::Close);
    line.after(Down, 10_000, Fault::Close);
    assert_eq!(read_out(&mut connect(&line)).0, 10_000);
    assert_eq!(read_out(&mut connect(&line)).0, 20_000);
}

#[test]
fn a_stalled_connection_stays_open_and_goes_on_later() {
    let line = line(echo);
    line.after(Down, 3, Fault::Stall);
    let mut tcp = connect(&line);
    tcp.write_all(b"hello").unwrap();
    let mut back = [0; 5];
    tcp.read_exact(&mut back[..3]).unwrap();
    tcp.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
    assert_eq!(tcp.read(&mut back).unwrap_err().kind(), ErrorKind::WouldBlock);
    // Others are not touched.
    works(&mut connect(&line));
    line.pass();
    tcp.set_read_timeout(Some(LIMIT)).unwrap();
    tcp.read_exact(&mut back[3..]).unwrap();
    assert_eq!(&back, b"hello");
    works(&mut tcp);
}

#[test]
fn a_stalled_direction_holds_all() {
    let line = line(echo);
    let mut old = connect(&line);
    works(&mut old);
    line.stall(Up);
    for tcp in [&mut old, &mut connect(&line)] {
        tcp.write_all(b"x").unwrap();
        tcp.set_read_timeout(Some(Duration::from_millis(30))).unwrap();
        assert_eq!(tcp.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
    assert_eq!(line.bytes(Up), 5);
    line.pass();
    old.set_read_timeout(Some(LIMIT)).unwrap();
    old.read_exact(&mut [0]).unwrap();
    works(&mut old);
}

#[test]
fn a_stalled_line_holds_the_sender_back() {
    let line = line(|mut tcp| {
        let _ = tcp.write_all(&[7; 50_000_000]);
    });
    line.stall(Down);
    let mut tcp = connect(&line);
    tcp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(tcp.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    line.pass();
    tcp.set_read_timeout(Some(LIMIT)).unwrap();
    assert_eq!(read_out(&mut tcp), (50_000_000, None));
}

#[test]
fn a_cut_resets_all_present_connections() {
    let line = line(echo);
    let mut connections = [connect(&line), connect(&line), connect(&line)];
    for tcp in &mut connections {
        works(tcp);
    }
    assert_eq!(line.open_connections(), 3);
    assert_eq!(line.cut(), 3);
    assert_eq!(line.open_connections(), 0);
    for tcp in &mut connections {
        assert_eq!(read_out(tcp), (0, Some(ErrorKind::ConnectionReset)));
    }
    works(&mut connect(&line));
}

#[test]
fn a_cut_may_come_after_so_many_bytes() {
    let line = line(echo);
    let (mut idle, mut busy) = (connect(&line), connect(&line));
    works(&mut idle);
    line.after(Down, 1_000, Fault::Cut);
    assert!(exchange(&mut busy, &[1; 5_000]).is_err());
    assert_eq!(read_out(&mut idle), (0, Some(ErrorKind::ConnectionReset)));
    works(&mut connect(&line));
}

#[test]
fn the_server_learns_of_a_reset_too() {
    let (ended, end) = std::sync::mpsc::channel();
    let line = line(move |mut tcp| ended.send(tcp.read_to_end(&mut Vec::new())).unwrap());
    let mut tcp = connect(&line);
    line.after(Up, 5, Fault::Reset);
    tcp.write_all(b"hello").unwrap();
    let error = end.recv_timeout(LIMIT).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_refusing_line_comes_back_on_its_port() {
    let line = line(echo);
    let mut old = connect(&line);
    works(&mut old);
    line.refuse();
    line.refuse();
    let refused = TcpStream::connect(("127.0.0.1", line.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    works(&mut old);
    line.accept();
    works(&mut connect(&line));
    works(&mut old);
}

#[test]
fn a_server_that_is_gone_resets() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let line = Proxy::to(port);
    assert_eq!(
        read_out(&mut connect(&line)),
        (0, Some(ErrorKind::ConnectionReset))
    );
}

#[test]
fn a_throttled_line_keeps_to_its_rate_and_its_connections_share_it() {
    let line = line(source);
    line.throttle(Down, 2_000_000);
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| connect(&line).read_exact(&mut [0; 200_000]).unwrap());
        }
    });
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(150), "{took:?}");
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn a_delayed_line_keeps_its_order_and_its_bandwidth() {
    let line = line(echo);
    line.delay(Up, Duration::from_millis(20));
    line.delay(Down, Duration::from_millis(20));
    let mut tcp = connect(&line);
    let started = Instant::now();
    works(&mut tcp);
    assert!(started.elapsed() >= Duration::from_millis(40));
    let sent: Vec<u8> = (0..4_000_000_u32).map(|i| (i % 241) as u8).collect();
    let started = Instant::now();
    let mut back = vec![0; sent.len()];
    let mut writer = tcp.try_clone().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| writer.write_all(&sent).unwrap());
        tcp.read_exact(&mut back).unwrap();
    });
    let took = started.elapsed();
    assert!(back == sent);
    // Far less than a round trip for each of its pieces.
    assert!(
        took >= Duration::from_millis(40) && took < Duration::from_secs(2),
        "{took:?}"
    );
}

#[tokio::test]
async fn passing_bytes_can_be_waited_for() {
    let line = line(source);
    let mut tcp = connect(&line);
    let reader = tokio::task::spawn_blocking(move || read_out(&mut tcp));
    line.passed(Down, 1_000_000).await;
    assert!(line.bytes(Down) >= 1_000_000);
    line.cut();
    let (read, end) = reader.await.unwrap();
    assert!(read > 0 && read as u64 <= line.bytes(Down));
    assert_eq!(end, Some(ErrorKind::ConnectionReset));
}

#[test]
fn a_dropped_line_resets() {
    let line = line(echo);
    let mut tcp = connect(&line);
    works(&mut tcp);
    drop(line);
    assert_eq!(read_out(&mut tcp), (0, Some(ErrorKind::ConnectionReset)));
}
