//! Lists of revoked certificates (RFC 5280 section 5) that somebody gave for a connection.
//!
//! None is fetched: a certificate whose issuer has no list among the given ones passes. OpenSSL would want a list for each
//! issuer or for none, so the lists are looked at here, once the chain is known.

use courier_transfer::CertificateProblem;
use openssl::{
    asn1::{Asn1Time, Asn1TimeRef},
    x509::{CrlStatus, X509, X509Crl},
};

use super::{
    certificate::{distinguished_name, timestamp},
    pem,
};

/// The identifier of the extension that a list of changes alone has (2.5.29.27), in DER.
const DELTA: [u8; 5] = [0x06, 0x03, 0x55, 0x1d, 0x1b];

/// Reads lists from PEM.
///
/// # Errors
/// What isn't understood, and what to do.
pub(super) fn parse(text: &str) -> Result<Vec<X509Crl>, String> {
    let mut lists = Vec::new();
    for block in
        pem::blocks(text).map_err(|e| format!("the list of revoked certificates is not whole: {e}"))?
    {
        if block.label != "X509 CRL" {
            return Err(format!(
                "expected a list of revoked certificates (X509 CRL), got a block {}",
                block.label
            ));
        }
        let list = X509Crl::from_pem(block.text.as_bytes()).map_err(|_| {
            "an X509 CRL block can't be read: it is damaged or no list of revoked certificates".to_owned()
        })?;
        let is_delta = list
            .to_der()
            .is_ok_and(|der| der.windows(DELTA.len()).any(|bytes| bytes == DELTA));
        if is_delta {
            return Err(format!(
                "the list of revoked certificates of {} is a delta, which holds only changes: give the complete one",
                distinguished_name(list.issuer_name())
            ));
        }
        lists.push(list);
    }
    if lists.is_empty() {
        return Err(
            "no X509 CRL block in it: a list in DER becomes PEM by openssl crl -inform DER -in FILE"
                .to_owned(),
        );
    }
    Ok(lists)
}

/// What the lists say about a chain, the server's certificate first.
pub(super) fn problems(lists: &[X509Crl], chain: &[X509]) -> Vec<CertificateProblem> {
    let mut problems = Vec::new();
    let mut concerned = lists.is_empty();
    for (i, certificate) in chain.iter().enumerate() {
        let is_root = i > 0 && same_name(certificate.issuer_name(), certificate.subject_name());
        if is_root {
            // Who trusts a root does so by itself; nobody can revoke it but itself.
            continue;
        }
        let issued = |list: &&X509Crl| same_name(list.issuer_name(), certificate.issuer_name());
        let of_issuer: Vec<&X509Crl> = lists.iter().filter(issued).collect();
        concerned |= !of_issuer.is_empty();
        // Without the issuer's certificate the chain is refused anyway, and a list that names the certificate still counts.
        let issuer = chain.get(i + 1).unwrap_or(certificate);
        let is_known = same_name(issuer.subject_name(), certificate.issuer_name());
        let signed = |list: &&X509Crl| {
            !is_known
                || issuer
                    .public_key()
                    .is_ok_and(|key| list.verify(&key).unwrap_or(false))
        };
        let newest = of_issuer
            .iter()
            .copied()
            .filter(signed)
            .reduce(|a, b| if a.last_update() < b.last_update() { b } else { a });
        match newest {
            Some(list) => problems.extend(verdict(list, certificate)),
            None if of_issuer.is_empty() => {}
            None => problems.push(CertificateProblem::Other(format!(
                "the given list of revoked certificates of {} is not signed by that issuer's key",
                distinguished_name(certificate.issuer_name())
            ))),
        }
    }
    if !concerned {
        let issuers: Vec<String> = lists
            .iter()
            .map(|l| distinguished_name(l.issuer_name()))
            .collect();
        problems.push(CertificateProblem::Other(format!(
            "the given list of revoked certificates is of another issuer: {}",
            issuers.join("; ")
        )));
    }
    problems
}

/// What one list says about one certificate, and whether it still may.
fn verdict(list: &X509Crl, certificate: &X509) -> Vec<CertificateProblem> {
    let issuer = distinguished_name(list.issuer_name());
    let mut problems = Vec::new();
    if matches!(list.get_by_cert(certificate), CrlStatus::Revoked(_)) {
        problems.push(CertificateProblem::Revoked);
    }
    let words = |time: &Asn1TimeRef| timestamp(time).map_or_else(|_| time.to_string(), |t| t.to_string());
    // A time that can't be compared is in order for nobody.
    let now = Asn1Time::days_from_now(0).ok();
    let is_past = |time: &Asn1TimeRef| now.as_ref().is_none_or(|now| time < now);
    let is_future = |time: &Asn1TimeRef| now.as_ref().is_none_or(|now| time > now);
    if let Some(next) = list.next_update().filter(|next| is_past(next)) {
        problems.push(CertificateProblem::Other(format!(
            "the given list of revoked certificates of {issuer} is too old: the next one was due on {}",
            words(next)
        )));
    }
    if is_future(list.last_update()) {
        problems.push(CertificateProblem::Other(format!(
            "the given list of revoked certificates of {issuer} is of the future: {}",
            words(list.last_update())
        )));
    }
    problems
}

fn same_name(a: &openssl::x509::X509NameRef, b: &openssl::x509::X509NameRef) -> bool {
    a.try_cmp(b).is_ok_and(|order| order.is_eq())
}
