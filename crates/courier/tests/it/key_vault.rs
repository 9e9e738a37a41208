//! A server whose key is in Azure Key Vault, over the real protocol.

use std::fs;
use std::path::{Path, PathBuf};

use courier_vault::testkit::{CLIENT_ID, CLIENT_SECRET, FakeKeyVault, Mood, TENANT_ID};

use crate::support::{Cli, Serve, Sshd, user};

/// A key vault with a key, and the file that says so to a server.
struct Azure {
    fake: FakeKeyVault,
    folder: tempfile::TempDir,
}

impl Azure {
    fn start() -> Self {
        let fake = FakeKeyVault::start();
        fake.add_rsa_key("courier");
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), fake.authority_pem()).unwrap();
        let azure = Self { fake, folder };
        azure.provider("local");
        azure
    }

    /// Says who wraps from the next start on.
    fn provider(&self, provider: &str) {
        let url = self.fake.url();
        let toml = format!(
            "[kek]\nprovider = '{provider}'\nvault_url = '{url}'\nkey_name = 'courier'\n\
             tenant_id = '{TENANT_ID}'\nclient_id = '{CLIENT_ID}'\nauthority_host = '{url}'\n"
        );
        fs::write(self.path("courier.toml"), toml).unwrap();
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn env(&self) -> [(&'static str, String); 3] {
        [
            ("COURIER_CONFIG", self.path("courier.toml")),
            ("COURIER_KEK_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("SSL_CERT_FILE", self.path("ca.pem")),
        ]
    }

    fn serve(&self) -> Serve {
        let env = self.env();
        Serve::start_with(&env.each_ref().map(|(name, value)| (*name, value.as_str())))
    }

    /// Who administers the machine, with the server's configuration.
    fn shell(&self) -> Cli {
        self.env()
            .into_iter()
            .fold(Cli::new(), |cli, (name, value)| cli.env(name, value))
    }

    /// How often this was asked of it.
    fn count(&self, operation: &str) -> usize {
        self.fake.log().iter().filter(|asked| *asked == operation).count()
    }
}

/// Makes a key and a connection that uses it.
fn connect(admin: &Cli, sshd: &Sshd, name: &str) {
    admin.ok(["key", "generate", name]);
    sshd.authorize(&admin.ok(["key", "public", name]).stdout);
    let (port, user) = (sshd.port().to_string(), user());
    let fields = ["--port", &port, "--username", &user, "--ssh-key", name];
    admin.ok(["connection", "create", name, "--host", "127.0.0.1"]
        .into_iter()
        .chain(fields));
}

fn works(admin: &Cli, name: &str) {
    admin.ok(["connection", "test", name]);
}

fn rewrap(azure: &Azure, data: &Path) {
    let outcome = azure
        .shell()
        .ok(["admin", "rewrap", "--data-dir", data.to_str().unwrap()]);
    assert!(!outcome.stdout.contains(CLIENT_SECRET), "{outcome:?}");
}

#[test]
fn everything_moves_to_a_key_vault_and_back() {
    let sshd = Sshd::start();
    let azure = Azure::start();
    let mut serve = azure.serve();
    connect(&serve.admin(), &sshd, "old");
    works(&serve.admin(), "old");
    assert_eq!(serve.stop(), 0);
    assert!(azure.fake.log().is_empty(), "nothing was in the key vault");

    // There: what is new is sealed in the key vault, what is old opens by the key file.
    azure.provider("azure_key_vault");
    serve.start_again();
    let admin = serve.admin();
    connect(&admin, &sshd, "new");
    works(&admin, "old");
    works(&admin, "new");
    assert!(azure.count("wrapkey") > 0);
    rewrap(&azure, &serve.data());
    works(&admin, "old");
    assert_eq!(serve.stop(), 0);
    fs::remove_file(serve.data().join("kek")).unwrap();
    serve.start_again();
    let admin = serve.admin();
    works(&admin, "old");
    works(&admin, "new");

    // A new version of the key, and all that is under it.
    let version = azure.fake.add_rsa_key("courier");
    rewrap(&azure, &serve.data());
    assert_eq!(serve.stop(), 0);
    serve.start_again();
    works(&serve.admin(), "old");
    assert!(
        !serve.data().join("kek").exists(),
        "no key file comes back by itself"
    );

    // Back, to a key file that the start makes.
    assert_eq!(serve.stop(), 0);
    azure.provider("local");
    serve.start_again();
    works(&serve.admin(), "old");
    rewrap(&azure, &serve.data());
    assert_eq!(serve.stop(), 0);
    azure.fake.enable("courier", &version, false);
    azure.fake.feel(Mood::Gone);
    serve.start_again();
    works(&serve.admin(), "old");
    works(&serve.admin(), "new");
    assert_eq!(serve.holds(CLIENT_SECRET), Vec::<PathBuf>::new());
    assert_eq!(serve.holds("\"access_token\""), Vec::<PathBuf>::new());
}

#[test]
fn an_outage_is_told_and_passes() {
    let sshd = Sshd::start();
    let azure = Azure::start();
    azure.provider("azure_key_vault");
    let serve = azure.serve();
    assert!(!serve.data().join("kek").exists());
    let admin = serve.admin();
    connect(&admin, &sshd, "partner");
    works(&admin, "partner");

    let fails = |says: &[&str]| {
        let outcome = admin.run(["connection", "test", "partner"]);
        assert_ne!(outcome.code, 0, "{outcome:?}");
        let words = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(says.iter().any(|says| words.contains(says)), "{words}");
    };
    azure.fake.deny("unwrapKey");
    fails(&["may not unwrapKey"]);
    azure.fake.allow_all();
    azure.fake.feel(Mood::Gone);
    fails(&["localhost can't be reached", "the connection to localhost broke"]);
    // What needs no secret goes on; what would be sealed is refused with the reason.
    admin.ok(["connection", "list"]);
    let refused = admin.run(["key", "generate", "later"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(refused.stderr.contains("localhost"), "{refused:?}");
    azure.fake.feel(Mood::Well);
    works(&admin, "partner");
}

#[test]
fn there_is_no_start_without_the_key() {
    let azure = Azure::start();
    azure.provider("azure_key_vault");
    let shell = azure.shell();
    let data = shell.path("data");
    let serve = |shell: &Cli| {
        let data = data.to_str().unwrap();
        shell.run(["serve", "--listen", "127.0.0.1:0", "--data-dir", data])
    };
    azure.fake.deny("get");
    let outcome = serve(&shell);
    outcome.failed_with(1, "the identity may not get");
    outcome.failed_with(1, "key courier of localhost (Azure Key Vault)");
    assert!(!data.join("kek").exists() && !data.join("courier.db").exists());

    // Nobody vouches for the key vault's certificate, or somebody else.
    let nobody = azure.shell().env("SSL_CERT_FILE", "/dev/null");
    serve(&nobody).failed_with(1, "https can't be spoken here");
    let other = FakeKeyVault::start();
    fs::write(azure.path("other.pem"), other.authority_pem()).unwrap();
    let stranger = azure.shell().env("SSL_CERT_FILE", azure.path("other.pem"));
    serve(&stranger).failed_with(1, "the certificate of localhost was rejected");
    let without = azure.shell().env("COURIER_KEK_CLIENT_SECRET", "");
    serve(&without.env("COURIER_KEK_IDENTITY", "client_secret")).failed_with(2, "COURIER_KEK_CLIENT_SECRET");
}
