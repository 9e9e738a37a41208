//! Certificates: what the connection's policy says to one, and what is written down about it (specification 6.3.2).

use courier_store::connections::SeenCertificate;
use courier_transfer::{Certificate, CertificatePolicy, CertificateProblem};
use serde_json::json;

use super::Trust;
use crate::Result;

impl Trust {
    /// Accepts the certificate, or refuses it before any credential is sent.
    pub(super) async fn decide_certificate(&self, presented: &Certificate) -> Result<()> {
        self.remember_certificate(presented).await?;
        let policy = CertificatePolicy::of(&self.connection.settings);
        if let Err(refusal) = policy.check(presented) {
            self.record_rejected(policy, presented).await?;
            return Err(refusal.into());
        }
        if policy == CertificatePolicy::Insecure {
            self.record_insecure(presented).await?;
        }
        Ok(())
    }

    /// Keeps what it says, trusted or not, so that its end is known before it comes.
    async fn remember_certificate(&self, presented: &Certificate) -> Result<()> {
        let seen = SeenCertificate {
            subject: presented.subject.clone(),
            issuer: presented.issuer.clone(),
            thumbprint: presented.thumbprint.to_string(),
            not_after: presented.not_after,
        };
        if self.purpose.notes() && self.connection.server_certificate.as_ref() != Some(&seen) {
            let connections = self.engine.0.store.connections();
            connections
                .note_certificate(self.connection.seen(), &seen)
                .await?;
        }
        Ok(())
    }

    async fn record_rejected(&self, policy: CertificatePolicy, presented: &Certificate) -> Result<()> {
        let (policy, expected, reasons) = match policy {
            CertificatePolicy::Pinned(Some(pin)) => {
                let reason = match pin == presented.thumbprint {
                    true => CertificateProblem::Revoked.to_string(),
                    false => "not the pinned certificate".to_owned(),
                };
                (CertificatePolicy::PINNED, Some(pin), vec![reason])
            }
            CertificatePolicy::Pinned(None) => (
                CertificatePolicy::PINNED,
                None,
                vec!["no certificate is pinned yet".to_owned()],
            ),
            CertificatePolicy::SystemTrust | CertificatePolicy::Insecure => {
                let problems = presented.problems.iter().map(CertificateProblem::to_string);
                (CertificatePolicy::SYSTEM_TRUST, None, problems.collect())
            }
        };
        let details = json!({
            "host": self.connection.host,
            "policy": policy,
            "expected": expected,
            "presented": presented.thumbprint,
            "subject": presented.subject,
            "issuer": presented.issuer,
            "not_after": presented.not_after,
            "reasons": reasons,
        });
        self.record("certificate_rejected", details).await
    }

    async fn record_insecure(&self, presented: &Certificate) -> Result<()> {
        let errors = presented.policy_errors();
        tracing::warn!(
            connection = %self.connection.name,
            thumbprint = %presented.thumbprint,
            policy_errors = errors.as_deref().unwrap_or("none"),
            "a certificate was accepted without verification"
        );
        let details = json!({
            "host": self.connection.host,
            "subject": presented.subject,
            "issuer": presented.issuer,
            "thumbprint": presented.thumbprint,
            "policy_errors": errors,
        });
        self.record("insecure_tls_policy_used", details).await
    }
}
