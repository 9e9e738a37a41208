//! What a server can do, as it tells by FEAT (RFC 2389; RFC 3659; the drafts of HASH and MFMT).

use courier_transfer::Algorithm;

use super::Reply;

/// What a server announced. All is false where it knows no FEAT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The lines, for people.
    pub lines: Vec<String>,
    /// It answered FEAT.
    pub is_known: bool,
    /// Names are UTF-8.
    pub utf8: bool,
    /// MLST, and with it MLSD, with these facts; each is on, or offered and off.
    pub mlst: Option<Vec<Fact>>,
    /// REST before RETR and STOR, in stream mode.
    pub rest_stream: bool,
    /// SIZE.
    pub size: bool,
    /// MDTM.
    pub mdtm: bool,
    /// MFMT sets modification times.
    pub mfmt: bool,
    /// EPSV.
    pub epsv: bool,
    /// EPRT.
    pub eprt: bool,
    /// PRET, which has to come before PASV.
    pub pret: bool,
    /// What HASH can compute.
    pub hash: Vec<Algorithm>,
    /// What HASH computes unless told otherwise, where that is known here.
    pub hash_selected: Option<Algorithm>,
    /// What XSHA1, XSHA256 and XSHA512 compute.
    pub x_hash: Vec<Algorithm>,
}

/// A fact of MLST and MLSD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Its name, as the server writes it.
    pub name: String,
    /// It is told unless OPTS says otherwise.
    pub is_on: bool,
}

/// The facts that are of use.
const WANTED: [&str; 4] = ["type", "size", "modify", "UNIX.mode"];

impl Features {
    /// Of the reply to FEAT. Anything but 211 says that the server does not know it.
    pub fn of(reply: &Reply) -> Self {
        let mut features = Self::default();
        if reply.code != 211 {
            return features;
        }
        features.is_known = true;
        // The first and the last line are words for people, and the only one where there are no features.
        let inner = reply.lines.get(1..reply.lines.len().saturating_sub(1));
        for line in inner.unwrap_or_default() {
            let line = super::reply::shown(line);
            let line = line.trim();
            if !line.is_empty() {
                features.take(line);
                features.lines.push(line.to_owned());
            }
        }
        features
    }

    /// The argument of `OPTS MLST` that asks for the facts of use; `None` where they are told anyway, and few others.
    pub fn wanted_facts(&self) -> Option<String> {
        let offered = self.mlst.as_ref()?;
        if offered.iter().all(|fact| fact.is_on == is_wanted(fact)) {
            return None;
        }
        let wanted: String = offered
            .iter()
            .filter(|fact| is_wanted(fact))
            .map(|fact| format!("{};", fact.name))
            .collect();
        Some(wanted).filter(|wanted| !wanted.is_empty())
    }

    /// What `OPTS MLST` was answered with: the facts that are told from now on.
    pub fn agreed(&mut self, reply: &Reply) {
        for fact in self.mlst.iter_mut().flatten() {
            if reply.is_done() {
                fact.is_on = is_wanted(fact);
            }
        }
    }

    /// Do MLST and MLSD tell that fact?
    pub fn tells(&self, fact: &str) -> bool {
        let offered = self.mlst.as_deref().unwrap_or_default();
        offered
            .iter()
            .any(|offer| offer.is_on && offer.name.eq_ignore_ascii_case(fact))
    }

    fn take(&mut self, line: &str) {
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match name.to_ascii_uppercase().as_str() {
            "UTF8" => self.utf8 = true,
            "MLST" => self.mlst = Some(facts(rest)),
            // Some servers name it beside MLST, or alone.
            "MLSD" => {
                self.mlst.get_or_insert_default();
            }
            "REST" => self.rest_stream |= rest.to_ascii_uppercase().contains("STREAM"),
            "SIZE" => self.size = true,
            "MDTM" => self.mdtm = true,
            "MFMT" => self.mfmt = true,
            "EPSV" => self.epsv = true,
            "EPRT" => self.eprt = true,
            "PRET" => self.pret = true,
            "HASH" => self.hashes(rest),
            "XSHA" | "XSHA1" => self.x_hash.push(Algorithm::Sha1),
            "XSHA256" => self.x_hash.push(Algorithm::Sha256),
            "XSHA512" => self.x_hash.push(Algorithm::Sha512),
            _ => {}
        }
    }

    /// `SHA-256*;SHA-1;CRC32`: a star stands behind the one in use.
    fn hashes(&mut self, list: &str) {
        for name in list.split(';').map(str::trim) {
            if let Some(algorithm) = hash_named(name.trim_end_matches('*')) {
                self.hash.push(algorithm);
                if name.ends_with('*') {
                    self.hash_selected = Some(algorithm);
                }
            }
        }
    }
}

fn is_wanted(fact: &Fact) -> bool {
    WANTED.iter().any(|wanted| fact.name.eq_ignore_ascii_case(wanted))
}

/// `Type*;Size*;Modify*;UNIX.mode;`: a star stands behind what is on.
fn facts(list: &str) -> Vec<Fact> {
    let facts = list.split(';').map(str::trim).filter(|fact| !fact.is_empty());
    facts
        .map(|fact| Fact {
            name: fact.trim_end_matches('*').to_owned(),
            is_on: fact.ends_with('*'),
        })
        .collect()
}

/// The algorithm of a name that HASH uses (`SHA-256`).
pub(crate) fn hash_named(name: &str) -> Option<Algorithm> {
    Algorithm::ALL
        .into_iter()
        .find(|algorithm| hash_name(*algorithm).eq_ignore_ascii_case(name))
}

/// Its name in HASH.
pub(crate) fn hash_name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha512 => "SHA-512",
        Algorithm::Sha384 => "SHA-384",
        Algorithm::Sha1 => "SHA-1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16) -> Reply {
        Reply {
            code,
            lines: vec![b"words".to_vec()],
        }
    }

    fn features(lines: &[&str]) -> Features {
        let mut all = vec![b"Features:".to_vec()];
        all.extend(lines.iter().map(|line| line.as_bytes().to_vec()));
        all.push(b"End".to_vec());
        Features::of(&Reply {
            code: 211,
            lines: all,
        })
    }

    #[test]
    fn lines_become_features() {
        let f = features(&[
            " AUTH TLS",
            " EPSV",
            " MDTM",
            " MFMT",
            " MLST type*;size*;modify*;UNIX.mode;perm*;",
            " REST STREAM",
            " SIZE",
            " utf8",
            " HASH SHA-1;SHA-256*;CRC32",
            " XSHA512 filename;start;end",
        ]);
        assert!(f.is_known && f.epsv && f.mdtm && f.mfmt && f.rest_stream && f.size && f.utf8);
        assert!(!f.eprt && !f.pret);
        assert_eq!(f.hash, [Algorithm::Sha1, Algorithm::Sha256]);
        assert_eq!(f.hash_selected, Some(Algorithm::Sha256));
        assert_eq!(f.x_hash, [Algorithm::Sha512]);
        assert_eq!(f.wanted_facts().as_deref(), Some("type;size;modify;UNIX.mode;"));
        assert!(f.tells("perm") && !f.tells("unix.MODE"));
        assert_eq!(f.lines.len(), 10);
        let mut agreed = f.clone();
        agreed.agreed(&reply(501));
        assert_eq!(agreed, f);
        agreed.agreed(&reply(200));
        assert!(agreed.tells("unix.MODE") && !agreed.tells("perm"));
    }

    #[test]
    fn facts_that_are_right_are_not_asked_for() {
        assert_eq!(features(&["MLST type*;size*;unique;"]).wanted_facts(), None);
        assert_eq!(features(&["MLST"]).wanted_facts(), None);
        assert_eq!(features(&["SIZE"]).wanted_facts(), None);
    }

    #[test]
    fn a_server_without_feat_offers_nothing_known() {
        assert_eq!(Features::of(&reply(502)), Features::default());
        let none = reply(211);
        assert!(Features::of(&none).is_known && Features::of(&none).lines.is_empty());
    }
}
