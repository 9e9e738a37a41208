//! The brake on guessing passwords from one address, under whatever names.
//!
//! Failures under one name are the engine's to count (`courier_engine`'s passwords); this is against one password tried
//! on many names.

use std::{
    collections::HashMap,
    net::IpAddr,
    time::{Duration, Instant},
};

use courier_engine::Error;
use parking_lot::Mutex;

use crate::listen::counted;

/// How many logins may fail at once.
const AT_ONCE: u32 = 20;
/// How long each failure is remembered; so often another may fail, from then on.
const EACH: Duration = Duration::from_secs(3);
/// Addresses remembered at most.
const REMEMBERED: usize = 10_000;

/// Failed logins of each address: by when all of its failures are forgotten.
#[derive(Debug, Default)]
pub(crate) struct LoginBrake(Mutex<HashMap<IpAddr, Instant>>);

impl LoginBrake {
    /// Counts a login as failed beforehand, so that guesses sent at once can't slip past; [`Self::forgive`] takes that
    /// back. What comes from this machine itself isn't counted: it is a proxy that isn't called trusted, with everybody
    /// behind it, or somebody who has the machine.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(crate) fn begin(&self, client: IpAddr, now: Instant) -> Result<(), Error> {
        let Some(client) = counted(client) else {
            return Ok(());
        };
        let mut forgotten = self.0.lock();
        if forgotten.len() >= REMEMBERED && !forgotten.contains_key(&client) {
            make_room(&mut forgotten, now);
        }
        let until = forgotten.get(&client).map_or(now, |until| now.max(*until)) + EACH;
        let excess = until.duration_since(now).saturating_sub(EACH * AT_ONCE);
        if !excess.is_zero() {
            return Err(Error::RateLimited {
                retry_after_sec: excess.as_secs() + 1,
            });
        }
        forgotten.insert(client, until);
        Ok(())
    }

    /// The login that began didn't fail by its password.
    pub(crate) fn forgive(&self, client: IpAddr) {
        let Some(client) = counted(client) else {
            return;
        };
        if let Some(until) = self.0.lock().get_mut(&client) {
            *until = until.checked_sub(EACH).unwrap_or(*until);
        }
    }
}

/// Forgets who has failed nothing lately, or else who is forgotten next.
fn make_room(forgotten: &mut HashMap<IpAddr, Instant>, now: Instant) {
    forgotten.retain(|_, until| *until > now);
    if forgotten.len() >= REMEMBERED
        && let Some(next) = forgotten.iter().min_by_key(|(_, until)| **until)
    {
        let next = *next.0;
        forgotten.remove(&next);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn so_many_at_once_and_then_one_at_a_time() {
        let (brake, start) = (LoginBrake::default(), Instant::now());
        let guesser = ip("192.0.2.1");
        for _ in 0..AT_ONCE {
            brake.begin(guesser, start).unwrap();
        }
        match brake.begin(guesser, start).unwrap_err() {
            Error::RateLimited { retry_after_sec } => assert!((1..=4).contains(&retry_after_sec)),
            other => panic!("{other}"),
        }
        brake.begin(ip("192.0.2.2"), start).unwrap();
        brake.begin(guesser, start + EACH).unwrap();
        assert!(brake.begin(guesser, start + EACH).is_err());
        for _ in 0..AT_ONCE {
            brake.begin(guesser, start + EACH * (AT_ONCE + 1)).unwrap();
        }
    }

    #[test]
    fn who_knows_the_password_is_not_counted() {
        let (brake, start) = (LoginBrake::default(), Instant::now());
        for _ in 0..1000 {
            brake.begin(ip("192.0.2.1"), start).unwrap();
            brake.forgive(ip("192.0.2.1"));
        }
    }

    #[test]
    fn a_network_of_ipv6_is_one_and_this_machine_none() {
        let (brake, start) = (LoginBrake::default(), Instant::now());
        for n in 0..AT_ONCE {
            brake.begin(ip(&format!("2001:db8::{n:x}")), start).unwrap();
        }
        assert!(brake.begin(ip("2001:db8::ffff"), start).is_err());
        brake.begin(ip("2001:db8:0:1::1"), start).unwrap();
        for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            for _ in 0..1000 {
                brake.begin(ip(address), start).unwrap();
            }
        }
    }

    #[test]
    fn no_more_addresses_are_remembered_than_that() {
        let (brake, start) = (LoginBrake::default(), Instant::now());
        let many = u32::try_from(REMEMBERED).unwrap();
        for n in 0..many + 10 {
            brake
                .begin(IpAddr::from((0x0a00_0000 + n).to_be_bytes()), start)
                .unwrap();
        }
        assert_eq!(brake.0.lock().len(), REMEMBERED);
        brake.begin(ip("192.0.2.1"), start + EACH).unwrap();
        assert_eq!(brake.0.lock().len(), 1);
    }
}
