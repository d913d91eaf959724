//! What is decoded and not carried out yet, refused by name.
//!
//! Each row of [`unsupported`] goes away when the engine carries out what it names; nothing else refuses these.

use strata_core::{Diagnostic, Diagnostics, Span};

use crate::{module::Module, tree::Config};

/// Reports everything in a configuration that Strata understands and does not carry out.
///
/// [`validate`](crate::validate()) calls it, so that nothing is planned that would then be ignored. All have the code
/// `unsupported`.
pub fn unsupported(config: &Config, diags: &mut Diagnostics) {
    let mut refuse = |what: &str, span: &Span| diags.push(refused(what).at(span.clone()));
    for (path, module) in config.modules() {
        blocks(module, &mut refuse);
        if path.0.is_empty() {
            settings(module, &mut refuse);
        }
    }
}

fn blocks(module: &Module, refuse: &mut impl FnMut(&str, &Span)) {
    for found in module.ephemerals.values() {
        refuse("An `ephemeral` block", &found.span);
    }
}

fn settings(module: &Module, refuse: &mut impl FnMut(&str, &Span)) {
    let settings = &module.settings;
    if let Some(backend) = settings.backend.as_ref().filter(|b| &*b.kind != "local") {
        refuse(&format!("The backend `{}`", backend.kind), &backend.span);
    }
    if let Some(found) = &settings.cloud {
        refuse("The `cloud` block", &found.span);
    }
    if let Some(found) = &settings.encryption {
        refuse("The `encryption` block", &found.span);
    }
    for found in settings.provider_meta.values() {
        refuse("The `provider_meta` block", &found.span);
    }
}

fn refused(what: &str) -> Diagnostic {
    Diagnostic::error("unsupported", format!("{what} is not supported yet"))
        .detail("Strata understands it, does not carry it out, and will not ignore it.")
}
