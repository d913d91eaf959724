//! What the modules of `kubernetes.core` for Helm share: which cluster is meant, and asking it by the host's own `helm`.
//!
//! As `kubernetes.core` 6. Command lines are put together and split as there, so that the `command` that is returned is
//! the same; what would need a Python library for YAML is asked for as JSON, or read by `helm` itself ([`reading`]).
//! Where Ansible writes the content of `kubeconfig: PATH` anew, the path goes to `helm` as it is.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::programs::{self, plain};
use super::scratch::Scratch;
use crate::arguments::{Arguments, Field, FieldKind, expand};
use crate::change::Change;
use crate::host::Host;
use crate::module::ModuleError;
use crate::system::{Command, Output};

pub(super) mod info;
mod options;
pub(super) mod plugin;
mod reading;
pub(super) mod release;
pub(super) mod repository;

/// The arguments of every module of the family.
const CLUSTER: &[Field] = &[
    Field::path("binary_path"),
    Field::str("context").alias(&["kube_context"]),
    Field::new("kubeconfig", FieldKind::Raw).alias(&["kubeconfig_path"]),
    Field::str("host"),
    Field::path("ca_cert").alias(&["ssl_ca_cert"]),
    Field::maybe("validate_certs").alias(&["verify_ssl"]),
    Field::str("api_key"),
];

/// Of these at most one is given, except with `helm` itself.
const EXCLUSIVE: &[&[&str]] = &[&["context", "ca_cert"], &["context", "validate_certs"]];

/// What is said where `helm` fails.
const FAILURE: &str =
    "Failure when executing Helm command. Exited {status}.\nstdout: {stdout}\nstderr: {stderr}";

/// Which cluster is meant, and by which program it is asked.
struct Cluster {
    program: Option<String>,
    namespace: Option<String>,
    context: Option<String>,
    config: Option<Value>,
    server: Option<String>,
    authority: Option<String>,
    validates: Option<bool>,
    token: Option<String>,
}

/// The program, and the variables that tell it of the cluster.
struct Helm {
    program: String,
    environment: BTreeMap<String, String>,
    /// Files of ours for as long as the task runs; only we can read them.
    scratch: Scratch,
}

impl Cluster {
    fn read(arguments: &Arguments) -> Cluster {
        Cluster {
            program: arguments.filled("binary_path"),
            namespace: arguments.filled("release_namespace"),
            context: arguments.filled("context"),
            config: arguments.raw("kubeconfig").cloned(),
            server: arguments.filled("host"),
            authority: arguments.filled("ca_cert"),
            validates: arguments.maybe("validate_certs"),
            token: arguments.filled("api_key"),
        }
    }

    /// Finds the program, and tells it of the cluster; what the task leaves open, variables of its environment say.
    fn connect(&self, host: &dyn Host) -> Result<Helm, ModuleError> {
        let program = match &self.program {
            Some(program) => program.clone(),
            None => {
                programs::required(host, "helm")?;
                let found = host.find_program("helm");
                found.map_or("helm".to_owned(), |path| path.display().to_string())
            }
        };
        let outside = host.environment();
        let or_outside = |given: &Option<String>, name: &str| {
            let outside = || outside.get(name).cloned();
            given
                .clone()
                .or_else(outside)
                .filter(|text| !text.is_empty())
        };
        let mut helm = Helm {
            program,
            environment: BTreeMap::new(),
            scratch: Scratch::new(host)?,
        };
        let server = or_outside(&self.server, "K8S_AUTH_HOST");
        let authority = or_outside(&self.authority, "K8S_AUTH_SSL_CA_CERT");
        let authority = authority.map(|path| expand(&path, &outside));
        helm.tell(
            "HELM_KUBECONTEXT",
            or_outside(&self.context, "K8S_AUTH_CONTEXT"),
        );
        helm.tell("HELM_NAMESPACE", self.namespace.clone());
        helm.tell(
            "HELM_KUBETOKEN",
            or_outside(&self.token, "K8S_AUTH_API_KEY"),
        );
        helm.tell("HELM_KUBEAPISERVER", server.clone());
        let mut config = self.config.clone();
        if config.is_none() {
            config = outside.get("K8S_AUTH_KUBECONFIG").cloned().map(Value::from);
        }
        let config = config.filter(|config| *config != "" && *config != json!({}));
        let validates = self.validates.or_else(|| {
            let said = outside.get("K8S_AUTH_VERIFY_SSL")?;
            crate::arguments::boolean(&said.as_str().into())
        });
        let is_unsafe = validates == Some(false);
        let mut set = Vec::new();
        if let Some(authority) = authority {
            match helm.is_at_least(host, "3.5.0")? {
                true => helm.tell("HELM_KUBECAFILE", Some(authority)),
                false => set.push(("certificate-authority", Value::from(authority))),
            }
        }
        if is_unsafe {
            match helm.is_at_least(host, "3.10.0")? {
                true => helm.tell("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", Some("true".to_owned())),
                false => set.push(("insecure-skip-tls-verify", true.into())),
            }
        }
        helm.configure(host, config, server.as_deref(), &set)?;
        Ok(helm)
    }
}

impl Helm {
    fn tell(&mut self, variable: &str, value: Option<String>) {
        if let Some(value) = value {
            self.environment.insert(variable.to_owned(), value);
        }
    }

    /// Names the configuration of the cluster; with what an old `helm` has no variable for, it becomes one of ours.
    fn configure(
        &mut self,
        host: &dyn Host,
        config: Option<Value>,
        server: Option<&str>,
        set: &[(&str, Value)],
    ) -> Result<(), ModuleError> {
        let content = match config {
            Some(Value::String(path)) => {
                let path = expand(&path, &host.environment());
                if host.metadata_followed(Path::new(&path))?.is_none() {
                    return Err(ModuleError::new(format!(
                        "kubeconfig: there is no `{path}`"
                    )));
                }
                if !set.is_empty() {
                    return Err(ModuleError::new(
                        "`ca_cert` and `validate_certs: false` beside a path of `kubeconfig` are not supported by Strata \
                         with a helm before 3.10",
                    ));
                }
                self.tell("KUBECONFIG", Some(path));
                return Ok(());
            }
            None if set.is_empty() => return Ok(()),
            None => json!({
                "apiVersion": "v1", "kind": "Config",
                "clusters": [{"cluster": {"server": server}, "name": "generated-cluster"}],
                "contexts": [{"context": {"cluster": "generated-cluster"}, "name": "generated-context"}],
                "current-context": "generated-context",
            }),
            Some(content @ Value::Object(_)) => content,
            Some(_) => {
                return Err(ModuleError::new(
                    "`kubeconfig` is neither a path nor a map with the content of one",
                ));
            }
        };
        let content = changed(content, server.filter(|_| !set.is_empty()), set);
        let path = self.scratch.put(host, "kubeconfig", &content.to_string())?;
        self.tell("KUBECONFIG", Some(path));
        Ok(())
    }

    /// A command line of `helm` as a command; words are split as a shell would, paths and variables in them expanded.
    fn command(&self, host: &dyn Host, line: &str) -> Result<Command, ModuleError> {
        let environment = host.environment();
        let words = programs::words(line)?;
        let words = words.iter().map(|word| expand(word, &environment));
        let mut command = plain(words);
        command.environment.extend(self.environment.clone());
        Ok(command)
    }

    fn run(&self, host: &dyn Host, line: &str) -> Result<Output, ModuleError> {
        let command = self.command(host, line)?;
        let output = host.run(&command)?;
        // Values of releases are compared, so what is read stays as it is.
        Ok(match output.status {
            0 => output,
            _ => command.concealed(output),
        })
    }

    /// Runs what must succeed.
    fn said(&self, host: &dyn Host, line: &str) -> Result<Output, ModuleError> {
        let output = self.run(host, line)?;
        match output.status {
            0 => Ok(output),
            _ => Err(failed(&output, line)),
        }
    }

    /// What is said as JSON.
    fn json(&self, host: &dyn Host, line: &str) -> Result<Value, ModuleError> {
        let output = self.said(host, line)?;
        serde_json::from_str(&output.stdout)
            .map_err(|error| ModuleError::new(format!("`{line}` says what is no JSON: {error}")))
    }

    /// A command line as a change that must succeed.
    fn attempt(&self, host: &dyn Host, line: &str) -> Result<Change, ModuleError> {
        Ok(programs::attempt(self.command(host, line)?, FAILURE))
    }

    fn version(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let output = self.run(host, &format!("{} version", self.program))?;
        let marks = ["Version:\"v", "SemVer:\"v"];
        let version = marks.iter().find_map(|mark| {
            let (_, rest) = output.stdout.split_once(mark)?;
            Some(rest.split_once('"')?.0.to_owned())
        });
        version.ok_or_else(|| {
            let why = "`helm version` names no version";
            ModuleError::new(why).with(programs::results(&output))
        })
    }

    fn is_at_least(&self, host: &dyn Host, wanted: &str) -> Result<bool, ModuleError> {
        Ok(numbers(&self.version(host)?) >= numbers(wanted))
    }

    /// Fails where `helm` is too old for an argument.
    fn needs(&self, host: &dyn Host, argument: &str, wanted: &str) -> Result<(), ModuleError> {
        let version = self.version(host)?;
        if numbers(&version) >= numbers(wanted) {
            return Ok(());
        }
        Err(ModuleError::new(format!(
            "{argument} requires helm >= {wanted}, current version is {version}"
        )))
    }

    /// The release of this name, in the states that `words` ask for, with its values.
    fn release(
        &self,
        host: &dyn Host,
        name: &str,
        words: &str,
    ) -> Result<Option<Value>, ModuleError> {
        let line = format!("{} list --output=json{words} --filter {name}", self.program);
        let Value::Array(all) = self.json(host, &line)? else {
            return Ok(None);
        };
        Ok(all.into_iter().find(|release| release["name"] == name))
    }

    /// The values that a release was given, or all of them.
    fn values(&self, host: &dyn Host, name: &str, all: bool) -> Result<Value, ModuleError> {
        let all = if all { " -a" } else { "" };
        let line = format!("{} get values --output=json {name}{all}", self.program);
        Ok(match self.json(host, &line)? {
            Value::Null => json!({}),
            values => values,
        })
    }

    /// The plugins, each with its version, and what `helm` said of them.
    fn plugins(&self, host: &dyn Host) -> Result<(Vec<(String, String)>, Output), ModuleError> {
        let output = self.said(host, &format!("{} plugin list", self.program))?;
        if output.stdout.is_empty() && output.stderr.is_empty() {
            let why = ModuleError::new("Failed to get Helm plugin info");
            return Err(why.with(programs::results(&output)));
        }
        let lines = output.stdout.lines();
        let plugins = lines
            .filter(|line| !line.starts_with("NAME"))
            .filter_map(|line| {
                let mut columns = line.split('\t').map(|column| column.trim().to_owned());
                let name = columns.next().filter(|name| !name.is_empty())?;
                Some((name, columns.next()?))
            });
        Ok((plugins.collect(), output))
    }
}

/// A failure in the words of Ansible's modules.
fn failed(output: &Output, line: &str) -> ModuleError {
    let (status, stdout, stderr) = (output.status, &output.stdout, &output.stderr);
    let why = FAILURE
        .replace("{status}", &status.to_string())
        .replace("{stdout}", stdout)
        .replace("{stderr}", stderr);
    ModuleError::new(why).with(json!({"command": line, "stdout": stdout, "stderr": stderr}))
}

/// The content of a configuration, with a server and settings for each cluster in it.
fn changed(mut content: Value, server: Option<&str>, set: &[(&str, Value)]) -> Value {
    let clusters = content["clusters"].as_array_mut();
    for cluster in clusters.into_iter().flatten() {
        let Some(cluster) = cluster.get_mut("cluster").and_then(Value::as_object_mut) else {
            continue;
        };
        if let Some(server) = server {
            cluster.insert("server".to_owned(), server.into());
        }
        for (name, value) in set {
            cluster.insert((*name).to_owned(), value.clone());
        }
    }
    content
}

/// The numbers of a version; what follows them does not count.
fn numbers(version: &str) -> Vec<u64> {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    core.split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

/// The arguments that are missing where another has a certain value.
fn required_if(
    arguments: &Arguments,
    (name, value): (&str, &str),
    needed: &str,
) -> Result<(), ModuleError> {
    if arguments.text(name) != value || arguments.raw(needed).is_some() {
        return Ok(());
    }
    Err(ModuleError::new(format!(
        "{name} is {value} but all of the following are missing: {needed}"
    )))
}
