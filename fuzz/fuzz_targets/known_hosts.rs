//! A known_hosts file: no panic, and a key that is read from it is found again when it is written.
#![no_main]

use courier_sftp::known_hosts::{line, lookup};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    for (host, port) in [
        ("files.example.com", 22),
        ("files.example.com", 2222),
        ("::1", 22),
    ] {
        let known = lookup(file, host, port);
        for key in known.keys.iter().chain(&known.revoked) {
            let written = line(host, port, key);
            let again = lookup(written.as_bytes(), host, port).keys;
            assert_eq!(again, std::slice::from_ref(key), "{written}");
        }
    }
});
