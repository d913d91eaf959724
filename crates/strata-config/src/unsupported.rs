//! What is decoded and not carried out yet, refused by name.
//!
//! Each row of [`unsupported`] goes away when the engine carries out what it names; nothing else refuses these.

use strata_core::{Diagnostic, Diagnostics, Span};

use crate::{module::Module, provider::key_of, suggest, tree::Config};

/// The code of what says where state is kept, and how: it stops nobody who only asks whether the configuration is right.
pub const STORAGE: &str = "unsupported-storage";

/// The code of all else.
const UNSUPPORTED: &str = "unsupported";

/// The backends that there are.
pub(crate) const BACKENDS: [&str; 3] = ["local", "s3", "http"];

/// The others that Terraform 1.11 and OpenTofu 1.10 have.
const OTHERS: [&str; 9] = [
    "azurerm",
    "consul",
    "cos",
    "gcs",
    "inmem",
    "kubernetes",
    "oss",
    "pg",
    "remote",
];

/// What to do with a state that is kept where Strata does not keep any.
const OTHER_PLACE: &str = "Keep the state with `local`, `s3` or `http`: write that, and `terraform init -migrate-state` brings it there. To try it without: `backend_override.tf` with `terraform { backend \"local\" {} }`.";

/// The same for what Terraform does not migrate from.
const PULLED: &str = "`terraform state pull > terraform.tfstate` brings the state here; without the block it is kept in that file. To try it without: `backend_override.tf` with `terraform { backend \"local\" {} }`.";

/// Reports everything in a configuration that Strata understands and does not carry out.
///
/// [`validate`](crate::validate()) calls it, so that nothing is planned that would then be ignored. All have the code
/// `unsupported`, or [`STORAGE`].
pub fn unsupported(config: &Config, diags: &mut Diagnostics) {
    for found in unsupported_storage(config) {
        diags.push(found);
    }
    let mut refuse = |what: &str, span: &Span| {
        diags.push(refused(UNSUPPORTED, what).at(span.clone()));
    };
    for (path, module) in config.modules() {
        let encryption = module.settings.encryption.as_ref();
        if let Some(found) = encryption.filter(|_| !path.0.is_empty()) {
            let what = "The `encryption` block of a module that is called";
            refuse(what, &found.span);
        }
        provider_meta(module, &mut refuse);
    }
}

/// What a configuration says of where its state is kept, and Strata does not carry out, with the code [`STORAGE`].
///
/// Only the root module counts; a backend in any other is warned of.
pub fn unsupported_storage(config: &Config) -> Vec<Diagnostic> {
    let settings = &config.root().settings;
    let mut found = Vec::new();
    let backend = settings.backend.as_ref();
    if let Some(backend) = backend.filter(|backend| !BACKENDS.contains(&&*backend.kind)) {
        let kind = &*backend.kind;
        let diagnostic = match OTHERS.contains(&kind) {
            true => refused(STORAGE, &format!("The backend `{kind}`")).hint(match kind {
                "remote" => PULLED,
                _ => OTHER_PLACE,
            }),
            false => no_backend(kind),
        };
        found.push(diagnostic.at(backend.span.clone()));
    }
    if let Some(cloud) = &settings.cloud {
        let diagnostic = refused(STORAGE, "The `cloud` block").hint(PULLED);
        found.push(diagnostic.at(cloud.span.clone()));
    }
    found
}

/// Said of a backend that nobody has.
fn no_backend(kind: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(STORAGE, "Unsupported backend type")
        .detail(format!("There is no backend type named {kind:?}."));
    match suggest::hint(kind, BACKENDS.into_iter().chain(OTHERS)) {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
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
