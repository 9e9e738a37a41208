//! Secrets in a haystack: in clear, and in every form that a program may have brought them into.

use std::collections::HashMap;

/// Secrets to look for.
#[derive(Default)]
pub(crate) struct Needles {
    forms: Vec<(String, Vec<u8>)>,
    /// By the first eight bytes.
    starts: HashMap<[u8; 8], Vec<usize>>,
}

impl Needles {
    /// Looks for this, too; it has twelve bytes at least, else it is found by chance.
    pub(crate) fn add(&mut self, name: &str, secret: impl AsRef<[u8]>) {
        let secret = secret.as_ref();
        assert!(secret.len() >= 12, "{name} is too short to be looked for");
        for (form, bytes) in forms(secret) {
            let start = bytes.first_chunk::<8>().unwrap();
            self.starts.entry(*start).or_default().push(self.forms.len());
            self.forms.push((format!("{name}, {form}"), bytes));
        }
    }

    /// What of it is in there.
    pub(crate) fn find(&self, haystack: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, window) in haystack.windows(8).enumerate() {
            let Some(candidates) = self.starts.get(window) else {
                continue;
            };
            for candidate in candidates {
                let (name, bytes) = &self.forms[*candidate];
                if haystack[at..].starts_with(bytes) && !found.contains(&name.as_str()) {
                    found.push(name.as_str());
                }
            }
        }
        found
    }
}

fn forms(secret: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut forms = vec![("in clear".to_owned(), secret.to_vec())];
    let hex = |digits: &dyn Fn(&u8) -> String| secret.iter().map(digits).collect::<String>().into_bytes();
    forms.push(("in hex".into(), hex(&|b| format!("{b:02x}"))));
    forms.push(("in HEX".into(), hex(&|b| format!("{b:02X}"))));
    let numbers: Vec<String> = secret.iter().map(u8::to_string).collect();
    forms.push(("as numbers".into(), numbers.join(", ").into_bytes()));
    forms.push(("as numbers without spaces".into(), numbers.join(",").into_bytes()));
    if let Ok(text) = str::from_utf8(secret) {
        let wide: Vec<u16> = text.encode_utf16().collect();
        forms.push((
            "in UTF-16LE".into(),
            wide.iter().flat_map(|u| u.to_le_bytes()).collect(),
        ));
        forms.push((
            "in UTF-16BE".into(),
            wide.iter().flat_map(|u| u.to_be_bytes()).collect(),
        ));
        let json = serde_json::to_string(text).unwrap();
        forms.push(("in JSON".into(), json.trim_matches('"').into()));
        let ascii: String = text.chars().map(escaped).collect();
        forms.push(("in JSON of ASCII".into(), ascii.into_bytes()));
        let url: String = secret.iter().map(percent).collect();
        forms.push(("in a URL".into(), url.into_bytes()));
    }
    forms.push(("escaped".into(), secret.escape_ascii().to_string().into_bytes()));
    for offset in 0..3 {
        for (name, alphabet) in [("base64", STANDARD), ("base64url", URL)] {
            forms.push((format!("in {name} at {offset}"), base64(secret, offset, alphabet)));
        }
    }
    forms.sort_by(|a, b| a.1.cmp(&b.1));
    forms.dedup_by(|a, b| a.1 == b.1);
    forms
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The letters that stand for these bytes alone, where `offset` others (of three) come before them.
fn base64(bytes: &[u8], offset: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bit = |at: usize| bytes[at / 8] >> (7 - at % 8) & 1;
    let first = (offset * 8).div_ceil(6) * 6 - offset * 8;
    let whole = (bytes.len() * 8 - first) / 6;
    let letter = |n: usize| (0..6).fold(0, |value, i| value << 1 | bit(first + n * 6 + i));
    (0..whole).map(|n| alphabet[usize::from(letter(n))]).collect()
}

/// The bytes of standard base64; what is no letter of it is left out.
pub(crate) fn from_base64(text: &str) -> Vec<u8> {
    let letters = text
        .bytes()
        .filter_map(|b| STANDARD.iter().position(|&letter| letter == b));
    let bits: Vec<u8> = letters
        .flat_map(|value| (0..6).rev().map(move |i| (value >> i & 1) as u8))
        .collect();
    bits.chunks_exact(8)
        .map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit))
        .collect()
}

fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        _ => {
            let mut units = [0; 2];
            let units = c.encode_utf16(&mut units).iter();
            units.map(|unit| format!("\\u{unit:04x}")).collect()
        }
    }
}

fn percent(byte: &u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(*byte).to_string(),
        _ => format!("%{byte:02X}"),
    }
}

#[test]
fn what_is_planted_is_found_in_every_form() {
    const SECRET: &str = "p\u{e4}ss\"w\u{f6}rd\\1234";
    let mut needles = Needles::default();
    needles.add("planted", SECRET);
    let planted: Vec<Vec<u8>> = [
        SECRET.as_bytes().to_vec(),
        b"70c3a473732277c3b672645c31323334".to_vec(),
        b"password: \"p\\u00e4ss\\\"w\\u00f6rd\\\\1234\"".to_vec(),
        b"p%C3%A4ss%22w%C3%B6rd%5C1234".to_vec(),
        format!("{:?}", SECRET.as_bytes()).into_bytes(),
        format!("{SECRET:?}").into_bytes(),
        SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        SECRET.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        // What `base64` makes of it alone, behind one letter and behind two.
        b"cMOkc3Mid8O2cmRcMTIzNA==".to_vec(),
        b"eHDDpHNzInfDtnJkXDEyMzQ=".to_vec(),
        b"eHhww6RzcyJ3w7ZyZFwxMjM0".to_vec(),
    ]
    .into();
    for haystack in planted {
        let around = [b"before".as_slice(), &haystack, b"after"].concat();
        assert!(!needles.find(&around).is_empty(), "{}", haystack.escape_ascii());
        assert!(needles.find(&around[..around.len() - 12]).is_empty());
    }
    assert_eq!(from_base64("cMOkc3Mid8O2cmRcMTIzNA=="), SECRET.as_bytes());
}
