//! In which form a file is sent (RFC 9110, section 12.5.3).

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    /// The best first, where a client takes all equally well.
    const ALL: [Self; 3] = [Self::Brotli, Self::Gzip, Self::Identity];

    /// As headers name it; what isn't packed has no name.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
            Self::Identity => None,
        }
    }

    /// What ends the name of a file that is packed so.
    pub(super) fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
            Self::Identity => "",
        }
    }

    fn is_called(self, name: &str) -> bool {
        let names: &[&str] = match self {
            Self::Brotli => &["br"],
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Identity => &["identity"],
        };
        names.iter().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// The one of those that there are that the client likes best, by its header `Accept-Encoding`. As it is, a file may always
    /// be sent: that is better than nothing also for who says no to it.
    pub(super) fn best(accept: &str, is_there: impl Fn(Self) -> bool) -> Self {
        let mut best = (Self::Identity, 0);
        for coding in Self::ALL {
            let quality = coding.quality(accept);
            if quality > best.1 && is_there(coding) {
                best = (coding, quality);
            }
        }
        best.0
    }

    /// How much the client likes it, in thousandths.
    fn quality(self, accept: &str) -> u16 {
        let (mut named, mut any) = (None, None);
        for (name, quality) in weighed(accept) {
            if self.is_called(name) {
                named = Some(quality);
            } else if name == "*" {
                any = Some(quality);
            }
        }
        // What is not packed is welcome unless somebody says no, but less so than what was asked for.
        let unsaid = u16::from(self == Self::Identity);
        named.or(any).unwrap_or(unsaid)
    }
}

/// The entries of a header with weights, each with its own in thousandths.
pub(super) fn weighed(header: &str) -> impl Iterator<Item = (&str, u16)> {
    header.split(',').map(|entry| {
        let mut parts = entry.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| {
            let (key, value) = part.split_once('=')?;
            key.trim()
                .eq_ignore_ascii_case("q")
                .then(|| thousandths(value.trim()))
        });
        (name, weight.unwrap_or(1000))
    })
}

/// `0.25` is 250. What can't be read is no wish.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let is_number = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "1" => 1000,
        "0" if is_number => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{Coding::*, *};

    #[test]
    fn the_best_that_there_is_and_that_is_wanted() {
        for (accept, best) in [
            ("", Identity),
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("X-GZIP", Gzip),
            ("br;q=0.5, gzip;q=0.8", Gzip),
            ("br;q=0.5, gzip; Q=0.500", Brotli),
            ("gzip;q=0.2, identity;q=0.8", Identity),
            ("br;q=0", Identity),
            ("br;q=0, *", Gzip),
            ("*;q=0.1", Brotli),
            ("*", Brotli),
            ("identity;q=0, gzip;q=0.001", Gzip),
            ("identity;q=0", Identity),
            ("br;q=nonsense, gzip;q=0.1", Gzip),
            ("br;q=1.0", Brotli),
            (";;,=,q=1;q", Identity),
        ] {
            assert_eq!(Coding::best(accept, |_| true), best, "{accept}");
        }
        assert_eq!(Coding::best("br, gzip;q=0.5", |coding| coding != Brotli), Gzip);
        assert_eq!(Coding::best("br, gzip", |coding| coding == Identity), Identity);
    }
}
