//! What the user's own configuration says of hosts: `host` and `credentials` blocks of `.terraformrc` and of the files
//! `~/.terraform.d/*.tfrc`, what `terraform login` left there, and `TF_TOKEN_…`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use serde_json::Value as Json;
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
    /// Reads what `terraform login` wrote; the file that `TF_CLI_CONFIG_FILE` names, or else `~/.terraform.d/*.tfrc` and
    /// `~/.terraformrc` or `~/.tofurc`; then the environment. What is read later counts more.
    pub(super) fn read(process: &Process, diags: &mut Diagnostics) -> Self {
        let mut hosts = Self {
            agent: crate::http::agent(TIMEOUT),
            services: BTreeMap::new(),
            tokens: BTreeMap::new(),
        };
        for file in files(process) {
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
        // As in Terraform the same may be said in JSON, whatever the file is called.
        if text.trim_start().starts_with('{') {
            match serde_json::from_str::<Json>(&text) {
                Ok(json) => self.json(&json),
                Err(_) => diags.push(unreadable(path)),
            }
            return;
        }
        let mut found = Diagnostics::new();
        let source = Arc::new(Source::new(path.to_string_lossy(), text));
        let body = parse(&source, &mut found);
        if found.has_errors() {
            diags.push(unreadable(path));
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
                "credentials_helper" => diags.push(no_helper(path, host)),
                _ => {}
            }
        }
    }

    /// `credentials` and `host` as JSON has them, also in what `terraform login` wrote.
    fn json(&mut self, json: &Json) {
        let entries = |name: &str| json[name].as_object().into_iter().flatten();
        for (host, found) in entries("credentials") {
            let token = found["token"].as_str().map(str::to_owned);
            self.tokens.extend(token.map(|token| (host.clone(), token)));
        }
        for (host, found) in entries("host") {
            let service = found["services"]["modules.v1"].as_str().map(str::to_owned);
            self.services
                .extend(service.map(|service| (host.clone(), service)));
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

/// A file that cannot be read. It may hold tokens: no excerpt of it.
fn unreadable(path: &Path) -> Diagnostic {
    Diagnostic::warning("cli-configuration", "The CLI configuration cannot be read").detail(
        format!(
            "`{}` is not valid; what it says is not used.",
            path.display()
        ),
    )
}

fn no_helper(path: &Path, name: &str) -> Diagnostic {
    let summary = "Helpers for credentials are not asked";
    Diagnostic::warning("cli-configuration", summary)
        .detail(format!(
            "`{}` names the helper `{name}`, which Strata does not run.",
            path.display()
        ))
        .hint("Give the token of a host as `TF_TOKEN_…` or in a `credentials` block.")
}

/// The files there are, from the one that counts least.
fn files(process: &Process) -> Vec<PathBuf> {
    let value = |name: &str| {
        let value = process.environment.get(name);
        value.filter(|value| !value.is_empty()).map(PathBuf::from)
    };
    let named = value("TF_CLI_CONFIG_FILE").or_else(|| value("TERRAFORM_CONFIG"));
    let Some(home) = value("HOME") else {
        return named.into_iter().collect();
    };
    let folder = home.join(".terraform.d");
    let mut files = vec![folder.join("credentials.tfrc.json")];
    match named {
        Some(named) => files.push(named),
        None => {
            files.extend(of_folder(&folder));
            let usual = [".tofurc", ".terraformrc"].map(|name| home.join(name));
            files.extend(usual.into_iter().find(|file| file.is_file()));
        }
    }
    files.retain(|file| file.exists());
    files
}

/// The files `*.tfrc` and `*.tfrc.json` of a folder, by name.
fn of_folder(folder: &Path) -> Vec<PathBuf> {
    let is_one = |name: &str| {
        let ends = name.ends_with(".tfrc") || name.ends_with(".tfrc.json");
        ends && name != "credentials.tfrc.json"
    };
    let entries = Disk.list(folder).unwrap_or_default();
    let names = entries.into_iter().map(|entry| entry.name);
    let mut names: Vec<String> = names.filter(|name| is_one(name)).collect();
    names.sort();
    names.iter().map(|name| folder.join(name)).collect()
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The tokens that come of files below a home and of the environment, and what is warned of.
    fn read(files: &[(&str, &str)], environment: &[(&str, &str)]) -> (String, String) {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let mut process = Process::current().unwrap();
        let home = home.path().to_str().unwrap();
        let given = environment.iter().copied().chain([("HOME", home)]);
        process.environment = given
            .map(|(name, value)| (name.to_owned(), value.replace('~', home)))
            .collect();
        let mut diags = Diagnostics::new();
        let hosts = Hosts::read(&process, &mut diags);
        let tokens = hosts.tokens.iter();
        let tokens: Vec<_> = tokens
            .map(|(host, token)| format!("{host}={token}"))
            .collect();
        let warned: Vec<_> = diags.iter().map(|found| found.summary.clone()).collect();
        (tokens.join(" "), warned.join(", "))
    }

    #[test]
    fn tokens_come_from_files_and_the_environment_which_counts_most() {
        let files = [
            (
                ".terraform.d/credentials.tfrc.json",
                r#"{"credentials":{"a.example":{"token":"login"},"b.example":{"token":"login"}}}"#,
            ),
            (
                ".terraform.d/more.tfrc",
                "credentials \"c.example\" {\n  token = \"more\"\n}\n",
            ),
            (
                ".terraformrc",
                "credentials \"b.example\" {\n  token = \"file\"\n}\ncredentials \"d-e.example\" {\n  token = \"file\"\n}\n",
            ),
        ];
        let environment = [("TF_TOKEN_d__e_example", "set")];
        let all = "a.example=login b.example=file c.example=more d-e.example=set";
        assert_eq!(read(&files, &environment), (all.to_owned(), String::new()));
        // A file that is named stands for all but what `login` wrote.
        let named = [("TF_CLI_CONFIG_FILE", "~/.terraform.d/more.tfrc")];
        let some = "a.example=login b.example=login c.example=more";
        assert_eq!(read(&files, &named).0, some);
        assert_eq!(
            read(&files[2..], &[("TF_CLI_CONFIG_FILE", "/dev/null")]).0,
            ""
        );
    }

    #[test]
    fn what_cannot_be_used_is_said_without_what_is_in_it() {
        let wrong = [(".terraformrc", "credentials \"a\" { token = s3cret")];
        let said = "The CLI configuration cannot be read".to_owned();
        assert_eq!(read(&wrong, &[]), (String::new(), said.clone()));
        assert_eq!(
            read(&[(".terraformrc", "{ \"credentials\": s3cret")], &[]).1,
            said
        );
        let helper = [(".terraformrc", "credentials_helper \"vault\" {}\n")];
        assert_eq!(
            read(&helper, &[]).1,
            "Helpers for credentials are not asked"
        );
    }
}
