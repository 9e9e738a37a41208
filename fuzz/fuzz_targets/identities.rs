//! Public keys and certificates, as files, agents and servers show them: no panic, and what is read is written the same.
#![no_main]

use courier_keys::{Identity, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(identity) = Identity::from_blob(data) {
        let blob = identity.blob().expect("what was read can be written");
        assert!(Identity::from_blob(&blob).is_ok_and(|again| again == identity));
        let line = identity.to_openssh().expect("what was read can be written");
        assert!(Identity::from_openssh(&line).is_ok_and(|again| again == identity));
        assert!(identity.without_certificate().is_of(&identity));
        let _ = identity.fingerprint();
    }
    if let Ok(line) = std::str::from_utf8(data) {
        let _ = Identity::from_openssh(line);
        let _ = PublicKey::from_authorized_keys_line(line);
    }
});
