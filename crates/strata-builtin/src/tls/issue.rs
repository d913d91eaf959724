//! Issuing certificates: what `tls_self_signed_cert` and `tls_locally_signed_cert` share.

use jiff::{SignedDuration, Timestamp};
use strata_core::{Diagnostics, Value};
use strata_provider::{Plan, Schema};

use super::{
    key::PrivateKey,
    pem,
    x509::{self, Certificate},
};
use crate::{Settings, decimal::decimal, failure::failed};

/// What is certified, by whom, and how long.
pub(super) struct Wanted<'a> {
    pub(super) subject: Vec<u8>,
    /// The subject's `SubjectPublicKeyInfo`.
    pub(super) public_key: Vec<u8>,
    pub(super) issuer: Vec<u8>,
    pub(super) issuer_key: &'a PrivateKey,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) terms: &'a Terms,
    /// The other names, as the content of an extension.
    pub(super) names: Option<Vec<u8>>,
    /// Further extensions, in their order.
    pub(super) further: Vec<Vec<u8>>,
}

/// What a certificate is good for, and how long.
#[derive(Default, Schema)]
pub(super) struct Terms {
    /// How many hours the certificate is valid.
    #[schema(replace, range(0..=87600000))]
    validity_period_hours: i64,
    /// How many hours before its end the certificate is made anew.
    #[schema(default = 0, range(0..))]
    pub(super) early_renewal_hours: i64,
    /// What the key may be used for, such as `server_auth`, `client_auth`, `digital_signature`, `key_encipherment`
    /// and `cert_signing`.
    #[schema(replace, check = are_uses)]
    allowed_uses: Vec<String>,
    /// Whether it may sign other certificates.
    #[schema(default = false, replace)]
    is_ca_certificate: bool,
    /// How many authorities may stand below it; -1 for any number.
    #[schema(default = -1, replace, range(-1..=1000))]
    max_path_length: i64,
    /// Whether it says the id of its key; that of an authority always does.
    #[schema(default = false, replace)]
    set_subject_key_id: bool,
}

/// A certificate, as it stands in state.
#[derive(Default, Schema)]
pub(super) struct Issued {
    /// The certificate in PEM.
    #[schema(computed, stable)]
    cert_pem: String,
    /// Whether it has ended, or ends within `early_renewal_hours`.
    #[schema(computed)]
    pub(super) ready_for_renewal: bool,
    /// When it begins.
    #[schema(computed, stable)]
    validity_start_time: String,
    /// When it ends.
    #[schema(computed, stable)]
    pub(super) validity_end_time: String,
    /// Its serial number, in decimal.
    #[schema(computed, stable)]
    id: String,
}

/// Issues a certificate that is valid from `now`.
pub(super) fn issue(wanted: Wanted<'_>, now: Timestamp) -> Result<Issued, Diagnostics> {
    let mut serial = vec![0; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| {
        failed(
            "Failed to create serial",
            "The system gave no random bytes.",
        )
    })?;
    let not_after = after(now, wanted.terms.validity_period_hours)?;
    let id = decimal(&serial);
    let certificate = Certificate {
        serial,
        issuer: wanted.issuer.clone(),
        subject: wanted.subject.clone(),
        not_before: now,
        not_after,
        public_key: wanted.public_key.clone(),
        extensions: extensions(&wanted),
    };
    Ok(Issued {
        cert_pem: pem::encode(
            "CERTIFICATE",
            &x509::certificate(&certificate, wanted.issuer_key)?,
        ),
        ready_for_renewal: false,
        validity_start_time: text(now),
        validity_end_time: text(not_after),
        id,
    })
}

fn extensions(wanted: &Wanted<'_>) -> Vec<Vec<u8>> {
    let terms = wanted.terms;
    let mut extensions = x509::usages(&terms.allowed_uses);
    // Without a length, which is -1, any number may stand below it.
    let path = u32::try_from(terms.max_path_length).ok();
    let path = path.filter(|_| terms.is_ca_certificate);
    extensions.push(x509::basic_constraints(terms.is_ca_certificate, path));
    if terms.set_subject_key_id || terms.is_ca_certificate {
        extensions.push(x509::subject_key_id(&x509::key_id(&wanted.public_key)));
    }
    if let Some(id) = &wanted.authority_key_id {
        extensions.push(x509::authority_key_id(id));
    }
    if let Some(names) = &wanted.names {
        // Without a subject these names are all there is, and nobody may overlook them.
        let no_subject = wanted.subject.as_slice() == [0x30, 0];
        extensions.push(x509::extension(
            x509::Extension::AlternativeNames,
            no_subject,
            names,
        ));
    }
    extensions.extend(wanted.further.iter().cloned());
    extensions
}

fn after(at: Timestamp, hours: i64) -> Result<Timestamp, Diagnostics> {
    let moved = hours
        .checked_mul(3600)
        .and_then(|seconds| at.checked_add(SignedDuration::from_secs(seconds)).ok());
    moved.ok_or_else(|| {
        failed(
            "Invalid validity period",
            "The certificate would end beyond the years that a calendar has.",
        )
    })
}

fn text(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a certificate has ended, or will within so many hours.
pub(super) fn is_ready_for_renewal(end: &str, early_hours: i64, now: Timestamp) -> bool {
    let end = end.parse::<Timestamp>().ok();
    let from = end.and_then(|end| after(end, early_hours.saturating_neg()).ok());
    // A renewal time before all calendars has come.
    from.is_none_or(|from| now >= from)
}

/// Plans a certificate: it is never ready for renewal when made, and made anew once it is.
pub(super) fn plan(plan: &mut Plan<'_, Settings>) {
    let ready = match (plan.before::<String>("validity_end_time"), plan.client) {
        (Some(end), Some(settings)) => {
            let early = plan.get::<i64>("early_renewal_hours").unwrap_or(0);
            is_ready_for_renewal(&end, early, settings.clock.now())
                || plan.before("ready_for_renewal") == Some(true)
        }
        _ => false,
    };
    plan.set("ready_for_renewal", &false);
    if ready {
        // What is read says `true`; where it was not read again, what the plan says must still differ.
        if plan.before("ready_for_renewal") != Some(true) {
            plan.set_unknown("ready_for_renewal");
        }
        plan.replace("ready_for_renewal");
    }
}

/// Checks that all elements are uses.
pub(super) fn are_uses(value: &Value) -> Result<(), String> {
    let items = value.as_sequence().unwrap_or_default();
    match items.iter().filter_map(Value::as_str).find(|name| !x509::is_use(name)) {
        Some(_) => Err("must hold key usages such as `server_auth`, `client_auth`, `digital_signature`, `key_encipherment` or `cert_signing`".to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewal_comes_as_early_as_asked() {
        let ready = |early, now: &str| {
            is_ready_for_renewal("2026-01-02T00:00:00Z", early, now.parse().unwrap())
        };
        assert!(!ready(0, "2026-01-01T23:59:59Z"));
        assert!(ready(0, "2026-01-02T00:00:00Z"));
        assert!(ready(24, "2026-01-01T00:00:00Z"));
        assert!(ready(i64::MAX, "2026-01-01T00:00:00Z"));
    }
}
