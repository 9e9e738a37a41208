//! ProFTPD, as whoever runs the tests, without confinement.

use std::process::Command;

use super::{Mode, PASSWORD_HASH, Place, output, own_ids, root};

pub(super) fn command(place: &Place<'_>) -> Vec<String> {
    let name = |what: &str| output(Command::new("id").arg(what));
    let (uid, gid) = own_ids();
    let home = place.at("home/files");
    place.private(
        "users",
        &format!("partner:{PASSWORD_HASH}:{uid}:{gid}::{home}:/bin/sh\n"),
    );
    let root = root("proftpd", "usr/lib/proftpd/mod_tls.so");
    let mut lines = format!(
        "ModulePath {modules}\nServerType standalone\nDefaultAddress {address}\nSocketBindTight on\nPort {port}\n\
         User {user}\nGroup {group}\nPidFile {pid}\nScoreboardFile none\nSystemLog {log}\nTransferLog none\n\
         WtmpLog off\nDelayEngine off\nUseReverseDNS off\nMaxInstances none\nAuthOrder mod_auth_file.c\n\
         AuthUserFile {users}\nRequireValidShell off\nRootLogin on\nAllowOverwrite on\nAllowStoreRestart on\n",
        modules = root.join("usr/lib/proftpd").display(),
        address = place.address.ip(),
        port = place.address.port(),
        user = name("-un"),
        group = name("-gn"),
        pid = place.at("pid"),
        log = place.at("log"),
        users = place.at("users"),
    );
    if place.setup.mode != Mode::Plain {
        let identity = place.at("identity.pem");
        lines += &format!(
            "LoadModule mod_tls.c\nTLSEngine on\nTLSRequired on\nTLSLog {log}\nTLSECCertificateFile {identity}\n\
             TLSECCertificateKeyFile {identity}\n",
            log = place.at("tls.log"),
        );
    }
    if place.setup.mode == Mode::Implicit {
        lines += "TLSOptions UseImplicitSSL\n";
    }
    lines += &place.more();
    place.private("proftpd.conf", &lines);
    vec![
        root.join("usr/sbin/proftpd").display().to_string(),
        "--nodaemon".into(),
        "--config".into(),
        place.at("proftpd.conf"),
    ]
}
