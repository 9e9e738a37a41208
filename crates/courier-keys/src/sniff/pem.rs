//! PEM (RFC 7468, and RFC 1421 for its headers).

use zeroize::Zeroizing;

use super::{Container, clear, decode_base64, instead, printable};
use crate::asn1::{self, Form};
use crate::error::{Error, Result};
use crate::key_type;

/// The label of the first PEM block that holds a private key, and what follows it. Other blocks may come before:
/// `openssl ecparam` writes the curve first, others a certificate.
pub(super) fn private_block(text: &str) -> Option<(&str, &str)> {
    let mut rest = text;
    loop {
        let (_, found) = rest.split_once("-----BEGIN ")?;
        let (label, after) = found.split_once("-----")?;
        if label.ends_with("PRIVATE KEY") && !label.contains('\n') {
            return Some((label, after));
        }
        rest = after;
    }
}

/// Decodes one PEM block. What is in it counts, not which key its label promises: programs mix up PKCS#1, SEC 1 and
/// PKCS#8.
pub(super) fn container(label: &str, rest: &str) -> Result<Container> {
    let format = match label {
        "OPENSSH PRIVATE KEY" => "OpenSSH",
        "RSA PRIVATE KEY" => "PKCS#1",
        "EC PRIVATE KEY" => "SEC1",
        "PRIVATE KEY" | "ENCRYPTED PRIVATE KEY" => "PKCS#8",
        "DSA PRIVATE KEY" => return Err(key_type::dsa()),
        other => {
            return Err(Error::Unsupported {
                what: format!("a private key of the kind \"{}\"", printable(other)),
                fix: "export it in the OpenSSH format",
            });
        }
    };
    let malformed = |reason: &str| Error::Malformed {
        format,
        reason: reason.into(),
    };
    let (body, _) = rest
        .split_once("-----END ")
        .ok_or_else(|| malformed("its END line is missing"))?;

    let Block { encoded, dek_info } = Block::read(body);
    let data = decode_base64(&encoded).ok_or_else(|| malformed("its text is not base64"))?;
    if format == "OpenSSH" {
        return Ok(Container::OpenSsh(data));
    }
    if let Some(info) = dek_info {
        let (cipher, iv) = info
            .split_once(',')
            .ok_or_else(|| malformed("its DEK-Info header names no cipher"))?;
        return Ok(Container::LegacyEncrypted {
            cipher: cipher.into(),
            iv: iv.into(),
            data,
        });
    }
    let value = asn1::first_value(&data).ok_or_else(|| malformed("it is cut off, or no ASN.1"))?;
    let form = Form::of(value).ok_or_else(|| malformed("its ASN.1 is not that of a private key"))?;
    clear(form, Zeroizing::new(value.to_vec())).ok_or_else(|| instead::of_form(form))
}

/// What stands between the lines of a block.
struct Block {
    encoded: Zeroizing<String>,
    dek_info: Option<String>,
}

impl Block {
    /// Line ends may have become spaces on the way, or the two characters `\n`, as in JSON and shell variables.
    fn read(body: &str) -> Self {
        let mut block = Self {
            encoded: Zeroizing::new(String::with_capacity(body.len())),
            dek_info: None,
        };
        for line in body.split("\\n").flat_map(str::lines) {
            block.read_line(line.trim_end_matches("\\r"));
        }
        block
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        while let Some(word) = words.next() {
            let Some((name, value)) = word.split_once(':') else {
                self.encoded.push_str(word);
                continue;
            };
            let value = match value {
                "" => words.next().unwrap_or_default(),
                value => value,
            };
            match name {
                "DEK-Info" => self.dek_info = Some(value.to_owned()),
                "Proc-Type" => {}
                // Some other header, which has its line.
                _ => return,
            }
        }
    }
}
