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

    /// The bytes to send for a path. One that is not text goes as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] where the encoding lacks a character of it.
    pub(crate) fn encode(&self, path: &[u8]) -> Result<Vec<u8>> {
        let (Some(encoding), Ok(text)) = (self.0, std::str::from_utf8(path)) else {
            return Ok(path.to_vec());
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

    /// What a server sent, as UTF-8. What is no text of its encoding, or would not go back as it came, stays as it is.
    pub(crate) fn decode<'a>(&self, wire: &'a [u8]) -> Cow<'a, [u8]> {
        let Some(encoding) = self.0 else {
            return Cow::Borrowed(wire);
        };
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
            // What stayed as it was and is UTF-8 by chance would be encoded: no name in that encoding is both.
            prop_assume!(decoded.as_ref() != wire || std::str::from_utf8(&wire).is_err() || wire.is_ascii());
            prop_assert_eq!(names.encode(&decoded).unwrap(), wire);
        }
    }
}
