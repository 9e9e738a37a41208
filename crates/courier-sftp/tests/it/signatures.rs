//! By what a server signs the key exchange: what was agreed on, and nothing else that its key could do.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    thread,
};

use aws_lc_rs::{
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    digest,
    rand::SystemRandom,
};
use courier_keys::{KeyType, PrivateKey, SignatureAlgorithm};
use courier_transfer::{Error, ErrorKind, TrustPins};

use crate::client::Try;

const OURS: &str = "SSH-2.0-Odd_1.0";

/// A `string` (RFC 4251 section 5).
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

/// An `mpint` of a number that isn't negative.
fn number(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let sign: &[u8] = if bytes[zeros] >= 0x80 { &[0] } else { &[] };
    string(&[sign, &bytes[zeros..]].concat())
}

fn read_packet(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut packet = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut packet)?;
    let end = packet.len() - usize::from(packet[0]);
    Ok(packet[1..end].to_vec())
}

fn write_packet(stream: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    let padding = 4 + (8 - (payload.len() + 9) % 8) % 8;
    let length = u32::try_from(payload.len() + padding + 1).unwrap();
    let padding = vec![0; padding];
    let count = [u8::try_from(padding.len()).unwrap()];
    stream.write_all(&[&length.to_be_bytes(), &count[..], payload, &padding].concat())
}

/// Exchanges keys over P-256, agrees on `rsa-sha2-512`, and signs by that algorithm. Then it is at its end.
fn exchange(stream: TcpStream, key: &PrivateKey, signs: SignatureAlgorithm) -> io::Result<()> {
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut theirs = String::new();
    reader.read_line(&mut theirs)?;
    write!(writer, "{OURS}\r\n")?;

    let (cipher, mac) = ("aes128-gcm@openssh.com", "hmac-sha2-256");
    let lists = [
        "ecdh-sha2-nistp256",
        "rsa-sha2-512",
        cipher,
        cipher,
        mac,
        mac,
        "none",
        "none",
        "",
        "",
    ];
    let mut our_init = vec![20];
    our_init.extend([0; 16]);
    our_init.extend(lists.iter().flat_map(|list| string(list.as_bytes())));
    our_init.extend([0; 5]);
    write_packet(&mut writer, &our_init)?;
    let their_init = read_packet(&mut reader)?;
    // `SSH_MSG_KEX_ECDH_INIT` with one string.
    let their_point = read_packet(&mut reader)?[5..].to_vec();

    let ephemeral = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
    let our_point = ephemeral.compute_public_key().unwrap().as_ref().to_vec();
    let peer = UnparsedPublicKey::new(&ECDH_P256, &their_point);
    let secret = agree_ephemeral(ephemeral, peer, (), |secret| Ok(number(secret))).unwrap();
    let host_key = key.public().inner().to_bytes().unwrap();
    let hashed = [
        string(theirs.trim_end().as_bytes()),
        string(OURS.as_bytes()),
        string(&their_init),
        string(&our_init),
        string(&host_key),
        string(&their_point),
        string(&our_point),
        secret,
    ];
    let hash = digest::digest(&digest::SHA256, &hashed.concat());
    let signature = key.sign(signs, hash.as_ref()).unwrap();
    let reply = [
        vec![31],
        string(&host_key),
        string(&our_point),
        string(&signature),
    ];
    write_packet(&mut writer, &reply.concat())?;
    write_packet(&mut writer, &[21])?;
    read_packet(&mut reader).map(drop)
}

/// What becomes of a connection to a server that signs so.
async fn signed_by(signs: SignatureAlgorithm, fips: bool) -> Error {
    let key = PrivateKey::generate(KeyType::RSA_2048).unwrap();
    let pin = key.fingerprint().parse().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || exchange(listener.accept().unwrap().0, &key, signs));
    let mut attempt = Try::to(port, TrustPins::new([pin])).password("never sent");
    attempt.options.fips = fips;
    let error = attempt.connect().await.unwrap_err();
    server.join().unwrap().unwrap();
    error
}

#[tokio::test]
async fn a_signature_by_another_algorithm_is_refused() {
    for fips in [false, true] {
        for other in [SignatureAlgorithm::RsaSha1, SignatureAlgorithm::RsaSha256] {
            let error = signed_by(other, fips).await;
            assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
            let text = format!("signed by {other}, and rsa-sha2-512 was agreed on");
            assert!(error.message().contains(&text), "{error}");
        }
        // It hangs up, but only after its signature was taken.
        let error = signed_by(SignatureAlgorithm::RsaSha512, fips).await;
        assert_ne!(error.kind(), ErrorKind::Protocol, "{error}");
    }
}
