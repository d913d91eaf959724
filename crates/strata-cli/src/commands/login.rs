//! `login` and `logout`: refused, with where tokens of hosts belong.
//!
//! Terraform's are for HCP Terraform, which Strata does not work with. Registries of modules ask for tokens all the
//! same; those are read from where Terraform keeps them, and written by nobody here.

use strata_core::{Diagnostic, Diagnostics};

pub(super) fn refuse_login(host: &str) -> Diagnostics {
    let summary = "Strata does not log in to hosts";
    Diagnostic::error("unsupported", summary)
        .detail("HCP Terraform is not supported. For modules of a private registry a token is all that is needed.")
        .hint(format!(
            "Set `{}`, or write `credentials \"{host}\" {{ token = \"…\" }}` into `~/.terraformrc`; what \
             `terraform login` left in `~/.terraform.d/credentials.tfrc.json` is used, too.",
            variable(host)
        ))
        .into()
}

pub(super) fn refuse_logout(host: &str) -> Diagnostics {
    let summary = "Strata keeps no tokens of hosts";
    Diagnostic::error("unsupported", summary)
        .detail("It only reads those that others have written down.")
        .hint(format!(
            "The token of `{host}` may stand in `{}`, `~/.terraformrc` or \
             `~/.terraform.d/credentials.tfrc.json`: take it out there.",
            variable(host)
        ))
        .into()
}

/// The variable of the environment with a host's token.
fn variable(host: &str) -> String {
    let name = host.replace('-', "__").replace('.', "_");
    format!("TF_TOKEN_{name}")
}
