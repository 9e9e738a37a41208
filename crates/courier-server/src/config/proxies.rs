//! `trusted_proxies`: who may say on whose behalf a request comes.

use std::{net::IpAddr, str::FromStr};

use super::{Result, wrong};

/// Proxies whose `X-Forwarded-For` is believed; usually none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// Addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl TrustedProxies {
    /// Is this the address of one of them?
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(address))
    }

    pub(super) fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let network = |word: &str| {
            word.parse().map_err(|()| {
                let message = format!("{word:?} is neither an address nor a network such as 10.1.0.0/16");
                wrong("trusted_proxies", message)
            })
        };
        words
            .into_iter()
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(network)
            .collect::<Result<_>>()
            .map(Self)
    }
}

impl FromStr for TrustedProxies {
    type Err = super::Error;

    /// Addresses and networks, separated by commas.
    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text.split(','))
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        let differing = match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros(),
            _ => return false,
        };
        differing >= u32::from(self.bits)
    }
}

impl FromStr for Network {
    type Err = ();

    fn from_str(word: &str) -> std::result::Result<Self, ()> {
        let (address, bits) = match word.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().map_err(drop)?)),
            None => (word, None),
        };
        let address: IpAddr = address.parse().map_err(drop)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Self { address, bits }).ok_or(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn holds_addresses_and_networks() {
        let proxies: TrustedProxies = "10.0.0.1, 192.168.4.0/22,fd00::/8".parse().unwrap();
        for (address, expected) in [
            ("10.0.0.1", true),
            ("10.0.0.2", false),
            ("::ffff:10.0.0.1", true),
            ("192.168.7.255", true),
            ("192.168.8.0", false),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(proxies.contains(address.parse().unwrap()), expected, "{address}");
        }
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
        let all: TrustedProxies = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("1.2.3.4".parse().unwrap()) && !all.contains("::1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_address_is_an_error() {
        for text in [
            "proxy.example.com",
            "10.0.0.0/33",
            "10.0.0.0/x",
            "::/129",
            "10.0.0.0/",
        ] {
            let message = text.parse::<TrustedProxies>().unwrap_err().to_string();
            assert!(
                message.contains("trusted_proxies") && message.contains(text),
                "{message}"
            );
        }
    }
}
