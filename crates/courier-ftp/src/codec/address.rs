//! Where a data connection goes: the replies to PASV (RFC 959, 4.1.2) and EPSV (RFC 2428, 3), the arguments of PORT and
//! EPRT (RFC 2428, 2), and the rule about addresses that a server tells (specification 6.3.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4};

/// The address in a reply to PASV.
///
/// Servers differ about what stands around the six numbers (RFC 1123, 4.1.2.6), so they are looked for: the first six
/// numbers up to 255 that only commas and blanks part. `None` where there are none, or the port is 0.
pub fn parse_pasv(text: &[u8]) -> Option<SocketAddrV4> {
    let mut rest = text;
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        let from_number = rest.get(start..)?;
        if let Some(address) = six_numbers(from_number) {
            return Some(address);
        }
        let digits = from_number.iter().take_while(|b| b.is_ascii_digit()).count();
        rest = from_number.get(digits..)?;
    }
    None
}

/// An address and a port from the six numbers that `text` begins with.
fn six_numbers(text: &[u8]) -> Option<SocketAddrV4> {
    let mut rest = text;
    let mut numbers = [0; 6];
    for (i, number) in numbers.iter_mut().enumerate() {
        if i > 0 {
            rest = rest.trim_ascii_start().strip_prefix(b",")?.trim_ascii_start();
        }
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        let (value, after) = rest.split_at_checked(digits)?;
        *number = std::str::from_utf8(value).ok()?.parse::<u8>().ok()?;
        rest = after;
    }
    let [a, b, c, d, high, low] = numbers;
    let port = u16::from_be_bytes([high, low]);
    (port != 0).then(|| SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port))
}

/// The port in a reply to EPSV: `(|||6446|)`, with any printable character as the bar.
///
/// Some servers fill in the protocol and the address. They are ignored: the address is the control connection's.
pub fn parse_epsv(text: &[u8]) -> Option<u16> {
    let open = text.iter().position(|&b| b == b'(')?;
    let inside = text.get(open + 1..)?;
    let (&bar, rest) = inside.split_first()?;
    if !bar.is_ascii_graphic() || bar.is_ascii_digit() {
        return None;
    }
    let mut fields = rest.split(|&b| b == bar);
    let (_protocol, _address, port) = (fields.next()?, fields.next()?, fields.next()?);
    fields.next()?;
    // Digits only: `parse` would take a sign, too.
    if !port.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let port = std::str::from_utf8(port).ok()?.parse::<u16>().ok()?;
    (port != 0).then_some(port)
}

/// The argument of PORT; `None` for an IPv6 address, which PORT can't tell.
pub fn port_argument(address: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = address.ip().to_canonical() else {
        return None;
    };
    let [a, b, c, d] = ip.octets();
    let [high, low] = address.port().to_be_bytes();
    Some(format!("{a},{b},{c},{d},{high},{low}"))
}

/// The argument of EPRT.
pub fn eprt_argument(address: SocketAddr) -> String {
    let ip = address.ip().to_canonical();
    let family = if ip.is_ipv4() { 1 } else { 2 };
    format!("|{family}|{ip}|{}|", address.port())
}

/// Which host a passive data connection goes to, given the control connection's peer and what the server told.
///
/// The peer, mostly: what a server behind address translation tells is often of no use from outside, and an address of
/// somebody else's host must never be connected to. A private address is followed where the peer is private, too, since
/// inside a network hosts do have several. `trust` follows whatever was told.
pub fn data_host(peer: IpAddr, told: IpAddr, trust: bool) -> IpAddr {
    let (peer, told) = (peer.to_canonical(), told.to_canonical());
    match trust || (is_private(peer) && is_private(told)) {
        true => told,
        false => peer,
    }
}

/// Can the address only be reached from inside a network? RFC 1918, RFC 6598 (100.64.0.0/10), RFC 4193 (fc00::/7).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || matches!(ip.octets(), [100, 64..=127, ..]),
        IpAddr::V6(ip) => Ipv6Addr::is_unique_local(&ip),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn pasv_replies_of_many_servers() {
        let expected = Some("10.0.0.7:12345".parse().unwrap());
        for text in [
            "227 Entering Passive Mode (10,0,0,7,48,57).",
            "227 Entering Passive Mode. 10,0,0,7,48,57",
            "227 =10,0,0,7,48,57",
            "227 Entering Passive Mode (10, 0, 0, 7, 48, 57)",
            "227 Passive mode 2 (10,0,0,7,48,57)",
            "Mode 1,2,3 (10,0,0,7,48,57)",
        ] {
            assert_eq!(parse_pasv(text.as_bytes()), expected, "{text}");
        }
        for text in [
            "227 Entering Passive Mode",
            "227 (10,0,0,7,48)",
            "227 (10,0,0,256,48,57)",
            "227 (10,0,0,7,0,0)",
            "227 (10,0,0,7,48,)",
            "227 (10.0.0.7.48.57)",
            "",
        ] {
            assert_eq!(parse_pasv(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn epsv_replies_of_many_servers() {
        for text in [
            "229 Entering Extended Passive Mode (|||6446|)",
            "229 Entering Extended Passive Mode (|||6446|).",
            "229 Entering Extended Passive Mode (!!!6446!)",
            "229 Ok (|1|10.0.0.7|6446|)",
            "229 Ok (|2|::1|6446|)",
        ] {
            assert_eq!(parse_epsv(text.as_bytes()), Some(6446), "{text}");
        }
        for text in [
            "229 Entering Extended Passive Mode",
            "229 (|||0|)",
            "229 (|||65536|)",
            "229 (|||+21|)",
            "229 (||||)",
            "229 (|||6446)",
            "229 (1112111)",
            "229 (",
        ] {
            assert_eq!(parse_epsv(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn only_a_private_peer_sends_one_to_a_private_address() {
        let cases = [
            // What the server itself is called.
            ("203.0.113.5", "203.0.113.5", "203.0.113.5"),
            // Behind address translation, or not set up at all.
            ("203.0.113.5", "192.168.1.2", "203.0.113.5"),
            ("203.0.113.5", "0.0.0.0", "203.0.113.5"),
            ("203.0.113.5", "127.0.0.1", "203.0.113.5"),
            ("192.168.1.2", "127.0.0.1", "192.168.1.2"),
            ("127.0.0.1", "10.0.0.1", "127.0.0.1"),
            // Somebody else's host.
            ("203.0.113.5", "198.51.100.9", "203.0.113.5"),
            ("192.168.1.2", "198.51.100.9", "192.168.1.2"),
            // Inside a network.
            ("192.168.1.2", "10.0.0.9", "10.0.0.9"),
            ("100.64.0.1", "172.16.5.5", "172.16.5.5"),
            ("::ffff:192.168.1.2", "10.0.0.9", "10.0.0.9"),
            ("fd00::1", "10.0.0.9", "10.0.0.9"),
            ("2001:db8::1", "10.0.0.9", "2001:db8::1"),
        ];
        for (peer, told, expected) in cases {
            assert_eq!(
                data_host(ip(peer), ip(told), false),
                ip(expected),
                "{peer} {told}"
            );
            assert_eq!(data_host(ip(peer), ip(told), true), ip(told));
        }
    }

    #[test]
    fn arguments_are_those_of_the_rfcs() {
        let v4 = "132.235.1.2:6275".parse().unwrap();
        let v6 = "[1080::8:800:200c:417a]:5282".parse().unwrap();
        assert_eq!(port_argument(v4).unwrap(), "132,235,1,2,24,131");
        assert_eq!(port_argument(v6), None);
        assert_eq!(eprt_argument(v4), "|1|132.235.1.2|6275|");
        assert_eq!(eprt_argument(v6), "|2|1080::8:800:200c:417a|5282|");
        let mapped = "[::ffff:132.235.1.2]:6275".parse().unwrap();
        assert_eq!(port_argument(mapped).unwrap(), "132,235,1,2,24,131");
        assert_eq!(eprt_argument(mapped), "|1|132.235.1.2|6275|");
    }

    proptest! {
        #[test]
        fn anything_is_taken_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (parse_pasv(&bytes), parse_epsv(&bytes));
        }

        #[test]
        fn what_looks_like_a_reply_is_taken_without_a_panic(text in "22[79] [A-Za-z ]{0,9}[(|,0-9:!. ]{0,40}[)|]{0,3}") {
            let _ = (parse_pasv(text.as_bytes()), parse_epsv(text.as_bytes()));
        }

        #[test]
        fn an_address_survives_the_way_there_and_back(ip in any::<[u8; 4]>(), port in 1u16..) {
            let address = SocketAddrV4::new(ip.into(), port);
            let argument = port_argument(address.into()).unwrap();
            prop_assert_eq!(parse_pasv(format!("227 Entering ({argument})").as_bytes()), Some(address));
            let argument = eprt_argument(address.into());
            prop_assert_eq!(parse_epsv(format!("229 Entering ({argument})").as_bytes()), Some(port));
        }

        #[test]
        fn nobody_else_is_connected_to(peer in any::<[u8; 4]>(), told in any::<[u8; 4]>()) {
            let (peer, told) = (IpAddr::from(peer), IpAddr::from(told));
            let host = data_host(peer, told, false);
            prop_assert!(host == peer || (host == told && is_private(peer) && is_private(told)));
        }
    }
}
