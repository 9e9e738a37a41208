//! Lists of revoked certificates.

use courier_transfer::CertificateProblem as Problem;

use super::*;
use crate::tls::check_crl;

async fn problems_by(authority: &Authority, lists: &str, server: &Server) -> Vec<Problem> {
    let options = TlsOptions {
        crl_pem: Some(lists.to_owned()),
        ..TlsOptions::default()
    };
    problems(&tls_with(authority, HOST, &options, None), server).await
}

#[tokio::test]
async fn a_list_names_the_certificate_or_one_that_vouches_for_it() {
    let authority = Authority::new("Authority");
    let below = authority.subordinate("Subordinate");
    let identity = below.issue(&Request::server(&[HOST]));
    let other = below.issue(&Request::server(&[HOST]));
    let server = Server::of(server::context(&identity, &[&below.0]));
    // The authority has no list here, and the subordinate needs none.
    for (lists, expected) in [
        (below.crl(&[&other]), vec![]),
        (below.crl(&[&other, &identity]), vec![Problem::Revoked]),
        (authority.crl(&[&below.0]), vec![Problem::Revoked]),
        (authority.crl(&[]) + &below.crl(&[]), vec![]),
        (
            authority.crl(&[]) + "\nand:\r\n" + &below.crl(&[&identity]),
            vec![Problem::Revoked],
        ),
        (
            Authority::new("Stranger").crl(&[]) + &below.crl(&[&identity]),
            vec![Problem::Revoked],
        ),
    ] {
        assert_eq!(problems_by(&authority, &lists, &server).await, expected);
    }
}

#[tokio::test]
async fn a_list_that_says_nothing_is_a_problem() {
    let authority = Authority::new("Authority");
    let identity = authority.issue(&Request::server(&[HOST]));
    let server = Server::with(&identity);
    let namesake = Authority::new("Authority");
    for (list, words) in [
        (
            authority.crl_valid(&[], -9, -2),
            "is too old: the next one was due on",
        ),
        (authority.crl_valid(&[], 2, 9), "is of the future"),
        (
            Authority::new("Stranger").crl(&[]),
            "is of another issuer: CN=Stranger",
        ),
        (namesake.crl(&[]), "is not signed by that issuer's key"),
    ] {
        let found = problems_by(&authority, &list, &server).await;
        assert!(
            matches!(&found[..], [Problem::Other(problem)] if problem.contains(words)),
            "{words}: {found:?}"
        );
    }
    // The newest list of an issuer counts; an old one still says who is revoked.
    let both = authority.crl_valid(&[], -9, -2) + &authority.crl(&[]);
    assert_eq!(problems_by(&authority, &both, &server).await, []);
    let found = problems_by(&authority, &authority.crl_valid(&[&identity], -9, -2), &server).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(found[0], Problem::Revoked);
}

#[tokio::test]
async fn a_self_signed_certificate_has_no_list() {
    let own = Request::server(&[HOST]).self_signed();
    let authority = Authority::new("Authority");
    let found = problems_by(&authority, &authority.crl(&[]), &Server::with(&own)).await;
    assert_eq!(found[0], Problem::SelfSigned);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn what_is_no_list_is_told() {
    let authority = Authority::new("Authority");
    assert_eq!(check_crl(&authority.crl(&[])), Ok(()));
    let certificate = authority.0.certificate_pem();
    let damaged = authority.crl(&[]).replace("MI", "AA");
    for (text, words) in [
        ("", "no X509 CRL block"),
        (certificate.as_str(), "got a block CERTIFICATE"),
        (damaged.as_str(), "can't be read"),
        ("-----BEGIN X509 CRL-----\n", "no -----END X509 CRL-----"),
    ] {
        let problem = check_crl(text).unwrap_err();
        assert!(problem.contains(words), "{problem}");
    }
}
