//! Provisioners: `local-exec` runs a program here, `remote-exec` and `file` reach a host over the user's own ssh.

mod arguments;
mod file;
mod local_exec;
mod remote;
mod remote_exec;

use std::sync::Arc;

use strata_core::BoxFuture;
use strata_engine::{Provision, Provisioners};

/// All that there are.
pub(crate) struct BuiltIn {
    /// The environment that programs get.
    environment: Vec<(String, String)>,
    /// True if the machines are models: a program would meet others at their addresses, or nobody.
    rehearses: bool,
}

impl BuiltIn {
    /// Programs get this environment; in a rehearsal none is run.
    pub(crate) fn new(
        environment: &std::collections::BTreeMap<String, String>,
        rehearses: bool,
    ) -> Arc<Self> {
        let environment = environment.clone().into_iter().collect();
        Arc::new(Self {
            environment,
            rehearses,
        })
    }
}

impl Provisioners for BuiltIn {
    fn run<'a>(&'a self, call: Provision) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            match &*call.kind {
                "local-exec" | "remote-exec" | "file" if self.rehearses => {
                    (call.output)("Not run: this is a rehearsal, and its machines are models");
                    Ok(())
                }
                "local-exec" => local_exec::run(&call, &self.environment).await,
                "remote-exec" => remote_exec::run(&call).await,
                "file" => file::run(&call).await,
                other => Err(format!("the provisioner `{other}` is not supported")),
            }
        })
    }
}
