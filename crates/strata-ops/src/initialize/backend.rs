//! Where state is kept, as far as `init` must know.

use strata_config::Config;
use strata_core::{Diagnostic, Diagnostics};

/// The name of the backend; what Strata does not have is reported.
pub(super) fn check(config: &Config, arguments: &[String], diags: &mut Diagnostics) -> String {
    strata_config::unsupported(config, diags);
    let backend = config.root().settings.backend.as_ref();
    for argument in arguments {
        diags.extend(argument_mistake(argument, backend.is_some()));
    }
    backend.map_or("local".to_owned(), |backend| backend.kind.to_string())
}

/// What is wrong with a `-backend-config`.
///
/// Strata reads the configuration of a backend at each run and keeps no copy beside it, so that what is only said here
/// would be forgotten.
fn argument_mistake(argument: &str, has_backend: bool) -> Option<Diagnostic> {
    let name = argument.split('=').next().unwrap_or_default();
    if !has_backend {
        return Some(
            Diagnostic::warning("backend-config", "Missing backend configuration").detail(
                "-backend-config was used without a \"backend\" block in the configuration.",
            ),
        );
    }
    Some(
        Diagnostic::error(
            "unsupported",
            "Partial configuration of backends is not supported",
        )
        .detail(format!(
            "Strata would forget `-backend-config={name}` after this command."
        ))
        .hint("Write it in the `backend` block; variables may be used there."),
    )
}
