//! A line to a server that breaks once.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

/// Passes connections on to `port`, and gives the port that it listens on. The first connection is cut when the
/// server has sent `cut_after` bytes on it.
pub(crate) fn breaks_once(port: u16, cut_after: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own_port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut left = cut_after;
        for client in listener.incoming() {
            let client = client.unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (up_from, up_to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pass(up_from, up_to, usize::MAX));
            std::thread::spawn(move || pass(server, client, left));
            left = usize::MAX;
        }
    });
    own_port
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut left: usize) {
    let mut buffer = [0; 16 * 1024];
    while left > 0 {
        let Ok(read @ 1..) = from.read(&mut buffer) else {
            break;
        };
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        left = left.saturating_sub(read);
    }
    // What was passed on still arrives, and then the end. The other side may be gone already.
    let _ = to.shutdown(Shutdown::Write);
}
