//! SFTP version 3 over SSH: packet codec and client; a small server over the same codec.
