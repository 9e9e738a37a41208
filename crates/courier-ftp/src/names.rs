//! Names on the wire and here: the bytes of a [`RemotePath`](courier_transfer::RemotePath) are UTF-8, as far as they are
//! text; a server may want another encoding.

use std::borrow::Cow;

use courier_transfer::{Error, ErrorKind, Result};
use encoding_rs::Encoding;

/// How names go over the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Names(Option<&'static Encoding>);

impl Names {
    /// In that encoding; as they are where there is none.
    pub(crate) fn new(encoding: Option<&'static Encoding>) -> Self {
        Self(encoding.filter(|e| *e != encoding_rs::UTF_8))
    }

    /// The bytes to send for a path. A name in it that is not text goes as it is, whatever those beside it are.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the encoding lacks a character of it.
    pub(crate) fn encode(&self, path: &[u8]) -> Result<Vec<u8>> {
        let Some(encoding) = self.0 else {
            return Ok(path.to_vec());
        };
        // The slash is a byte of no other character in the encodings that may be set.
        let names: Result<Vec<_>> = path
            .split(|&b| b == b'/')
            .map(|name| encode(encoding, name))
            .collect();
        Ok(names?.join(&b'/'))
    }

    /// What a server sent, as UTF-8. A name in it that is no text of its encoding, or would not go back as it came, stays as it
    /// is.
    pub(crate) fn decode<'a>(&self, wire: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(encoding) = self.0 else {
            return Cow::Borrowed(wire);
        };
        if !wire.contains(&b'/') {
            return decode(encoding, wire);
        }
        let names: Vec<_> = wire
            .split(|&b| b == b'/')
            .map(|name| decode(encoding, name))
            .collect();
        Cow::Owned(names.join(&b'/'))
    }

    /// Does a name of the server's go back to it as it came? One that is UTF-8 by chance, and no text of the encoding, would
    /// go as another.
    pub(crate) fn goes_back(&self, wire: &[u8]) -> bool {
        self.0.is_none() || self.encode(&self.decode(wire)).is_ok_and(|sent| sent == wire)
    }
}

/// One name.
fn encode(encoding: &'static Encoding, name: &[u8]) -> Result<Vec<u8>> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Ok(name.to_vec());
    };
    match encoding.encode(text) {
        (bytes, _, false) => Ok(bytes.into_owned()),
            (_, _, true) => Err(Error::new(
                ErrorKind::Invalid,
                format!(
                    "the name has a character that {} lacks, the encoding of this connection; correct the setting \
                     encoding, or rename the file",
                    encoding.name()
                ),
            )
            .with("path", text)),
        }
}

/// One name.
fn decode<'a>(encoding: &'static Encoding, wire: &'a [u8]) -> Cow<'a, [u8]> {
    let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(wire) else {
        return Cow::Borrowed(wire);
    };
    match encoding.encode(&text) {
        (bytes, _, false) if bytes.as_ref() == wire => match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        },
        _ => Cow::Borrowed(wire),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(label: &str) -> Names {
        Names::new(Encoding::for_label(label.as_bytes()))
    }

    #[test]
    fn names_go_and_come_in_the_servers_encoding() {
        let latin = names("windows-1252");
        assert_eq!(latin.encode("grüße".as_bytes()).unwrap(), b"gr\xfc\xdfe");
        assert_eq!(latin.decode(b"gr\xfc\xdfe").as_ref(), "grüße".as_bytes());
        let japanese = names("shift_jis");
        let wire = japanese.encode("日本".as_bytes()).unwrap();
        assert_eq!(wire, b"\x93\xfa\x96\x7b");
        assert_eq!(japanese.decode(&wire).as_ref(), "日本".as_bytes());
    }

    #[test]
    fn what_an_encoding_lacks_is_refused() {
        let refused = names("windows-1252").encode("日".as_bytes()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Invalid);
    }

    #[test]
    fn each_name_of_a_path_goes_for_itself() {
        let japanese = names("shift_jis");
        let wire = b"/\x93\xfa\x96\x7b/\xfd\xfe";
        let path = japanese.decode(wire);
        assert_eq!(path.as_ref(), b"/\xe6\x97\xa5\xe6\x9c\xac/\xfd\xfe");
        assert_eq!(japanese.encode(&path).unwrap(), wire);
        assert!(japanese.goes_back(wire));
    }

    #[test]
    fn what_would_go_back_as_another_name_is_known() {
        // No text in the encoding, but UTF-8.
        let korean = names("euc-kr");
        let wire = "Ж".as_bytes();
        assert_eq!(korean.decode(wire).as_ref(), wire);
        assert!(!korean.goes_back(wire));
        assert!(Names::new(None).goes_back(wire));
    }

    #[test]
    fn bytes_stay_without_an_encoding() {
        let plain = Names::new(None);
        assert_eq!(plain.encode(b"caf\xe9").unwrap(), b"caf\xe9");
        assert_eq!(plain.decode(b"caf\xe9").as_ref(), b"caf\xe9");
    }

    proptest! {
        #[test]
        fn what_was_listed_can_be_asked_for(
            wire in proptest::collection::vec(any::<u8>(), 0..32),
            label in proptest::sample::select(vec!["windows-1252", "shift_jis", "gb18030", "euc-kr", "koi8-r", "big5"]),
        ) {
            let names = names(label);
            let decoded = names.decode(&wire);
            prop_assume!(names.goes_back(&wire));
            prop_assert_eq!(names.encode(&decoded).unwrap(), wire);
        }
    }
}
