//! Hosts: what is one, and which are the same.

use std::net::{IpAddr, Ipv6Addr};

/// The longest name that DNS has (RFC 1035, 2.3.4), and the longest label.
const LONGEST: (usize, usize) = (253, 63);

/// What is wrong with a host, in words.
///
/// One server has one spelling: the machine's resolver takes `partner` and `partner.` for different names, and would take
/// `0x7f.1` for an address, so that somebody who reads the connection would be misled.
pub(crate) fn problem(host: &str) -> Option<&'static str> {
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    if let Some((address, zone)) = host.split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
        && !zone.is_empty()
        && zone.bytes().all(is_of_name)
    {
        return None;
    }
    let labels = || host.split('.');
    if host.trim().is_empty() || host.contains(char::is_whitespace) || host.contains(['/', '@']) {
        Some("must be a host name or an address, without spaces, scheme, user or path")
    } else if !host.is_ascii() {
        Some("must be in ASCII; write an international name as DNS has it, with xn--")
    } else if host.contains(['[', ']']) {
        Some("takes an IPv6 address without brackets")
    } else if host.contains(':') {
        Some("must be a host name or an address; the port is a field of its own")
    } else if host.ends_with('.') {
        Some("must be written without the dot at its end")
    } else if !host.bytes().all(|b| b == b'.' || is_of_name(b))
        || host.len() > LONGEST.0
        || labels().any(|label| label.is_empty() || label.len() > LONGEST.1)
    {
        Some("is no host name: letters, digits, - and _ in parts of 63 at most, with dots between them")
    } else if labels().next_back().is_some_and(is_number) {
        Some("is no host name and no address; write an IPv4 address as four decimal numbers")
    } else {
        None
    }
}

/// A host as it is compared: names without regard to case, addresses as what they are.
pub(super) fn comparable(host: &str) -> String {
    // Interfaces, unlike names, are told apart by case.
    if let Some((address, zone)) = host.split_once('%')
        && let Ok(address) = address.parse::<Ipv6Addr>()
    {
        return format!("{address}%{zone}");
    }
    let name = host.trim_end_matches('.');
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_string(),
        // Only ASCII has cases that DNS takes for the same.
        Err(_) => name.to_ascii_lowercase(),
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Would the resolver take a name with this at its end for an address (`127.1`, `0x7f000001`)?
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    match hex {
        Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
        None => label.bytes().all(|b| b.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_hosts() {
        for host in [
            "h",
            "partner.example",
            "PARTNER.example",
            "sftp_1.internal",
            "xn--bcher-kva.example",
            "7zip.example",
            "127.0.0.1",
            "::1",
            "2001:DB8::1",
            "fe80::1%eth0",
        ] {
            assert_eq!(problem(host), None, "{host}");
        }
        for host in [
            "",
            " ",
            "a b",
            "sftp://h",
            "user@h",
            "h:22",
            "[::1]",
            "h.",
            "a..b",
            ".h",
            "h\0",
            "h\n",
            "bücher.example",
            "ban\u{212a}.example",
            "127.1",
            "2130706433",
            "0x7f000001",
            "127.0.0.0x1",
            "fe80::1%",
            "fe80::1%a/b",
            "a\"b",
        ] {
            assert!(problem(host).is_some(), "{host}");
        }
        assert!(problem(&"a".repeat(64)).is_some() && problem(&"a.".repeat(127)).is_some());
    }

    #[test]
    fn one_server_has_one_name() {
        for same in [
            ["Partner.Example", "partner.example."],
            ["::1", "0:0:0:0:0:0:0:1"],
            ["2001:DB8::A", "2001:db8:0::a"],
            ["FE80::1%eth0", "fe80:0::1%eth0"],
        ] {
            assert_eq!(comparable(same[0]), comparable(same[1]));
        }
        // The Kelvin sign's small letter is k, and to DNS it is another letter nevertheless.
        for other in [
            ["bank.example", "ban\u{212a}.example"],
            ["127.0.0.1", "127.1"],
            ["::1", "::ffff:127.0.0.1"],
            ["a.example", "b.example"],
            ["fe80::1%eth0", "fe80::1%ETH0"],
        ] {
            assert_ne!(comparable(other[0]), comparable(other[1]));
        }
    }
}
