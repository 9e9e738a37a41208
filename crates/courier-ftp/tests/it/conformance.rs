//! The conformance suite on the real servers: in clear, and with each version of TLS.

use courier_transfer::testkit::Fixture;

use crate::support::{Mode, Setup, Software};

async fn fixture(setup: Setup) -> Fixture {
    setup.start().fixture().await
}

/// Listings of vsftpd leave out names that begin with a dot, unless it is told to show them.
fn vsftpd(mode: Mode) -> Setup {
    Setup::new(Software::Vsftpd, mode).config("force_dot_files=YES")
}

macro_rules! suite {
    ($($module:ident: $setup:expr;)*) => {
        $(
            mod $module {
                use super::*;

                async fn server() -> Fixture {
                    fixture($setup).await
                }

                courier_transfer::conformance!(server);
            }
        )*
    };
}

suite! {
    vsftpd_plain: vsftpd(Mode::Plain);
    vsftpd_tls_1_2: vsftpd(Mode::Explicit).only("TLSv1.2");
    vsftpd_tls_1_3: vsftpd(Mode::Explicit).only("TLSv1.3");
    proftpd_plain: Setup::new(Software::ProFtpd, Mode::Plain);
    proftpd_tls_1_2: Setup::new(Software::ProFtpd, Mode::Explicit).only("TLSv1.2");
    proftpd_tls_1_3_implicit: Setup::new(Software::ProFtpd, Mode::Implicit).only("TLSv1.3");
    pure_ftpd_plain: Setup::new(Software::PureFtpd, Mode::Plain);
    pure_ftpd_tls: Setup::new(Software::PureFtpd, Mode::Explicit);
}
