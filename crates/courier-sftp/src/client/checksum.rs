//! Checksums of whole files, computed by the server.

use courier_transfer::{Algorithm, Checksum, Error, ErrorKind, RemotePath, Result};

use super::{
    SftpClient,
    error::{refusal, unexpected},
};
use crate::{
    codec::{CheckedFile, Request, extension_name},
    session::Reply,
};

/// Commands that print a SHA-256 in hexadecimal first. GNU and BusyBox have the first, Perl the second.
const COMMANDS: [&str; 3] = ["sha256sum -b", "shasum -a 256 -b", "openssl dgst -sha256 -r"];

impl SftpClient {
    /// Does the server know `check-file-name`? ProFTPD does, and announces it only above version 3 of SFTP; where it is
    /// switched off there, asking is refused.
    pub(super) fn computes_checksums(&self) -> bool {
        let is_proftpd = self
            .server
            .banner
            .as_deref()
            .is_some_and(|b| b.starts_with("mod_sftp"));
        is_proftpd || self.has(extension_name::CHECK_FILE) || self.has(extension_name::CHECK_FILE_NAME)
    }

    /// By `check-file-name`. One checksum of the whole file, in the best algorithm that the server knows.
    pub(super) async fn checked(&self, path: &RemotePath) -> Result<Checksum> {
        let algorithms = Algorithm::ALL.map(Algorithm::name).join(",");
        let request = Request::CheckFile {
            path: path.as_wire(),
            algorithms: algorithms.as_bytes(),
            offset: 0,
            len: 0,
            block: 0,
        };
        let body = match self.session.call(&request).await? {
            Reply::Extended(body) => body,
            Reply::Status(status) => return Err(refusal(&status, path)),
            _ => return Err(unexpected("check-file", path)),
        };
        let broken = || {
            Error::new(
                ErrorKind::Protocol,
                "the server answered check-file with no checksum of an algorithm that was asked for",
            )
            .with("path", path)
        };
        let checked = CheckedFile::decode(&body).map_err(|_| broken())?;
        let algorithm = std::str::from_utf8(checked.algorithm)
            .ok()
            .and_then(Algorithm::named);
        match algorithm {
            Some(algorithm) if algorithm.output_len() == checked.hash.len() => Ok(Checksum {
                algorithm,
                bytes: checked.hash.to_vec(),
            }),
            _ => Err(broken()),
        }
    }

    /// By a command in the server's shell, the first of [`COMMANDS`] that works.
    pub(super) async fn computed(&self, path: &RemotePath) -> Result<Checksum> {
        // What is quoted for a POSIX shell is not quoted for cmd.exe.
        if self
            .server
            .banner
            .as_deref()
            .is_some_and(|b| b.contains("Windows"))
        {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "checksums by a command need a POSIX shell, which servers on Windows lack",
            )
            .with("path", path));
        }
        let mut complaint = None;
        for command in COMMANDS {
            let line = [command.as_bytes(), b" ", &quoted(path)].concat();
            let output = self.session.run(line).await.map_err(|e| e.with("path", path))?;
            if output.status == Some(0)
                && let Some(bytes) = first_sha256(&output.stdout)
            {
                let algorithm = Algorithm::Sha256;
                return Ok(Checksum { algorithm, bytes });
            }
            complaint.get_or_insert_with(|| first_line(&output.stderr));
        }
        // Why they failed is best told by the file.
        self.stat_kind(path).await?;
        let said = complaint.filter(|said| !said.is_empty());
        let said = said.map_or_else(String::new, |said| format!("; the first one said: {said}"));
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("none of the commands {} worked{said}", COMMANDS.join(", ")),
        )
        .with("path", path))
    }

    /// Fails where there is no file to read.
    async fn stat_kind(&self, path: &RemotePath) -> Result<()> {
        use courier_transfer::Client;
        if self.stat(path).await?.is_dir() {
            return Err(Error::new(ErrorKind::WrongKind, "a directory has no checksum").with("path", path));
        }
        Ok(())
    }
}

/// One word of a shell that no command takes for an option. Backslashes stand outside of the quotes, in which fish, unlike
/// POSIX, gives them a meaning.
fn quoted(path: &RemotePath) -> Vec<u8> {
    let mut word = b"'".to_vec();
    if !path.is_absolute() {
        word.extend_from_slice(b"./");
    }
    for &byte in path.as_wire() {
        match byte {
            b'\'' => word.extend_from_slice(br"'\''"),
            b'\\' => word.extend_from_slice(br"'\\'"),
            byte => word.push(byte),
        }
    }
    word.push(b'\'');
    word
}

/// The checksum that a line starts with. GNU puts a `\` in front of it where the name has one.
fn first_sha256(output: &[u8]) -> Option<Vec<u8>> {
    let output = output.strip_prefix(br"\").unwrap_or(output);
    let (digits, rest) = output.split_at_checked(2 * Algorithm::Sha256.output_len())?;
    if rest.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

fn first_line(text: &[u8]) -> String {
    let line = text.split(|&b| b == b'\n').next().unwrap_or_default();
    line.trim_ascii()
        .escape_ascii()
        .to_string()
        .chars()
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leaves_its_word() {
        let quoted = |path: &str| String::from_utf8(quoted(&RemotePath::new(path).unwrap())).unwrap();
        assert_eq!(quoted("/a b/$(c)"), "'/a b/$(c)'");
        assert_eq!(quoted("-rf"), "'./-rf'");
        assert_eq!(quoted("it's; rm '"), r"'./it'\''s; rm '\'''");
        assert_eq!(quoted(r"/a\';b"), r"'/a'\\''\'';b'");
    }

    #[test]
    fn a_checksum_is_read_and_nothing_else() {
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let read = |text: String| first_sha256(text.as_bytes());
        let bytes = read(format!("{sum} *a\n")).unwrap();
        assert_eq!((bytes.len(), bytes[0], bytes[31]), (32, 0xba, 0xad));
        assert_eq!(read(format!("\\{sum} *a\\\\b\n")).as_ref(), Some(&bytes));
        assert_eq!(read(sum.to_owned()), Some(bytes));
        assert_eq!(read(format!("{sum}00 *a\n")), None);
        assert_eq!(read(format!("SHA2-256(a)= {sum}\n")), None);
        assert_eq!(read(sum[..60].to_owned()), None);
    }
}
