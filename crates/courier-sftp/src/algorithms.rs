//! Which SSH algorithms are offered (specification 6.14): one table, three presets, lists of one's own.

use std::borrow::Cow;

use courier_transfer::{Error, ErrorKind, KnownAlgorithm, KnownAlgorithms, Result};
use russh::{Preferred, cipher, compression, kex, keys::Algorithm, mac};
use serde_json::{Map, Value};

const fn sound(name: &'static str) -> KnownAlgorithm {
    KnownAlgorithm {
        name,
        weak: None,
        fips: false,
    }
}

const fn approved(name: &'static str) -> KnownAlgorithm {
    KnownAlgorithm {
        name,
        weak: None,
        fips: true,
    }
}

const fn weak(name: &'static str, why: &'static str) -> KnownAlgorithm {
    KnownAlgorithm {
        name,
        weak: Some(why),
        fips: false,
    }
}

const SHA1: &str = "it relies on SHA-1";
const CBC: &str = "CBC mode leaks plaintext to an active attacker";

/// One of the four lists.
#[derive(Debug)]
struct Kind {
    /// Its name in `ssh_algorithms`.
    field: &'static str,
    /// In the order of preference.
    known: &'static [KnownAlgorithm],
}

const KEY_EXCHANGE: Kind = Kind {
    field: "key_exchange",
    known: &[
        sound("mlkem768x25519-sha256"),
        sound("curve25519-sha256"),
        sound("curve25519-sha256@libssh.org"),
        approved("ecdh-sha2-nistp256"),
        approved("ecdh-sha2-nistp384"),
        approved("ecdh-sha2-nistp521"),
        // Whatever group the server makes up.
        sound("diffie-hellman-group-exchange-sha256"),
        approved("diffie-hellman-group16-sha512"),
        approved("diffie-hellman-group18-sha512"),
        approved("diffie-hellman-group17-sha512"),
        approved("diffie-hellman-group15-sha512"),
        approved("diffie-hellman-group14-sha256"),
        weak("diffie-hellman-group-exchange-sha1", SHA1),
        weak("diffie-hellman-group14-sha1", SHA1),
        weak("diffie-hellman-group1-sha1", "its 1024-bit group can be broken"),
    ],
};

/// AES-GCM first: it runs in hardware, ChaCha20 is about 1.5 times slower.
const ENCRYPTION: Kind = Kind {
    field: "encryption",
    known: &[
        approved("aes128-gcm@openssh.com"),
        approved("aes256-gcm@openssh.com"),
        sound("chacha20-poly1305@openssh.com"),
        approved("aes128-ctr"),
        approved("aes192-ctr"),
        approved("aes256-ctr"),
        weak("aes256-cbc", CBC),
        weak("aes192-cbc", CBC),
        weak("aes128-cbc", CBC),
        weak("3des-cbc", "its 64-bit blocks can be broken (Sweet32)"),
    ],
};

const MAC: Kind = Kind {
    field: "mac",
    known: &[
        approved("hmac-sha2-256-etm@openssh.com"),
        approved("hmac-sha2-512-etm@openssh.com"),
        approved("hmac-sha2-256"),
        approved("hmac-sha2-512"),
        weak("hmac-sha1-etm@openssh.com", SHA1),
        weak("hmac-sha1", SHA1),
    ],
};

const HOST_KEY: Kind = Kind {
    field: "host_key",
    known: &[
        sound("ssh-ed25519"),
        approved("ecdsa-sha2-nistp256"),
        approved("ecdsa-sha2-nistp384"),
        approved("ecdsa-sha2-nistp521"),
        approved("rsa-sha2-512"),
        approved("rsa-sha2-256"),
        weak("ssh-rsa", SHA1),
        weak("ssh-dss", "its 1024-bit keys can be broken"),
    ],
};

const KINDS: [&Kind; 4] = [&KEY_EXCHANGE, &ENCRYPTION, &MAC, &HOST_KEY];

const PRESET: &str = "preset";
const LEGACY: &str = "legacy";
const PRESETS: &[(&str, &str)] = &[
    ("default", "All that are sound."),
    (
        LEGACY,
        "The weak ones, too, last of all: only for servers that know nothing newer.",
    ),
    ("fips", "Those that FIPS mode allows."),
];

/// All there is to choose from.
pub(crate) const KNOWN: KnownAlgorithms = KnownAlgorithms {
    presets: PRESETS,
    key_exchange: KEY_EXCHANGE.known,
    encryption: ENCRYPTION.known,
    mac: MAC.known,
    host_key: HOST_KEY.known,
};

impl Kind {
    fn preset(&self, preset: &str) -> Vec<&'static str> {
        let takes = |known: &&KnownAlgorithm| match preset {
            LEGACY => true,
            "fips" => known.fips,
            _ => known.weak.is_none(),
        };
        self.known.iter().filter(takes).map(|k| k.name).collect()
    }

    /// The list that the settings give, or the preset's.
    fn chosen(&self, settings: &Map<String, Value>) -> Vec<&'static str> {
        match settings.get(self.field).and_then(Value::as_array) {
            Some(names) => names
                .iter()
                .filter_map(|n| self.find(n.as_str()?))
                .map(|k| k.name)
                .collect(),
            None => self.preset(settings.get(PRESET).and_then(Value::as_str).unwrap_or_default()),
        }
    }

    /// What of it is offered: in FIPS mode the approved ones only.
    ///
    /// # Errors
    /// [`ErrorKind::NotFips`] where that leaves nothing.
    fn offered(&self, settings: &Map<String, Value>, fips: bool) -> Result<Vec<&'static str>> {
        let chosen = self.chosen(settings);
        if !fips {
            return Ok(chosen);
        }
        let offered: Vec<&str> = chosen
            .iter()
            .filter(|name| self.approves(name))
            .copied()
            .collect();
        if offered.is_empty() {
            return Err(Error::new(
                ErrorKind::NotFips,
                format!(
                    "FIPS mode leaves no algorithm of the connection's ssh_algorithms.{}: it names {}, and the mode allows {}. \
                     Name some of these there, or have an admin exempt the connection (fips_override)",
                    self.field,
                    chosen.join(", "),
                    self.preset("fips").join(", "),
                ),
            ));
        }
        Ok(offered)
    }

    fn approves(&self, name: &str) -> bool {
        self.find(name).is_some_and(|known| known.fips)
    }

    /// What FIPS mode does not allow in a list of one's own.
    fn not_fips(&self, settings: &Map<String, Value>) -> Option<String> {
        settings.get(self.field)?;
        let chosen = self.chosen(settings);
        let refused: Vec<&str> = chosen.into_iter().filter(|name| !self.approves(name)).collect();
        (!refused.is_empty()).then(|| {
            format!(
                "{} names {}, which FIPS mode does not allow; it allows {}",
                self.field,
                refused.join(", "),
                self.preset("fips").join(", ")
            )
        })
    }

    fn find(&self, name: &str) -> Option<&'static KnownAlgorithm> {
        self.known.iter().find(|k| k.name == name)
    }

    fn problem(&self, names: &Value) -> Option<String> {
        let known = || self.known.iter().map(|k| k.name).collect::<Vec<_>>().join(", ");
        let Some(names) = names.as_array().filter(|n| !n.is_empty()) else {
            return Some(format!(
                "{} must be a list of at least one name; known are {}",
                self.field,
                known()
            ));
        };
        let unknown: Vec<String> = names
            .iter()
            .filter(|n| n.as_str().and_then(|n| self.find(n)).is_none())
            .map(|n| n.as_str().map_or_else(|| n.to_string(), str::to_owned))
            .collect();
        (!unknown.is_empty()).then(|| {
            format!(
                "{}: {} is not known here; known are {}",
                self.field,
                unknown.join(", "),
                known()
            )
        })
    }
}

/// What `ssh_algorithms` must not hold: unknown presets, lists and names.
pub(crate) fn problems(settings: &Map<String, Value>) -> Vec<String> {
    settings
        .iter()
        .filter_map(|(field, value)| match KINDS.iter().find(|k| k.field == field) {
            Some(kind) => kind.problem(value),
            None if field == PRESET && value.as_str().is_some_and(is_preset) => None,
            None if field == PRESET => {
                let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
                Some(format!("preset must be one of {}", names.join(", ")))
            }
            None => Some(format!(
                "{field} is not known here; known are preset, key_exchange, encryption, mac, host_key"
            )),
        })
        .collect()
}

fn is_preset(name: &str) -> bool {
    PRESETS.iter().any(|(known, _)| *known == name)
}

/// Weak algorithms that `ssh_algorithms` offers, in words.
pub(crate) fn warnings(settings: &Map<String, Value>) -> Vec<String> {
    KINDS
        .into_iter()
        .flat_map(|kind| {
            kind.chosen(settings)
                .into_iter()
                .filter_map(|name| kind.find(name))
        })
        .filter_map(|known| {
            Some(format!(
                "The SSH algorithm {} is offered: {}.",
                known.name, known.weak?
            ))
        })
        .collect()
}

/// What `ssh_algorithms` asks for that FIPS mode does not allow, in words. A preset that has approved ones first asks for
/// nothing: the mode takes those of it.
pub(crate) fn not_fips(settings: &Map<String, Value>) -> Vec<String> {
    let is_legacy = settings.get(PRESET).and_then(Value::as_str) == Some(LEGACY);
    let legacy = (is_legacy && KINDS.iter().any(|kind| !settings.contains_key(kind.field))).then(|| {
        format!("the preset {LEGACY} is for algorithms that FIPS mode does not allow; use the preset fips, or none")
    });
    legacy
        .into_iter()
        .chain(KINDS.iter().filter_map(|kind| kind.not_fips(settings)))
        .collect()
}

/// Why nobody should need an algorithm, also one that servers have and that is not known here.
pub(crate) fn weakness(name: &str) -> Option<&'static str> {
    if let Some(known) = KINDS.iter().find_map(|kind| kind.find(name)) {
        return known.weak;
    }
    // Certificates, key exchanges with GSSAPI and their like have the name of what they are made of in theirs.
    FOREIGN
        .iter()
        .find_map(|(part, why)| name.contains(part).then_some(*why))
}

/// What is weak wherever it stands in a name, and why.
const FOREIGN: &[(&str, &str)] = &[
    ("arcfour", "RC4 can be broken"),
    ("-cbc", CBC),
    ("md5", "it relies on MD5"),
    ("sha1", SHA1),
    ("ssh-dss", "its 1024-bit keys can be broken"),
    ("ssh-rsa-cert", SHA1),
    ("none", "it protects nothing"),
];

/// What is offered to a server. The host key types that are pinned come first, so that a second key of
/// the same server does not look like a change.
///
/// # Errors
/// [`ErrorKind::NotFips`] where FIPS mode leaves nothing of a list.
pub(crate) fn preferred(
    settings: &Map<String, Value>,
    pinned_key_types: &[String],
    fips: bool,
) -> Result<Preferred> {
    let mut kex: Vec<kex::Name> = KEY_EXCHANGE
        .offered(settings, fips)?
        .into_iter()
        .filter_map(|n| n.try_into().ok())
        .collect();
    kex.extend([
        kex::EXTENSION_SUPPORT_AS_CLIENT,
        kex::EXTENSION_OPENSSH_STRICT_KEX_AS_CLIENT,
    ]);

    let is_pinned = |name: &&str| {
        pinned_key_types
            .iter()
            .any(|pin| pin == name || pin == "ssh-rsa" && name.starts_with("rsa-sha2-"))
    };
    let (pinned, other): (Vec<&str>, Vec<&str>) =
        HOST_KEY.offered(settings, fips)?.into_iter().partition(is_pinned);
    let key: Vec<Algorithm> = pinned
        .into_iter()
        .chain(other)
        .filter_map(|name| Algorithm::new(name).ok())
        .collect();

    let cipher: Vec<cipher::Name> = ENCRYPTION
        .offered(settings, fips)?
        .into_iter()
        .filter_map(|n| n.try_into().ok())
        .collect();
    let mac: Vec<mac::Name> = MAC
        .offered(settings, fips)?
        .into_iter()
        .filter_map(|n| n.try_into().ok())
        .collect();
    Ok(Preferred {
        kex: kex.into(),
        key: key.into(),
        host_key_certificates: Cow::Borrowed(&[]),
        cipher: cipher.into(),
        mac: mac.into(),
        compression: Cow::Borrowed(&[compression::NONE]),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    fn names<T: AsRef<str>>(names: &[T]) -> Vec<&str> {
        names.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn every_known_name_exists_in_the_library() {
        let all = preferred(&settings(json!({"preset": "legacy"})), &[], false).unwrap();
        assert_eq!(all.kex.len(), KEY_EXCHANGE.known.len() + 2);
        assert_eq!(all.cipher.len(), ENCRYPTION.known.len());
        assert_eq!(all.mac.len(), MAC.known.len());
        assert_eq!(all.key.len(), HOST_KEY.known.len());
    }

    #[test]
    fn presets_differ_in_what_is_weak_or_approved() {
        let default = preferred(&Map::new(), &[], false).unwrap();
        assert_eq!(names(&default.cipher)[..3], ENCRYPTION.preset("default")[..3]);
        assert!(warnings(&Map::new()).is_empty());

        let fips = preferred(&settings(json!({"preset": "fips"})), &[], false).unwrap();
        assert_eq!(names(&fips.kex)[0], "ecdh-sha2-nistp256");
        assert!(!names(&fips.cipher).iter().any(|n| n.contains("chacha")));
        assert!(!fips.key.contains(&Algorithm::Ed25519));

        let legacy = warnings(&settings(json!({"preset": "legacy"})));
        assert!(legacy.iter().any(|w| w.contains("3des-cbc")), "{legacy:?}");
    }

    #[test]
    fn lists_override_the_preset_and_keep_their_order() {
        let own = settings(json!({"preset": "fips", "encryption": ["aes256-ctr", "3des-cbc"]}));
        assert_eq!(
            names(&preferred(&own, &[], false).unwrap().cipher),
            ["aes256-ctr", "3des-cbc"]
        );
        assert_eq!(warnings(&own).len(), 1);
        assert!(problems(&own).is_empty());
    }

    #[test]
    fn names_what_does_not_exist() {
        let wrong =
            settings(json!({"preset": "best", "mac": ["hmac-md4", 7], "encryption": [], "cipher": []}));
        let problems = problems(&wrong);
        assert_eq!(problems.len(), 4, "{problems:?}");
        assert!(
            problems
                .iter()
                .any(|p| p.contains("hmac-md4, 7 is not known here; known are hmac-sha2-256-etm"))
        );
    }

    #[test]
    fn pinned_key_types_are_offered_first() {
        let key = |pins: &[&str]| {
            let pins: Vec<String> = pins.iter().map(|p| (*p).to_owned()).collect();
            preferred(&Map::new(), &pins, false)
                .unwrap()
                .key
                .iter()
                .map(|k| k.as_str().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            key(&["ssh-rsa"])[..3],
            ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]
        );
        assert_eq!(
            key(&["ecdsa-sha2-nistp384"])[..2],
            ["ecdsa-sha2-nistp384", "ssh-ed25519"]
        );
    }

    #[test]
    fn what_servers_have_is_judged_known_here_or_not() {
        for weak in [
            "aes128-cbc",
            "rijndael-cbc@lysator.liu.se",
            "arcfour256",
            "hmac-md5-96",
            "hmac-sha1-96-etm@openssh.com",
            "gss-gex-sha1-toWM5Slw5Ew8Mqkay+al2g==",
            "ssh-rsa",
            "ssh-rsa-cert-v01@openssh.com",
            "none",
        ] {
            assert!(weakness(weak).is_some(), "{weak}");
        }
        for sound in [
            "aes256-gcm@openssh.com",
            "hmac-sha2-256",
            "sntrup761x25519-sha512",
            "rsa-sha2-512",
            "rsa-sha2-512-cert-v01@openssh.com",
            "kex-strict-s-v00@openssh.com",
            "umac-128-etm@openssh.com",
        ] {
            assert_eq!(weakness(sound), None, "{sound}");
        }
    }

    #[test]
    fn fips_mode_takes_the_approved_ones_of_every_preset() {
        let fips = preferred(&settings(json!({"preset": "fips"})), &[], false).unwrap();
        for (preset, _) in PRESETS {
            let cut = preferred(&settings(json!({ "preset": preset })), &[], true).unwrap();
            assert_eq!(names(&cut.kex), names(&fips.kex), "{preset}");
            assert_eq!(names(&cut.cipher), names(&fips.cipher), "{preset}");
            assert_eq!(names(&cut.mac), names(&fips.mac), "{preset}");
            assert_eq!(cut.key, fips.key, "{preset}");
        }
        let all = [
            fips.kex.iter().map(AsRef::as_ref).collect::<Vec<&str>>(),
            names(&fips.cipher),
            names(&fips.mac),
        ];
        for name in all.concat() {
            let foreign = [
                "25519",
                "chacha",
                "sha1",
                "md5",
                "cbc",
                "group1-",
                "group-exchange",
                "mlkem",
            ];
            assert!(!foreign.iter().any(|f| name.contains(f)), "{name}");
        }
    }

    #[test]
    fn lists_of_ones_own_are_cut_down_or_refused() {
        let own = settings(json!({"encryption": ["chacha20-poly1305@openssh.com", "aes256-ctr"]}));
        assert_eq!(names(&preferred(&own, &[], true).unwrap().cipher), ["aes256-ctr"]);
        assert_eq!(not_fips(&own).len(), 1);

        let own = settings(json!({"mac": ["hmac-sha1"]}));
        let refused = preferred(&own, &[], true).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotFips);
        for part in [
            "ssh_algorithms.mac",
            "names hmac-sha1",
            "allows hmac-sha2-256-etm@openssh.com",
        ] {
            assert!(refused.message().contains(part), "{refused}");
        }
    }

    #[test]
    fn what_asks_for_more_than_fips_mode_allows_is_named() {
        for fine in [
            json!({}),
            json!({"preset": "default"}),
            json!({"preset": "fips", "mac": ["hmac-sha2-256"]}),
        ] {
            assert!(not_fips(&settings(fine.clone())).is_empty(), "{fine}");
        }
        let named = not_fips(&settings(
            json!({"preset": "legacy", "host_key": ["ssh-ed25519", "ssh-rsa"]}),
        ));
        assert_eq!(named.len(), 2, "{named:?}");
        assert!(
            named[0].contains("legacy") && named[1].contains("ssh-ed25519, ssh-rsa"),
            "{named:?}"
        );
    }
}
