//! The protocols that there are. The one place that names them.

use std::sync::Arc;

use courier_engine::Protocols;

/// Every protocol, for the engine and for the command line.
pub fn protocols() -> Protocols {
    Protocols::new(vec![
        Arc::new(courier_ftp::FtpProtocol),
        Arc::new(courier_ftp::FtpsProtocol),
        Arc::new(courier_local::LocalProtocol),
        Arc::new(courier_sftp::SftpProtocol),
    ])
}
