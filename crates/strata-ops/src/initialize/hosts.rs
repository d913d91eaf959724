//! What the user's own configuration says of hosts: `host` and `credentials` blocks of `.terraformrc`, and `TF_TOKEN_…`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use strata_core::{Diagnostic, Diagnostics, Source, Value, files::Files};
use strata_hcl::{Block, parse};
use ureq::Agent;

use crate::{files::Disk, process::Process};

/// How long one download may take.
const TIMEOUT: Duration = Duration::from_secs(600);

/// Services and tokens by host.
pub(super) struct Hosts {
    agent: Agent,
    /// The addresses of `modules.v1` that the user gives.
    services: BTreeMap<String, String>,
    tokens: BTreeMap<String, String>,
}

impl Hosts {
    /// Reads the file that `TF_CLI_CONFIG_FILE` names, or `~/.terraformrc` or `~/.tofurc`; then the environment.
    pub(super) fn read(process: &Process, diags: &mut Diagnostics) -> Self {
        let mut hosts = Self {
            agent: crate::http::agent(TIMEOUT),
            services: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        if let Some(file) = configuration(process) {
            hosts.file(&file, diags);
        }
        for (name, token) in &process.environment {
            if let Some(host) = name.strip_prefix("TF_TOKEN_") {
                hosts.tokens.insert(host_name(host), token.clone());
            }
        }
        hosts
    }

    fn file(&mut self, path: &Path, diags: &mut Diagnostics) {
        let Ok(text) = Disk.read_text(path) else {
            return;
        };
        let mut found = Diagnostics::new();
        let source = Arc::new(Source::new(path.to_string_lossy(), text));
        let body = parse(&source, &mut found);
        if found.has_errors() {
            // The file may hold tokens: no excerpt of it.
            diags.push(
                Diagnostic::warning("cli-configuration", "The CLI configuration cannot be read")
                    .detail(format!(
                        "`{}` is not valid; what it says is not used.",
                        path.display()
                    )),
            );
            return;
        }
        for block in &body.blocks {
            let Some(host) = block.label(0) else { continue };
            match &*block.kind.text {
                "host" => {
                    let service = services(block);
                    self.services
                        .extend(service.map(|service| (host.to_owned(), service)));
                }
                "credentials" => {
                    let token = block
                        .body
                        .attribute("token")
                        .and_then(|a| a.expression.as_literal());
                    let token = token.as_ref().and_then(Value::as_str).map(str::to_owned);
                    self.tokens
                        .extend(token.map(|token| (host.to_owned(), token)));
                }
                _ => {}
            }
        }
    }

    pub(super) fn agent(&self) -> &Agent {
        &self.agent
    }

    pub(super) fn service(&self, host: &str) -> Option<&str> {
        self.services.get(host).map(String::as_str)
    }

    pub(super) fn token(&self, host: &str) -> Option<&str> {
        self.tokens.get(host).map(String::as_str)
    }
}

fn configuration(process: &Process) -> Option<PathBuf> {
    let value = |name: &str| {
        process
            .environment
            .get(name)
            .filter(|value| !value.is_empty())
    };
    if let Some(file) = value("TF_CLI_CONFIG_FILE").or_else(|| value("TERRAFORM_CONFIG")) {
        return Some(PathBuf::from(file));
    }
    let home = PathBuf::from(value("HOME")?);
    let files = [".tofurc", ".terraformrc"].map(|name| home.join(name));
    files.into_iter().find(|file| file.is_file())
}

/// The address of `modules.v1` in a `host` block.
fn services(block: &Block) -> Option<String> {
    let services = block.body.attribute("services")?.expression.as_literal()?;
    Some(services.get("modules.v1")?.as_str()?.to_owned())
}

/// `app_terraform_io` is `app.terraform.io`, and two underscores are a dash.
fn host_name(variable: &str) -> String {
    variable.replace("__", "-").replace('_', ".")
}

/// The host of an address.
pub(super) fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?']).next().unwrap_or_default();
    host.rsplit('@').next().unwrap_or_default().to_owned()
}
