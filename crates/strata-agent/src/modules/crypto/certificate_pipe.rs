//! `x509_certificate_pipe`: a certificate that no file keeps.
//!
//! As `community.crypto.x509_certificate_pipe` 3: the certificate that there was comes with the task, and the one that
//! there is goes back with the result, in check mode, too.

use super::certificate::{CERTIFICATE, EXCLUSIVE, Wish, times};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct X509CertificatePipe {
    wish: Wish,
    before: Option<String>,
}

/// The certificate as it is to be, and whether it is another one.
pub(in crate::modules) struct Found {
    text: String,
    is_new: bool,
}

impl Module for X509CertificatePipe {
    const SPEC: Spec = Spec::new(
        "community.crypto.x509_certificate_pipe",
        &[
            Field::str("content"),
            Field::bool("force", false),
            Field::str("provider")
                .choices(&["ownca", "selfsigned"])
                .required(),
            Field::str("select_crypto_backend")
                .choices(&["auto", "cryptography"])
                .default("auto"),
        ],
    )
    .with(CERTIFICATE)
    .exclusive(EXCLUSIVE);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<X509CertificatePipe, ModuleError> {
        Ok(X509CertificatePipe {
            wish: Wish::read(arguments, arguments.text("provider") == "ownca")?,
            before: arguments.filled("content"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let new = self.wish.generate(host)?;
        let kept = match &self.before {
            Some(before) if !self.wish.force && self.wish.fits(host, before, &new)? => Some(before),
            _ => None,
        };
        Ok(Found {
            is_new: kept.is_none(),
            text: kept.cloned().unwrap_or(new),
        })
    }

    fn decide(&self, _: &Found) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, host: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut report = self.wish.described();
        report.extend(times(host, &found.text)?);
        report.insert("certificate".to_owned(), found.text.clone().into());
        Ok(Report {
            changed: Some(found.is_new),
            ..Report::of(report)
        })
    }
}
