//! What is decoded and not carried out yet, refused by name.
//!
//! Each row of [`unsupported`] goes away when the engine carries out what it names; nothing else refuses these.

use strata_core::{Diagnostic, Diagnostics, Span};

use crate::{module::Module, provider::key_of, tree::Config};

/// The code of what says where state is kept, and how: it stops nobody who only asks whether the configuration is right.
pub const STORAGE: &str = "unsupported-storage";

/// The code of all else.
const UNSUPPORTED: &str = "unsupported";

/// The backends that there are.
pub(crate) const BACKENDS: [&str; 3] = ["local", "s3", "http"];

/// What to do with a state that is kept where Strata does not keep any.
const OTHER_PLACE: &str =
    "Keep the state with `local`, `s3` or `http`: `terraform init -migrate-state` brings it there.";

/// Reports everything in a configuration that Strata understands and does not carry out.
///
/// [`validate`](crate::validate()) calls it, so that nothing is planned that would then be ignored. All have the code
/// `unsupported`, or [`STORAGE`].
pub fn unsupported(config: &Config, diags: &mut Diagnostics) {
    let mut refuse = |code: &'static str, what: &str, span: &Span| {
        let found = refused(code, what).at(span.clone());
        diags.push(match code {
            STORAGE => found.hint(OTHER_PLACE),
            _ => found,
        });
    };
    for (path, module) in config.modules() {
        settings(module, path.0.is_empty(), &mut refuse);
    }
}

/// Only the root module's backend counts; that of any other is warned of.
fn settings(module: &Module, is_root: bool, refuse: &mut impl FnMut(&'static str, &str, &Span)) {
    let settings = &module.settings;
    let backend = settings.backend.as_ref().filter(|_| is_root);
    if let Some(backend) = backend.filter(|backend| !BACKENDS.contains(&&*backend.kind)) {
        let what = format!("The backend `{}`", backend.kind);
        refuse(STORAGE, &what, &backend.span);
    }
    if let Some(found) = &settings.cloud {
        refuse(STORAGE, "The `cloud` block", &found.span);
    }
    if let Some(found) = settings.encryption.as_ref().filter(|_| !is_root) {
        let what = "The `encryption` block of a module that is called";
        refuse(UNSUPPORTED, what, &found.span);
    }
    provider_meta(module, |what, span| refuse(UNSUPPORTED, what, span));
}

/// No provider has it, so it says nothing, unless the module has resources of the provider.
fn provider_meta(module: &Module, mut refuse: impl FnMut(&str, &Span)) {
    for (name, found) in &module.settings.provider_meta {
        let mut resources = module.resources.values();
        if resources.any(|resource| key_of(resource).name == *name) {
            let what = format!("The `provider_meta` block of the provider `{name}`");
            refuse(&what, &found.span);
        }
    }
}

fn refused(code: &'static str, what: &str) -> Diagnostic {
    Diagnostic::error(code, format!("{what} is not supported yet"))
        .detail("Strata understands it, does not carry it out, and will not ignore it.")
}
