//! `openssl_csr_pipe`: a request for a certificate that no file keeps.
//!
//! As `community.crypto.openssl_csr_pipe` 3: the request that there was comes with the task, and the one that there is
//! goes back with the result, in check mode, too.

use super::request::{self, REQUEST, Wish};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct OpensslCsrPipe {
    wish: Wish,
    before: Option<String>,
}

/// The request as it is to be, and whether it is another one.
pub(in crate::modules) struct Found {
    text: String,
    is_new: bool,
}

impl Module for OpensslCsrPipe {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssl_csr_pipe",
        &[
            Field::str("content"),
            Field::str("select_crypto_backend")
                .choices(&["auto", "cryptography"])
                .default("auto"),
        ],
    )
    .with(REQUEST)
    .exclusive(&[
        &["privatekey_path", "privatekey_content"],
        &["subject", "subject_ordered"],
    ])
    .one_of(&[&["privatekey_path", "privatekey_content"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<OpensslCsrPipe, ModuleError> {
        Ok(OpensslCsrPipe {
            wish: Wish::read(arguments)?,
            before: arguments.filled("content"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let new = self.wish.generate(host)?;
        let same = match &self.before {
            Some(before) => request::is_same(host, before, &new)?,
            None => false,
        };
        Ok(Found {
            text: match (&self.before, same) {
                (Some(before), true) => before.clone(),
                _ => new,
            },
            is_new: !same,
        })
    }

    fn decide(&self, _: &Found) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut report = self.wish.described();
        report.insert("csr".to_owned(), found.text.clone().into());
        Ok(Report {
            changed: Some(found.is_new),
            ..Report::of(report)
        })
    }
}
