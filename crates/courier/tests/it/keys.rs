//! `courier key`: files of other programs come in, and are looked after.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{Cli, Serve, keygen};

const PASSPHRASE: &str = "open sesame 4410";

/// Makes a key in the home folder, and gives its public half without a comment.
fn made(cli: &Cli, name: &str, passphrase: &str) -> String {
    keygen(&cli.path(name), passphrase);
    let public = fs::read_to_string(cli.path(name).with_extension("pub")).unwrap();
    public.trim().to_owned()
}

fn run(cli: &Cli, program: &str, arguments: &str) {
    let status = Command::new(program)
        .args(arguments.split(' '))
        .current_dir(cli.home())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{program} {arguments}");
}

/// The key came in, under this name and with this public half.
fn is(admin: &Cli, name: &str, public: &str) {
    let line = admin.ok(["key", "public", name]).stdout;
    assert_eq!(line.trim(), format!("{public} {name}"));
}

#[test]
fn files_of_every_program_come_in() {
    let serve = Serve::start();
    let admin = serve.admin().env("COURIER_KEY_PASSPHRASE", PASSPHRASE);
    fs::write(admin.path("passphrase"), PASSPHRASE).unwrap();

    let public = made(&admin, "openssh", PASSPHRASE);
    admin.ok(["key", "import", "openssh", "-f", "openssh"]);
    is(&admin, "openssh", &public);

    let public = made(&admin, "putty", "");
    run(
        &admin,
        "puttygen",
        "putty -O private -o putty.ppk --new-passphrase passphrase",
    );
    admin.ok(["key", "import", "putty", "-f", "putty.ppk"]);
    is(&admin, "putty", &public);

    // Binary, and encrypted as of old.
    run(&admin, "openssl", "genrsa -out rsa.pem 2048");
    run(
        &admin,
        "openssl",
        "pkcs8 -topk8 -in rsa.pem -outform DER -v1 PBE-SHA1-3DES -passout file:passphrase -out rsa.der",
    );
    let made = admin
        .ok(["key", "import", "binary", "-f", "rsa.der", "--json"])
        .json();
    assert_eq!(made["key_type"], "rsa_2048");
    // The same key in another dress.
    admin
        .run(["key", "import", "again", "-f", "rsa.pem"])
        .failed_with(1, "4002");

    // Windows' "Unicode", from standard input.
    keygen(&admin.path("utf8"), "");
    let text = fs::read_to_string(admin.path("utf8")).unwrap();
    let units = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let bytes: Vec<u8> = units.encode_utf16().flat_map(u16::to_le_bytes).collect();
    fs::write(admin.path("utf16"), bytes).unwrap();
    let outcome = admin
        .command(["key", "import", "notepad", "-f", "-", "--json"])
        .stdin(fs::File::open(admin.path("utf16")).unwrap())
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{outcome:?}");
}

#[test]
fn what_does_not_come_in_says_why() {
    let serve = Serve::start();
    let admin = serve.admin();
    let public = made(&admin, "closed", PASSPHRASE);
    let import = ["key", "import", "k", "-f"];
    let file = |name| import.into_iter().chain([name]);
    admin
        .run(file("closed"))
        .failed_with(2, "the private key is encrypted; set COURIER_KEY_PASSPHRASE");
    let other = serve.admin().env("COURIER_KEY_PASSPHRASE", "wrong");
    let closed = admin.path("closed").display().to_string();
    let outcome = other.run(file(&closed));
    outcome.failed_with(1, "4001");
    outcome.failed_with(1, "does not open the private key");

    let text = fs::read_to_string(admin.path("closed")).unwrap();
    let cut: Vec<&str> = text.lines().take(3).collect();
    fs::write(admin.path("cut"), cut.join("\n")).unwrap();
    let outcome = admin.run(file("cut"));
    outcome.failed_with(1, "4000");
    outcome.failed_with(1, "its END line is missing");
    // What is no private key isn't sent to anybody.
    fs::write(admin.path("public"), public).unwrap();
    admin.run(file("public")).failed_with(2, "it is a public key");
    admin
        .run(file("missing"))
        .failed_with(2, "could not read missing");

    run(&admin, "openssl", "genpkey -algorithm RSA -out key.pem");
    run(
        &admin,
        "openssl",
        "pkcs12 -export -nocerts -inkey key.pem -passout pass:x -out key.p12",
    );
    let outcome = admin.run(file("key.p12"));
    outcome.failed_with(1, "4000");
    outcome.failed_with(1, "openssl pkcs12 -in FILE -nocerts");
    assert_eq!(
        admin
            .ok(["key", "list", "--json"])
            .json()
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn keys_are_looked_after() {
    let serve = Serve::start();
    let admin = serve.admin();
    let generated = admin
        .ok(["key", "generate", "one", "--notes", "of the bank", "--json"])
        .json();
    assert_eq!(generated["created_by"], "admin");
    let create = [
        "connection",
        "create",
        "bank",
        "--host",
        "127.0.0.1",
        "--port",
        "1",
    ];
    admin.ok(create.into_iter().chain(["--username", "u", "--ssh-key", "one"]));

    let shown = admin.ok(["key", "show", "one"]).stdout;
    for line in ["used_by", "bank", "of the bank", "created_by"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let listed = admin.ok(["key", "list"]).stdout;
    assert!(
        listed.contains("USED BY") && listed.contains(" bank "),
        "{listed}"
    );
    // Documents keep the ids.
    let document = admin.ok(["key", "show", "one", "--json"]).json();
    let connection = admin.ok(["connection", "show", "bank", "--json"]).json();
    assert_eq!(document["used_by"][0], connection["id"]);

    admin
        .run(["key", "update", "one"])
        .failed_with(2, "nothing to change");
    admin.ok(["key", "update", "one", "--name", "two", "--notes", ""]);
    let document = admin.ok(["key", "show", "two", "--json"]).json();
    assert!(document["notes"].is_null(), "{document}");

    admin.ok(["key", "retire", "two"]);
    assert_eq!(
        admin.ok(["key", "show", "two", "--json"]).json()["status"],
        "retired"
    );
    admin.ok(["key", "activate", "two"]);
    let outcome = admin.run(["key", "delete", "two"]);
    outcome.failed_with(1, "4005");
    outcome.failed_with(1, "bank");
    admin.ok(["connection", "delete", "bank"]);
    admin.ok(["key", "delete", "two"]);
    admin.run(["key", "show", "two"]).failed_with(5, "two");
}
