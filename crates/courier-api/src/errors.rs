//! The table of error codes.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// Makes [`ErrorCode`] from the table: variant, number, HTTP status, title.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $number:literal, $status:literal, $title:literal;)+) => {
        /// What went wrong, as a number that never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[$meta])* $name = $number,)+
        }

        impl ErrorCode {
            /// Every code, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The HTTP status it is answered with.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status),+ }
            }

            /// What it means, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),+ }
            }
        }
    };
}

codes! {
    /// A field of the request is missing, unknown, of the wrong type or out of bounds.
    Validation = 1000, 400, "Validation failed";
    /// The body is longer than the server takes.
    BodyTooLarge = 1001, 413, "Request body too large";
    /// The body is not declared as JSON.
    UnsupportedMediaType = 1002, 415, "Unsupported media type";
    /// No session or token, or one that is not valid any more.
    AuthenticationRequired = 1010, 401, "Authentication required";
    /// The role of the caller does not allow this.
    InsufficientPermissions = 1020, 403, "Insufficient permissions";
    /// No such route, or nothing with this id.
    NotFound = 1030, 404, "Not found";
    /// The route exists, but not with this method.
    MethodNotAllowed = 1031, 405, "Method not allowed";
    /// What is asked does not fit the state that the object is in.
    StateConflict = 1050, 409, "State conflict";
    /// The name is taken.
    Duplicate = 1052, 409, "Duplicate";
    /// Too many failed logins, or more logins at once than the server takes.
    RateLimited = 1060, 429, "Rate limited";
    /// A fault of the server. Its log has the details, under the request's id.
    Internal = 1099, 500, "Internal error";
    /// There is no such step type.
    StepType = 2010, 400, "Unknown step type";
    /// The configuration of a step is wrong.
    StepConfiguration = 2011, 400, "Invalid step configuration";
    /// The cron expression or its time zone is wrong.
    CronExpression = 2012, 400, "Invalid cron expression";
    /// The remote server did not do what was asked.
    TestFailed = 3000, 502, "Connection test failed";
    /// The remote server rejected the credentials.
    AuthenticationFailed = 3001, 502, "Authentication failed";
    /// The remote server presented another host key than the pinned one.
    HostKeyMismatch = 3002, 502, "Host key mismatch";
    /// The remote server can't be reached, does not answer in time, or hung up.
    Unreachable = 3003, 502, "Unreachable";
    /// Only an admin may choose `always_trust`.
    InsecureHostKeyRequiresAdmin = 3004, 403, "Insecure host key policy requires admin";
    /// `always_trust` is not allowed in FIPS mode.
    InsecureHostKeyInFips = 3005, 403, "Insecure host key policy not allowed in FIPS mode";
    /// Only an admin may choose the TLS policy `insecure`.
    InsecureTlsRequiresAdmin = 3006, 403, "Insecure TLS policy requires admin";
    /// The TLS policy `insecure` is not allowed in FIPS mode.
    InsecureTlsInFips = 3007, 403, "Insecure TLS policy not allowed in FIPS mode";
    /// Insecure trust is switched off for production.
    InsecureTrustInProduction = 3008, 403, "Insecure trust policy blocked in production";
    /// Jobs or mappings use the connection.
    ConnectionInUse = 3010, 409, "Connection in use";
    /// A field is unknown to the protocol, or its value is wrong.
    ProtocolConfiguration = 3011, 400, "Invalid protocol configuration";
    /// Only an admin may override FIPS mode.
    FipsOverrideRequiresAdmin = 3012, 403, "FIPS override requires admin";
    /// The policy is `manual` and no fingerprint was approved.
    HostKeyNotApproved = 3013, 502, "Host key not yet approved";
    /// The certificate of the remote server is not acceptable.
    CertificateRejected = 3014, 502, "Certificate rejected";
    /// The text is no private key that Courier can read.
    KeyImport = 4000, 400, "Key import failed";
    /// The passphrase does not open the key, or is missing.
    Passphrase = 4001, 400, "Invalid passphrase";
    /// This key is in the store already.
    KeyExists = 4002, 409, "Key already exists";
    /// The key is retired or deleted.
    KeyNotActive = 4003, 409, "Key not active";
    /// Connections use the key.
    KeyInUse = 4005, 409, "Key in use";
    /// The key's algorithm is not allowed in FIPS mode.
    FipsAlgorithm = 4011, 400, "Algorithm not available in FIPS mode";
}

impl ErrorCode {
    /// Its number.
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code with this number.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.number(), self.title())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| {
            de::Error::custom(format_args!("{number} is no error code that this version knows"))
        })
    }
}

impl PartialSchema for ErrorCode {
    fn schema() -> RefOr<Schema> {
        let table: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .description(Some(format!("What went wrong. {}.", table.join("; "))))
            .enum_values(Some(Self::ALL.iter().map(|code| code.number())))
            .into()
    }
}

impl ToSchema for ErrorCode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_reads_back() {
        let numbers: Vec<u16> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted());
        for &code in ErrorCode::ALL {
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(json, code.number().to_string());
            assert_eq!(serde_json::from_str::<ErrorCode>(&json).unwrap(), code);
        }
        assert!(serde_json::from_str::<ErrorCode>("999").is_err());
    }

    #[test]
    fn statuses_are_those_of_the_contract() {
        let with_status = |status| -> Vec<u16> {
            ErrorCode::ALL
                .iter()
                .filter(|c| c.status() == status)
                .map(|c| c.number())
                .collect()
        };
        assert_eq!(with_status(400), [1000, 2010, 2011, 2012, 3011, 4000, 4001, 4011]);
        assert_eq!(with_status(401), [1010]);
        assert_eq!(with_status(403), [1020, 3004, 3005, 3006, 3007, 3008, 3012]);
        assert_eq!(with_status(404), [1030]);
        assert_eq!(with_status(409), [1050, 1052, 3010, 4002, 4003, 4005]);
        assert_eq!(with_status(429), [1060]);
    }
}
