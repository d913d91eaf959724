//! `helm`: a release of a chart is in a cluster, with its values, or is not.
//!
//! As `kubernetes.core.helm` 6. Where the plugin `helm diff` is there it tells whether something would change; else the
//! chart, its version and the values are compared, files and `set_values` among them as `helm` reads them (Ansible's takes
//! those for a change each time). In check mode repositories are read anew into a cache of ours, and
//! `dependency_update` is left out.

use serde_json::{Map, Value, json};

use super::options::{Given, Options};
use super::{CLUSTER, Cluster, Helm, reading, required_if};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Notice, Task};

pub(in crate::modules) struct HelmRelease {
    cluster: Cluster,
    name: String,
    present: bool,
    purge: bool,
    chart: Chart,
    given: Given,
    options: Options,
    updates_repositories: bool,
    updates_dependencies: bool,
    check: bool,
    diff: bool,
}

/// Which chart is meant.
struct Chart {
    reference: String,
    repository: Option<String>,
    version: Option<String>,
    skips_tls: bool,
    plain_http: bool,
}

/// What there is, and what is left to do.
pub(in crate::modules) struct Current {
    helm: Helm,
    release: Option<Value>,
    /// The command line that is returned.
    line: String,
    changes: Vec<Change>,
    notices: Vec<Notice>,
    diff: Option<String>,
}

impl Module for HelmRelease {
    const SPEC: Spec = Spec::new(
        "kubernetes.core.helm",
        &[
            Field::path("chart_ref"),
            Field::str("chart_repo_url"),
            Field::str("chart_version"),
            Field::bool("dependency_update", false).alias(&["dep_up"]),
            Field::str("release_name").alias(&["name"]).required(),
            Field::str("release_namespace")
                .alias(&["namespace"])
                .required(),
            Field::str("release_state")
                .alias(&["state"])
                .choices(&["present", "absent"])
                .default("present"),
            Field::new("release_values", FieldKind::Dict).alias(&["values"]),
            Field::list("values_files"),
            Field::bool("update_repo_cache", false),
            Field::new("set_values", FieldKind::Raw),
            Field::maybe("reuse_values"),
            Field::bool("reset_values", true),
            Field::bool("reset_then_reuse_values", false),
            Field::bool("disable_hook", false),
            Field::bool("force", false),
            Field::bool("purge", true),
            Field::bool("wait", false),
            Field::str("wait_timeout"),
            Field::str("timeout"),
            Field::bool("atomic", false),
            Field::bool("create_namespace", false),
            Field::str("post_renderer"),
            Field::bool("replace", false),
            Field::bool("skip_crds", false),
            Field::int("history_max"),
            Field::bool("insecure_skip_tls_verify", false).alias(&["skip_tls_certs_check"]),
            Field::bool("plain_http", false),
            Field::bool("take_ownership", false),
            Field::bool("skip_schema_validation", false),
        ],
    )
    .with(CLUSTER)
    .exclusive(&[
        &["context", "ca_cert"],
        &["replace", "history_max"],
        &["wait_timeout", "timeout"],
    ]);
    type Current = Current;

    fn new(arguments: &Arguments, task: &Task) -> Result<HelmRelease, ModuleError> {
        required_if(arguments, ("release_state", "present"), "chart_ref")?;
        Ok(HelmRelease {
            cluster: Cluster::read(arguments),
            name: arguments.text("release_name"),
            present: arguments.text("release_state") == "present",
            purge: arguments.bool("purge"),
            chart: Chart {
                reference: arguments.text("chart_ref"),
                repository: arguments.string("chart_repo_url"),
                version: arguments.string("chart_version"),
                skips_tls: arguments.bool("insecure_skip_tls_verify"),
                plain_http: arguments.bool("plain_http"),
            },
            given: Given::read(arguments)?,
            options: Options::read(arguments),
            updates_repositories: arguments.bool("update_repo_cache"),
            updates_dependencies: arguments.bool("dependency_update"),
            check: task.check,
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        let mut helm = self.cluster.connect(host)?;
        if self.updates_repositories {
            if self.check {
                let cache = helm.scratch.path("cache");
                helm.tell("HELM_REPOSITORY_CACHE", Some(cache));
            }
            helm.said(host, &format!("{} repo update", helm.program))?;
        }
        let release = self.release(&helm, host, if self.present { "" } else { " --all" })?;
        self.check_version(&helm, host)?;
        let current = Current {
            line: helm.program.clone(),
            helm,
            release,
            changes: Vec::new(),
            notices: Vec::new(),
            diff: None,
        };
        match self.present {
            true => self.wanted(host, current),
            false => self.unwanted(host, current),
        }
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        current.changes.clone()
    }

    fn report(
        &self,
        host: &dyn Host,
        current: &Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let status = match (&current.release, outcome.outputs.last()) {
            (release, _) if outcome.check => json!({"values": {
                "current": release.as_ref().map_or(json!({}), |release| release["values"].clone()),
                "declared": release.clone().unwrap_or(json!({})),
            }}),
            (release, None) => release.clone().unwrap_or_default(),
            (_, Some(output)) => {
                (stdout, stderr) = (output.stdout.clone(), output.stderr.clone());
                self.release(&current.helm, host, " --all")?
                    .unwrap_or_default()
            }
        };
        let diff = current.diff.iter().map(|prepared| Diff {
            path: self.name.clone(),
            after: prepared.clone(),
            ..Diff::default()
        });
        Ok(Report {
            diff: diff.collect(),
            notices: current.notices.clone(),
            ..Report::of(values(json!({
                "command": current.line, "status": status, "stdout": stdout, "stderr": stderr,
            })))
        })
    }
}

impl HelmRelease {
    fn release(
        &self,
        helm: &Helm,
        host: &dyn Host,
        words: &str,
    ) -> Result<Option<Value>, ModuleError> {
        let mut release = helm.release(host, &self.name, words)?;
        if let Some(release) = &mut release {
            release["values"] = helm.values(host, &self.name, false)?;
        }
        Ok(release)
    }

    fn check_version(&self, helm: &Helm, host: &dyn Host) -> Result<(), ModuleError> {
        for (is_asked, argument, wanted) in [
            (self.chart.plain_http, "plain_http", "3.13.0"),
            (self.options.take_ownership, "take_ownership", "3.17.0"),
            (self.options.skip_schema, "skip_schema_validation", "3.16.0"),
        ] {
            if is_asked {
                helm.needs(host, argument, wanted)?;
            }
        }
        Ok(())
    }

    fn unwanted(&self, host: &dyn Host, current: Current) -> Result<Current, ModuleError> {
        let status = current
            .release
            .as_ref()
            .and_then(|release| release["status"].as_str());
        if status.is_none_or(|status| status.starts_with("uninstall")) {
            return Ok(current);
        }
        if self.options.replace {
            return Err(ModuleError::new(
                "replace is not applicable when state is absent",
            ));
        }
        let helm = &current.helm;
        let mut notices = Vec::new();
        let mut line = format!("{} uninstall ", helm.program);
        let mut add = |is_wanted: bool, words: &str| {
            if is_wanted {
                line.push_str(words);
            }
        };
        add(!self.purge, " --keep-history");
        add(self.options.no_hooks, " --no-hooks");
        if self.options.wait {
            let knows = helm.is_at_least(host, "3.7.0")?;
            add(knows, " --wait");
            if !knows {
                let text = "helm uninstall support option --wait for helm release >= 3.7.0";
                notices.push(Notice::Warning(text.to_owned()));
            }
        }
        if let Some(limit) = &self.options.wait_timeout {
            add(true, &format!(" --timeout {limit}"));
        }
        line.push_str(&format!(" {}", self.name));
        Ok(Current {
            changes: vec![helm.attempt(host, &line)?],
            line,
            notices,
            ..current
        })
    }

    fn wanted(&self, host: &dyn Host, mut current: Current) -> Result<Current, ModuleError> {
        let helm = &current.helm;
        let mut start = helm.program.clone();
        if let Some(version) = &self.chart.version {
            start.push_str(&format!(" --version={version}"));
        }
        if let Some(url) = &self.chart.repository {
            start.push_str(&format!(" --repo={url}"));
        }
        let about = self.about_chart(helm, host, &start)?;
        let inline = self.update_dependencies(helm, host, &about, &mut current.notices)?;
        let set = self.given.set_words(helm, host)?;
        let mut files = String::new();
        for file in &self.given.files {
            files.push_str(&format!(" --values={file}"));
        }
        if !self.given.values.is_empty() {
            // JSON is YAML, too.
            let text = Value::from(self.given.values.clone()).to_string();
            files.push_str(&format!(
                " -f={}",
                helm.scratch.put(host, "values.yml", &text)?
            ));
        }
        let words = Words { files, set, inline };
        let differs = match &current.release {
            None => true,
            Some(release) => match self.has_diff(helm, host)? {
                Some(plugin) => {
                    let found = self.difference(helm, host, &words, &plugin)?;
                    let differs = !found.is_empty();
                    current.diff = (differs && self.diff).then_some(found);
                    differs || self.options.force
                }
                None => {
                    let text = "The default idempotency check can fail to report changes in certain cases. \
                                Install helm diff >= 3.4.1 for better results.";
                    current.notices.push(Notice::Warning(text.to_owned()));
                    self.options.force || self.is_other(helm, host, release, &about, &words)?
                }
            },
        };
        current.line = start;
        if differs {
            let is_new = current.release.is_none();
            current.line = self.deployed(helm, host, &current.line, &words, is_new)?;
            current.changes = vec![helm.attempt(host, &current.line)?];
        }
        Ok(current)
    }

    /// What the chart says of itself.
    fn about_chart(
        &self,
        helm: &Helm,
        host: &dyn Host,
        start: &str,
    ) -> Result<Map<String, Value>, ModuleError> {
        let mut line = format!("{start} show chart '{}'", self.chart.reference);
        if self.chart.skips_tls {
            line.push_str(" --insecure-skip-tls-verify");
        }
        if self.chart.plain_http {
            line.push_str(" --plain-http");
        }
        Ok(reading::top_level(&helm.said(host, &line)?.stdout))
    }

    /// Brings the charts that this one stands on; gives whether the installation is to do it.
    ///
    /// What `helm diff` compares are charts with all their parts, so this goes before, and is no change by itself.
    fn update_dependencies(
        &self,
        helm: &Helm,
        host: &dyn Host,
        about: &Map<String, Value>,
        notices: &mut Vec<Notice>,
    ) -> Result<bool, ModuleError> {
        if !self.updates_dependencies {
            return Ok(false);
        }
        let mut warn = |text: &str| notices.push(Notice::Warning(text.to_owned()));
        let reference = &self.chart.reference;
        if !about.contains_key("dependencies") {
            warn(
                "There is no dependencies block defined in Chart.yaml. Dependency update will not be performed. \
                 Please consider add dependencies block or disable dependency_update to remove this warning.",
            );
            return Ok(true);
        }
        let is_address = reference.starts_with("http://") || reference.starts_with("https://");
        if self.chart.repository.is_none() && !is_address {
            if !self.check {
                helm.said(
                    host,
                    &format!("{} dependency update '{reference}'", helm.program),
                )?;
            }
            return Ok(false);
        }
        warn(
            "This is a not stable feature with 'chart_repo_url'. Please consider to use dependency update with on-disk charts",
        );
        match self.options.replace {
            true => Ok(true),
            false => Err(ModuleError::new(
                "'--dependency-update' hasn't been supported yet with 'helm upgrade'. \
                 Please use 'helm install' instead by adding 'replace' option",
            )),
        }
    }

    /// The version of the plugin `helm diff`, where it is there and knows what is asked of it.
    fn has_diff(&self, helm: &Helm, host: &dyn Host) -> Result<Option<String>, ModuleError> {
        let (plugins, _) = helm.plugins(host)?;
        let found = plugins.into_iter().find(|(name, _)| name == "diff");
        let version = found.map(|(_, version)| version);
        Ok(version.filter(|version| {
            self.chart.repository.is_none() || super::numbers(version) >= super::numbers("3.4.1")
        }))
    }

    /// What `helm diff` says that an upgrade would change.
    fn difference(
        &self,
        helm: &Helm,
        host: &dyn Host,
        words: &Words,
        plugin: &str,
    ) -> Result<String, ModuleError> {
        let (options, chart) = (&self.options, &self.chart);
        let mut line = format!(
            "{} diff upgrade {} {}",
            helm.program, self.name, chart.reference
        );
        let mut add = |words: String| line.push_str(&words);
        if let Some(url) = &chart.repository {
            add(format!(" --repo={url}"));
        }
        if let Some(version) = &chart.version {
            add(format!(" --version={version}"));
        }
        if !options.replace {
            add(format!(" --reset-values={}", python(options.reset)));
        }
        if let Some(program) = &options.post_renderer {
            add(format!(" --post-renderer={program}"));
        }
        add(words.files.clone());
        add(words.set.clone());
        if options.reuse == Some(true) {
            add(" --reuse-values".to_owned());
        }
        if options.reset_then_reuse {
            if super::numbers(plugin) < super::numbers("3.9.12") {
                return Err(ModuleError::new(format!(
                    "reset_then_reuse_values requires helm diff >= 3.9.12, current version is {plugin}\n"
                )));
            }
            helm.needs(host, "reset_then_reuse_values", "3.14.0")?;
            add(" --reset-then-reuse-values".to_owned());
        }
        for (is_wanted, word) in [
            (chart.skips_tls, " --insecure-skip-tls-verify"),
            (options.skip_schema, " --skip-schema-validation"),
            (chart.plain_http, " --plain-http"),
        ] {
            add(if is_wanted { word } else { "" }.to_owned());
        }
        Ok(helm.said(host, &line)?.stdout.trim().to_owned())
    }

    /// Whether the release has another chart or other values, as far as can be told without `helm diff`.
    fn is_other(
        &self,
        helm: &Helm,
        host: &dyn Host,
        release: &Value,
        about: &Map<String, Value>,
        words: &Words,
    ) -> Result<bool, ModuleError> {
        let mut current = release["values"].clone();
        let wanted = match self.given.files.is_empty() && words.set.is_empty() {
            true => Value::from(self.given.values.clone()),
            false => {
                reading::without_nulls(&mut current);
                reading::values(helm, host, &format!("{}{}", words.files, words.set))?
            }
        };
        let text = |name: &str| about.get(name).and_then(Value::as_str).unwrap_or_default();
        let chart = format!("{}-{}", text("name"), text("version"));
        let version = release["app_version"].as_str().unwrap_or_default();
        Ok(!alike(&current, &wanted) || release["chart"] != chart || text("appVersion") != version)
    }

    /// The command line that installs or upgrades.
    fn deployed(
        &self,
        helm: &Helm,
        host: &dyn Host,
        start: &str,
        words: &Words,
        is_new: bool,
    ) -> Result<String, ModuleError> {
        let options = &self.options;
        let mut line = start.to_owned();
        let mut add = |is_wanted: bool, words: &str| {
            if is_wanted {
                line.push_str(words);
            }
        };
        add(options.replace, " install");
        add(options.replace && words.inline, " --dependency-update");
        add(!options.replace, " upgrade -i");
        add(!options.replace && options.reset, " --reset-values");
        add(
            !options.replace && options.take_ownership && !is_new,
            " --take-ownership",
        );
        if let Some(reuse) = options.reuse {
            add(true, &format!(" --reuse-values={}", python(reuse)));
        }
        if options.reset_then_reuse {
            helm.needs(host, "reset_then_reuse_values", "3.14.0")?;
            add(true, " --reset-then-reuse-values");
        }
        add(options.wait, " --wait");
        if let Some(limit) = &options.wait_timeout {
            add(options.wait, &format!(" --timeout {limit}"));
        }
        add(options.atomic, " --atomic");
        if let Some(limit) = options.timeout.as_ref().filter(|limit| !limit.is_empty()) {
            add(true, &format!(" --timeout {limit}"));
        }
        add(options.force && !is_new, " --force");
        add(options.replace, " --replace");
        add(options.no_hooks, " --no-hooks");
        add(options.create_namespace, " --create-namespace");
        if self.chart.skips_tls {
            helm.needs(host, "insecure_skip_tls_verify", "3.16.0")?;
            add(true, " --insecure-skip-tls-verify");
        }
        add(self.chart.plain_http, " --plain-http");
        add(true, &words.files);
        if let Some(program) = &options.post_renderer {
            add(true, &format!(" --post-renderer={program}"));
        }
        add(options.skip_crds, " --skip-crds");
        if let Some(revisions) = options.history_max {
            add(true, &format!(" --history-max={revisions}"));
        }
        add(true, &words.set);
        add(options.skip_schema, " --skip-schema-validation");
        Ok(format!("{line} {} '{}'", self.name, self.chart.reference))
    }
}

/// Parts of command lines.
struct Words {
    /// Files of values, each with a blank before.
    files: String,
    /// Single values, each with a blank before.
    set: String,
    /// The installation brings the charts that this one stands on.
    inline: bool,
}

/// A truth value as Python writes it; `helm` reads that, too.
fn python(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}

/// Whether values are equal; `1` and `1.0` are.
fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| alike(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same = |(name, left): (&String, &Value)| {
                right.get(name).is_some_and(|right| alike(left, right))
            };
            left.len() == right.len() && left.iter().all(same)
        }
        _ => left == right,
    }
}
