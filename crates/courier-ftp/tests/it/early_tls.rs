//! A server that agrees on TLS for data before it says a word about the transfer: the hello must be there.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use courier_ftp::FtpsProtocol;
use courier_transfer::{
    Client, CreateOptions, Credentials, ErrorKind, Fetch, Protocol, Store, Target,
    testkit::{BytesSink, BytesSource},
};
use openssl::ssl::{SslAcceptor, SslMethod, SslStream};
use parking_lot::Mutex;
use secrecy::SecretString;
use serde_json::json;

use crate::{certificates::Request, odd_data::path, scripted::options};

/// The server, for one session of implicit TLS.
struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Server {
    fn start() -> Self {
        let identity = Request::server(&["127.0.0.1"]).self_signed();
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(&identity.certificate).unwrap();
        acceptor.set_private_key(&identity.key).unwrap();
        let acceptor = acceptor.build();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<u8>>>::default();
        let own = Arc::clone(&received);
        thread::spawn(move || serve(&acceptor, listener.accept().unwrap().0, &own));
        Self { address, received }
    }

    async fn connect(&self) -> Arc<dyn Client> {
        let target = Target {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            username: "anna".into(),
            credentials: Credentials {
                password: Some(SecretString::from("s3cret")),
                ..Credentials::default()
            },
            settings: [("ftps_mode".to_owned(), json!("implicit"))]
                .into_iter()
                .collect(),
            local_root: None,
        };
        FtpsProtocol.connect(target, options(20.0)).await.unwrap()
    }
}

/// Answers until the client is gone.
fn serve(acceptor: &SslAcceptor, tcp: TcpStream, received: &Mutex<Vec<u8>>) {
    let mut control = BufReader::new(acceptor.accept(tcp).unwrap());
    let mut data = None;
    let mut answer = "220 Ready".to_owned();
    loop {
        let said = write!(control.get_mut(), "{answer}\r\n");
        let mut command = String::new();
        if said.is_err() || control.read_line(&mut command).unwrap_or(0) == 0 {
            return;
        }
        answer = match command.trim_end().split(' ').collect::<Vec<_>>()[..] {
            ["USER", _] => "331 Password?".into(),
            ["PASS", _] => "230 Hello".into(),
            ["PWD"] => "257 \"/\"".into(),
            ["EPSV"] => {
                let listener = TcpListener::bind("127.0.0.1:0").unwrap();
                let port = listener.local_addr().unwrap().port();
                data = Some(listener);
                format!("229 Here (|||{port}|)")
            }
            [_, "/refused"] => "550 No such file".into(),
            [verb @ ("RETR" | "STOR"), _] => {
                let mut line = secured(acceptor, data.take().unwrap());
                write!(control.get_mut(), "150 Begins\r\n").unwrap();
                if verb == "RETR" {
                    line.write_all(b"down").unwrap();
                } else {
                    line.read_to_end(&mut received.lock()).unwrap();
                }
                let _ = line.shutdown();
                "226 Done".into()
            }
            [_] | [_, "0" | "P" | "I"] => "200 Fine".into(),
            _ => "550 No such file".into(),
        };
    }
}

/// The data connection, once TLS is agreed on.
fn secured(acceptor: &SslAcceptor, listener: TcpListener) -> SslStream<TcpStream> {
    acceptor.accept(listener.accept().unwrap().0).unwrap()
}

#[tokio::test]
async fn data_is_secured_before_the_server_begins() {
    let server = Server::start();
    let client = server.connect().await;
    for _ in 0..2 {
        let sink = Arc::<BytesSink>::default();
        let fetch = Fetch::new(sink.clone(), 0, None);
        assert_eq!(client.fetch(&path("/file"), fetch).await.unwrap(), 4);
        assert_eq!(sink.bytes(), b"down");
        // A hello that nobody takes harms nothing.
        let fetch = Fetch::new(Arc::<BytesSink>::default(), 0, None);
        let refused = client.fetch(&path("/refused"), fetch).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFound);
    }
    let store = Store::new(BytesSource::new(b"up".to_vec()), CreateOptions::default(), None);
    assert_eq!(client.store(&path("/file"), store).await.unwrap(), 2);
    assert_eq!(*server.received.lock(), b"up");
}
