//! Authorities, certificates and lists of revoked ones, made for a test.

use std::{fs, net::IpAddr, path::Path, process::Command};

use courier_transfer::Thumbprint;
use jiff::{SignedDuration, Timestamp};
use openssl::{
    asn1::Asn1Time,
    bn::{BigNum, MsbOption},
    ec::{EcGroup, EcKey},
    hash::MessageDigest,
    nid::Nid,
    pkey::{Id, PKey, Private},
    rsa::Rsa,
    x509::{
        X509, X509NameBuilder,
        extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName},
    },
};

/// So many days from now.
fn day(days: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(days * 24)
}

/// A new key on that curve.
pub fn on(curve: Nid) -> PKey<Private> {
    let group = EcGroup::from_curve_name(curve).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

/// A certificate and its private key.
#[derive(Clone, Debug)]
pub struct Identity {
    pub certificate: X509,
    pub key: PKey<Private>,
}

/// What a certificate is to say.
#[derive(Clone, Debug)]
pub struct Request {
    name: String,
    hosts: Vec<String>,
    /// Days from now.
    valid: (i64, i64),
    for_clients: bool,
    authority: bool,
    /// Its key, where it isn't a new one on P-256.
    key: Option<PKey<Private>>,
    sha1: bool,
}

impl Request {
    /// For a server with these names or addresses, the first of which is its common name, from yesterday for a month.
    pub fn server(hosts: &[&str]) -> Self {
        Self {
            name: hosts.first().copied().unwrap_or("nameless").to_owned(),
            hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
            valid: (-1, 30),
            for_clients: false,
            authority: false,
            key: None,
            sha1: false,
        }
    }

    /// For a server whose only name is the common one, as certificates had it once.
    pub fn common_name(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::server(&[])
        }
    }

    /// For a client of that name.
    pub fn client(name: &str) -> Self {
        Self {
            for_clients: true,
            ..Self::common_name(name)
        }
    }

    fn authority(name: &str) -> Self {
        Self {
            authority: true,
            ..Self::common_name(name)
        }
    }

    /// Valid from one day to another, counted from today.
    #[must_use]
    pub fn valid(mut self, from: i64, to: i64) -> Self {
        self.valid = (from, to);
        self
    }

    /// With an RSA key of that length.
    #[must_use]
    pub fn rsa(self, bits: u32) -> Self {
        self.key(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
    }

    /// With that key.
    #[must_use]
    pub fn key(mut self, key: PKey<Private>) -> Self {
        self.key = Some(key);
        self
    }

    /// Signed over a SHA-1.
    #[must_use]
    pub fn sha1(mut self) -> Self {
        self.sha1 = true;
        self
    }

    /// Signed by its own key.
    pub fn self_signed(&self) -> Identity {
        self.sign(None)
    }

    fn sign(&self, issuer: Option<&Identity>) -> Identity {
        let key = self.key.clone().unwrap_or_else(|| on(Nid::X9_62_PRIME256V1));
        let mut name = X509NameBuilder::new().unwrap();
        name.append_entry_by_nid(Nid::COMMONNAME, &self.name).unwrap();
        let name = name.build();
        let mut serial = BigNum::new().unwrap();
        serial.rand(120, MsbOption::MAYBE_ZERO, false).unwrap();

        let mut builder = X509::builder().unwrap();
        builder.set_version(2).unwrap();
        builder
            .set_serial_number(&serial.to_asn1_integer().unwrap())
            .unwrap();
        builder.set_subject_name(&name).unwrap();
        let issuer_name = issuer.map_or(&*name, |issuer| issuer.certificate.subject_name());
        builder.set_issuer_name(issuer_name).unwrap();
        builder.set_pubkey(&key).unwrap();
        let day = |days| Asn1Time::from_unix(day(days).as_second()).unwrap();
        builder.set_not_before(&day(self.valid.0)).unwrap();
        builder.set_not_after(&day(self.valid.1)).unwrap();

        let mut constraints = BasicConstraints::new();
        constraints.critical();
        if self.authority {
            constraints.ca();
            let usage = KeyUsage::new().critical().key_cert_sign().crl_sign().build();
            builder.append_extension(usage.unwrap()).unwrap();
        } else {
            let mut usage = ExtendedKeyUsage::new();
            let usage = if self.for_clients {
                usage.client_auth()
            } else {
                usage.server_auth()
            };
            builder.append_extension(usage.build().unwrap()).unwrap();
        }
        builder.append_extension(constraints.build().unwrap()).unwrap();
        if !self.hosts.is_empty() {
            let mut names = SubjectAlternativeName::new();
            for host in &self.hosts {
                if host.parse::<IpAddr>().is_ok() {
                    names.ip(host);
                } else {
                    names.dns(host);
                }
            }
            let issuer = issuer.map(|issuer| &*issuer.certificate);
            let names = names.build(&builder.x509v3_context(issuer, None)).unwrap();
            builder.append_extension(names).unwrap();
        }
        let signer = issuer.map_or(&key, |issuer| &issuer.key);
        let digest = if self.sha1 {
            MessageDigest::sha1()
        } else if signer.id() == Id::ED25519 {
            // It brings its own.
            MessageDigest::null()
        } else {
            MessageDigest::sha256()
        };
        builder.sign(signer, digest).unwrap();
        Identity {
            certificate: builder.build(),
            key,
        }
    }
}

impl Identity {
    /// What [`pem`](Self::pem) was written to.
    pub fn read(path: &Path) -> Self {
        let pem = fs::read(path).unwrap();
        Self {
            certificate: X509::from_pem(&pem).unwrap(),
            key: PKey::private_key_from_pem(&pem).unwrap(),
        }
    }

    /// The certificate alone, as PEM.
    pub fn certificate_pem(&self) -> String {
        String::from_utf8(self.certificate.to_pem().unwrap()).unwrap()
    }

    /// The private key (PKCS#8) and the certificate, as PEM.
    pub fn pem(&self) -> String {
        let key = self.key.private_key_to_pem_pkcs8().unwrap();
        String::from_utf8(key).unwrap() + &self.certificate_pem()
    }

    pub fn thumbprint(&self) -> Thumbprint {
        let digest = self.certificate.digest(MessageDigest::sha256()).unwrap();
        Thumbprint::from_digest(digest.as_ref().try_into().unwrap())
    }
}

/// Who signs certificates of others.
#[derive(Clone, Debug)]
pub struct Authority(pub Identity);

impl Authority {
    pub fn new(name: &str) -> Self {
        Self::with(name, on(Nid::X9_62_PRIME256V1))
    }

    /// With that key.
    pub fn with(name: &str, key: PKey<Private>) -> Self {
        Self(Request::authority(name).valid(-400, 400).key(key).self_signed())
    }

    pub fn issue(&self, request: &Request) -> Identity {
        request.sign(Some(&self.0))
    }

    /// One that it vouches for.
    pub fn subordinate(&self, name: &str) -> Self {
        Self(self.issue(&Request::authority(name)))
    }

    /// Its own certificate, as PEM: what those hold who trust it.
    pub fn pem(&self) -> String {
        self.0.certificate_pem()
    }

    /// Its list of revoked certificates, as PEM, good for a day.
    pub fn crl(&self, revoked: &[&Identity]) -> String {
        self.crl_valid(revoked, 0, 1)
    }

    /// The same, good from one day to another, counted from today.
    pub fn crl_valid(&self, revoked: &[&Identity], from: i64, to: i64) -> String {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        let time = |days| day(days).strftime("%Y%m%d%H%M%SZ").to_string();
        let index: String = revoked
            .iter()
            .map(|identity| {
                let serial = identity.certificate.serial_number().to_bn().unwrap();
                let serial = serial.to_hex_str().unwrap();
                format!("R\t491231235959Z\t200101000000Z\t{serial}\tunknown\t/CN=revoked\n")
            })
            .collect();
        fs::write(at("index"), index).unwrap();
        fs::write(at("authority.pem"), self.0.pem()).unwrap();
        fs::write(
            at("config"),
            format!(
                "[ca]\ndefault_ca = a\n[a]\ndatabase = {}\ndefault_md = sha256\n",
                at("index")
            ),
        )
        .unwrap();
        let output = Command::new("openssl")
            .args(["ca", "-gencrl", "-config", &at("config")])
            .args(["-keyfile", &at("authority.pem"), "-cert", &at("authority.pem")])
            .args(["-crl_lastupdate", &time(from), "-crl_nextupdate", &time(to)])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What is made here is what OpenSSL takes for it.
#[test]
fn openssl_agrees() {
    let authority = Authority::new("Test Authority");
    let good = authority.issue(&Request::server(&["localhost", "127.0.0.1"]));
    let expired = authority.issue(&Request::server(&["localhost"]).valid(-30, -1));
    let client = authority.issue(&Request::client("partner"));
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let trusted = file("authority.pem", authority.pem() + &authority.crl(&[&client]));
    let verify = |identity: &Identity, more: &[&str]| {
        let certificate = file("certificate.pem", identity.certificate_pem());
        let verify = ["verify", "-CAfile", &trusted];
        let output = Command::new("openssl")
            .args(verify)
            .args(more)
            .arg(certificate)
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    for host in ["-verify_hostname localhost", "-verify_ip 127.0.0.1"] {
        let host: Vec<&str> = host.split(' ').collect();
        assert_eq!(
            verify(&good, &[&host[..], &["-purpose", "sslserver"]].concat()),
            ""
        );
    }
    let wrong = verify(&good, &["-verify_hostname", "ftp.partner.com"]);
    assert!(wrong.contains("hostname mismatch"), "{wrong}");
    assert!(verify(&expired, &[]).contains("has expired"));
    assert_eq!(verify(&client, &["-purpose", "sslclient"]), "");
    assert!(verify(&client, &["-crl_check"]).contains("revoked"));
    let named = authority.issue(&Request::common_name("ftp.partner.com"));
    assert_eq!(verify(&named, &["-verify_hostname", "ftp.partner.com"]), "");
    let weak = authority.issue(&Request::server(&["localhost"]).rsa(1024));
    assert!(verify(&weak, &["-auth_level", "2"]).contains("key too weak"));
    let below = authority.subordinate("Subordinate");
    let hashed = below.issue(&Request::server(&["localhost"]).sha1());
    let vouched = ["-untrusted", &file("below.pem", below.pem())];
    assert_eq!(verify(&hashed, &vouched), "");
    assert!(verify(&hashed, &[&vouched[..], &["-auth_level", "2"]].concat()).contains("too weak"));
    let old = file("old.pem", below.crl_valid(&[], -2, -1));
    let checked = ["-crl_check", "-CRLfile", &old];
    assert!(verify(&hashed, &[&vouched[..], &checked].concat()).contains("CRL has expired"));
    let own = Request::server(&["localhost"]).self_signed();
    assert!(verify(&own, &[]).contains("self-signed certificate"));
    assert_ne!(own.thumbprint(), good.thumbprint());
    let written = dir.path().join("own.pem");
    fs::write(&written, own.pem()).unwrap();
    assert_eq!(Identity::read(&written).pem(), own.pem());
}
