//! The keys of the key vault, with their versions.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::aes::{AesKey, unwrap_key, wrap_key};
use openssl::encrypt::{Decrypter, Encrypter};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::{Padding, Rsa};
use serde_json::json;
use uuid::Uuid;

use courier_azure::testkit::{Reply, Request};

#[derive(Default)]
pub(super) struct Keys(BTreeMap<String, Vec<Version>>);

struct Version {
    id: String,
    enabled: bool,
    material: Material,
}

enum Material {
    Rsa(PKey<Private>),
    Symmetric([u8; 32]),
}

impl Keys {
    pub(super) fn add_rsa(&mut self, name: &str) -> String {
        let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        self.add(name, Material::Rsa(key))
    }

    pub(super) fn add_symmetric(&mut self, name: &str) -> String {
        let mut key = [0; 32];
        openssl::rand::rand_bytes(&mut key).unwrap();
        self.add(name, Material::Symmetric(key))
    }

    fn add(&mut self, name: &str, material: Material) -> String {
        let id = Uuid::new_v4().simple().to_string();
        self.0.entry(name.to_owned()).or_default().push(Version {
            id: id.clone(),
            enabled: true,
            material,
        });
        id
    }

    pub(super) fn enable(&mut self, name: &str, version: &str, enabled: bool) {
        let versions = self.0.get_mut(name).unwrap();
        versions
            .iter_mut()
            .find(|known| known.id == version)
            .unwrap()
            .enabled = enabled;
    }

    /// Answers a request for `/keys/…`, whose token was good.
    pub(super) fn reply(&self, base: &str, path: &[&str], request: &Request) -> Reply {
        let (name, version, operation) = match path {
            [name] => (name, None, None),
            [name, version] => (name, Some(version), None),
            [name, version, operation] => (name, Some(version), Some(operation)),
            _ => return Reply::error(404, "NotFound", "no such path"),
        };
        // Names of keys don't care for case.
        let versions = self.0.get(&name.to_ascii_lowercase());
        let found = versions.and_then(|versions| match version {
            Some(version) => versions.iter().find(|known| known.id == **version),
            None => versions.last(),
        });
        let Some(found) = found else {
            let message = format!("A key with (name/id) {name} was not found in this key vault.");
            return Reply::error(404, "KeyNotFound", &message);
        };
        let kid = format!("{base}/keys/{name}/{}", found.id);
        let Some(operation) = operation else {
            let kty = match found.material {
                Material::Rsa(_) => "RSA",
                Material::Symmetric(_) => "oct-HSM",
            };
            let key = json!({ "kid": kid, "kty": kty, "key_ops": ["wrapKey", "unwrapKey"] });
            return Reply::new(
                200,
                json!({ "key": key, "attributes": { "enabled": found.enabled } }),
            );
        };
        if !found.enabled {
            let message = "Operation is not allowed on a disabled key.";
            return Reply::inner_error(403, "Forbidden", "KeyDisabled", message);
        }
        let body = request.json();
        let value = URL_SAFE_NO_PAD.decode(body["value"].as_str().unwrap()).unwrap();
        match found
            .material
            .operate(operation, body["alg"].as_str().unwrap(), &value)
        {
            Some(value) => Reply::new(200, json!({ "kid": kid, "value": URL_SAFE_NO_PAD.encode(value) })),
            None => Reply::error(400, "BadParameter", "The parameter is incorrect."),
        }
    }
}

impl Material {
    fn operate(&self, operation: &str, algorithm: &str, value: &[u8]) -> Option<Vec<u8>> {
        match (self, algorithm, operation) {
            (Self::Rsa(key), "RSA-OAEP-256", "wrapkey") => {
                let mut cipher = Encrypter::new(key).unwrap();
                cipher.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
                cipher.set_rsa_oaep_md(MessageDigest::sha256()).unwrap();
                cipher.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
                let mut out = vec![0; cipher.encrypt_len(value).unwrap()];
                let length = cipher.encrypt(value, &mut out).unwrap();
                out.truncate(length);
                Some(out)
            }
            (Self::Rsa(key), "RSA-OAEP-256", "unwrapkey") => {
                let mut cipher = Decrypter::new(key).unwrap();
                cipher.set_rsa_padding(Padding::PKCS1_OAEP).unwrap();
                cipher.set_rsa_oaep_md(MessageDigest::sha256()).unwrap();
                cipher.set_rsa_mgf1_md(MessageDigest::sha256()).unwrap();
                let mut out = vec![0; cipher.decrypt_len(value).ok()?];
                let length = cipher.decrypt(value, &mut out).ok()?;
                out.truncate(length);
                Some(out)
            }
            (Self::Symmetric(key), "A256KW", "wrapkey") => {
                let mut out = vec![0; value.len() + 8];
                wrap_key(&AesKey::new_encrypt(key).unwrap(), None, &mut out, value).ok()?;
                Some(out)
            }
            (Self::Symmetric(key), "A256KW", "unwrapkey") => {
                let mut out = vec![0; value.len().checked_sub(8)?];
                unwrap_key(&AesKey::new_decrypt(key).unwrap(), None, &mut out, value).ok()?;
                Some(out)
            }
            _ => None,
        }
    }
}
