//! vsftpd. It has accounts of the system, through PAM, and anonymous ones. The tests leave the system as it is, so they log
//! in as an anonymous user whose password has to be one of a list, and who may do everything but SITE CHMOD.

use std::{fs, net::IpAddr};

use super::{ACCOUNT, Mode, PASSWORD, Place, must_be_root, root};

/// One of the two names that mean the anonymous user.
pub(super) const USER: &str = "ftp";

pub(super) fn command(place: &Place<'_>) -> Vec<String> {
    must_be_root("vsftpd");
    place.private("passwords", &format!("{PASSWORD}\n"));
    fs::create_dir(place.at("empty")).unwrap();
    let address = match place.address.ip() {
        IpAddr::V4(address) => format!("listen=YES\nlisten_address={address}"),
        IpAddr::V6(address) => format!("listen=NO\nlisten_ipv6=YES\nlisten_address6={address}"),
    };
    let mut lines = format!(
        "{address}\nlisten_port={port}\nbackground=NO\nlocal_enable=NO\nanonymous_enable=YES\nftp_username={ACCOUNT}\n\
         anon_root={home}\nsecure_email_list_enable=YES\nemail_password_file={passwords}\nwrite_enable=YES\n\
         anon_upload_enable=YES\nanon_mkdir_write_enable=YES\nanon_other_write_enable=YES\n\
         anon_world_readable_only=NO\nanon_umask=022\nsecure_chroot_dir={empty}\nxferlog_enable=YES\n\
         vsftpd_log_file={log}\nlog_ftp_protocol=YES\nseccomp_sandbox=NO\ndelay_failed_login=0\n",
        port = place.address.port(),
        home = place.at("home"),
        passwords = place.at("passwords"),
        empty = place.at("empty"),
        log = place.at("log"),
    );
    if place.setup.mode != Mode::Plain {
        lines += &format!(
            "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n\
             require_ssl_reuse=YES\nssl_ciphers=HIGH\nrsa_cert_file={identity}\nrsa_private_key_file={identity}\n",
            identity = place.at("identity.pem"),
        );
    }
    if place.setup.mode == Mode::Implicit {
        lines += "implicit_ssl=YES\n";
    }
    lines += &place.more();
    place.private("vsftpd.conf", &lines);
    let program = root("vsftpd", "usr/sbin/vsftpd").join("usr/sbin/vsftpd");
    vec![program.display().to_string(), place.at("vsftpd.conf")]
}
