//! When the certificates of a connection end, and quick ways to what fails or ends.

use super::statements::Statements;

pub(super) const MIGRATION: Statements = Statements {
    name: "m0015_what_ends",
    statements: SCHEMA,
};

const SCHEMA: &[&str] = &[
    // The certificate that the server presented last.
    "ALTER TABLE connections ADD COLUMN server_cert_subject TEXT",
    "ALTER TABLE connections ADD COLUMN server_cert_issuer TEXT",
    "ALTER TABLE connections ADD COLUMN server_cert_thumbprint TEXT",
    "ALTER TABLE connections ADD COLUMN server_cert_not_after BIGINT",
    // Of the client certificate, which is sealed. Those that are there already get theirs when they are saved again.
    "ALTER TABLE connections ADD COLUMN client_cert_not_after BIGINT",
    "CREATE INDEX connections_ailing ON connections (health, name) WHERE health IN ('failing', 'requires_attention')",
    "CREATE INDEX folder_mappings_ailing ON folder_mappings (health, name) \
     WHERE enabled AND health IN ('failing', 'requires_attention')",
    "CREATE INDEX connections_by_server_cert ON connections (server_cert_not_after) \
     WHERE server_cert_not_after IS NOT NULL",
    "CREATE INDEX connections_by_client_cert ON connections (client_cert_not_after) \
     WHERE client_cert_not_after IS NOT NULL",
    "CREATE INDEX tokens_by_end ON tokens (expires_at) WHERE expires_at IS NOT NULL AND revoked_at IS NULL",
];
