use courier_keys::{AuthSigner, Error, KeyType, PrivateKey, PublicKey, SignatureAlgorithm};
use russh::Signer as _;
use russh::keys::signature::Verifier;
use russh::keys::ssh_encoding::Decode;
use russh::keys::ssh_key::Signature;

use crate::tools::Keys;

const DATA: &[u8] = b"session identifier and request";

/// Verifies with the SSH library, and with its reading of the blob.
fn verify(public: &PublicKey, algorithm: SignatureAlgorithm, blob: &[u8]) {
    let mut rest = blob;
    assert_eq!(String::decode(&mut rest).unwrap(), algorithm.as_str());
    let signature = Signature::decode(&mut &*blob).unwrap();
    public.inner().key_data().verify(DATA, &signature).unwrap();
    public.verify(DATA, blob).unwrap();
    assert!(public.verify(b"other data", blob).is_err());
}

#[test]
fn every_type_signs_with_each_of_its_algorithms() {
    for key_type in KeyType::GENERATED {
        let key = PrivateKey::generate(key_type).unwrap();
        for algorithm in SignatureAlgorithm::of(key_type) {
            verify(key.public(), *algorithm, &key.sign(*algorithm, DATA).unwrap());
        }
    }
}

#[test]
fn rsa_too_small_or_too_large_for_everyday_signs_as_well() {
    let keys = Keys::new();
    for bits in [1024, 1536, 2047, 2056] {
        let key = PrivateKey::import(&keys.openssl(&format!("genrsa -traditional {bits}")), None).unwrap();
        assert_eq!(key.key_type(), KeyType::Rsa(bits));
        for algorithm in SignatureAlgorithm::of(key.key_type()) {
            verify(key.public(), *algorithm, &key.sign(*algorithm, DATA).unwrap());
        }
    }
}

#[test]
fn another_types_algorithm_is_refused() {
    let key = PrivateKey::generate(KeyType::Ed25519).unwrap();
    let error = key.sign(SignatureAlgorithm::RsaSha512, DATA).unwrap_err();
    assert!(matches!(error, Error::WrongAlgorithm { .. }));
    assert_eq!(
        error.to_string(),
        "a key of type ed25519 can't sign with rsa-sha2-512"
    );
}

#[test]
fn another_keys_signature_is_refused() {
    let [one, two] = [(); 2].map(|()| PrivateKey::generate(KeyType::Ed25519).unwrap());
    let blob = one.sign(SignatureAlgorithm::Ed25519, DATA).unwrap();
    assert!(two.public().verify(DATA, &blob).is_err());
    assert!(one.public().verify(DATA, &blob[..blob.len() - 1]).is_err());
}

#[tokio::test]
async fn the_signer_appends_the_signature_as_one_string() {
    for key_type in [KeyType::Ed25519, KeyType::RSA_2048, KeyType::Ecdsa521] {
        let key = PrivateKey::generate(key_type).unwrap();
        for algorithm in SignatureAlgorithm::of(key_type) {
            let identity = key.public().inner().clone().into();
            let signed = AuthSigner::new(&key)
                .auth_sign(&identity, algorithm.hash_alg(), DATA.to_vec())
                .await
                .unwrap();
            let mut rest = signed.strip_prefix(DATA).unwrap();
            let blob = Vec::<u8>::decode(&mut rest).unwrap();
            assert!(rest.is_empty());
            verify(key.public(), *algorithm, &blob);
        }
    }
}
