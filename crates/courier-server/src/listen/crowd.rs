//! How many connections each client has, so that none takes all that there may be.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

use parking_lot::Mutex;

/// The connections of each address.
#[derive(Clone, Debug, Default)]
pub(super) struct Crowd(Arc<Mutex<HashMap<IpAddr, Count>>>);

#[derive(Debug, Default)]
struct Count {
    connections: usize,
    /// It wanted more than it may have, and the log says so.
    told: bool,
}

/// A connection's place among those of its address; given back when dropped.
#[derive(Debug)]
pub(super) struct Place(Option<(Crowd, IpAddr)>);

impl Crowd {
    /// A place for one more connection of this address, of so many at most; `None` where it has them all.
    pub(super) fn admit(&self, client: IpAddr, most: usize) -> Option<Place> {
        let Some(client) = counted(client) else {
            return Some(Place(None));
        };
        let mut crowd = self.0.lock();
        let count = crowd.entry(client).or_default();
        if count.connections >= most {
            if !std::mem::replace(&mut count.told, true) {
                tracing::warn!(
                    %client,
                    "a client has {most} connections and gets no more; if it is a proxy, name it in trusted_proxies"
                );
            }
            return None;
        }
        count.connections += 1;
        Some(Place(Some((self.clone(), client))))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((crowd, client)) = self.0.take() else {
            return;
        };
        if let Entry::Occupied(mut entry) = crowd.0.lock().entry(client) {
            entry.get_mut().connections -= 1;
            if entry.get().connections == 0 {
                entry.remove();
            }
        }
    }
}

/// What counts as one client: of IPv6 addresses the network, since a client has all of one to choose from. `None` for
/// this machine itself: it is a proxy that isn't called trusted, with everybody behind it, or somebody who has the machine.
pub(crate) fn counted(client: IpAddr) -> Option<IpAddr> {
    match client.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(address) => Some(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()),
        address => Some(address),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_share_and_nothing_is_kept_of_who_is_gone() {
        let crowd = Crowd::default();
        let admit = |client: &str| crowd.admit(client.parse().unwrap(), 2);
        let places = [admit("192.0.2.1"), admit("::ffff:192.0.2.1")];
        assert!(places.iter().all(Option::is_some));
        assert!(admit("192.0.2.1").is_none());
        assert!(admit("192.0.2.2").is_some());
        drop(places);
        assert!(crowd.0.lock().is_empty());

        let network = [admit("2001:db8::1"), admit("2001:db8::2")];
        assert!(admit("2001:db8::3").is_none() && admit("2001:db8:0:1::1").is_some());
        drop(network);
        let here: Vec<_> = (0..9).map(|_| admit("127.0.0.1")).collect();
        assert!(here.iter().all(Option::is_some) && crowd.0.lock().is_empty());
    }
}
