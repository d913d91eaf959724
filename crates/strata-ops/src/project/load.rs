//! Reads `strata.hcl` and the `.env` files beside it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use strata_core::{Diagnostic, Diagnostics, Source, StageKind, Value, files::Files};
use strata_hcl::{Attribute, Block, Body, Expression};

use super::{
    Configure, Environment, Outputs, Project, Provision, Scope, Stage, StageBody, Verify,
    VerifyCheck,
    env_file::{self, Variables},
    keyword, order,
    scope::{ROOTS, missing_env},
};

/// The name of the project file.
pub const FILE_NAME: &str = "strata.hcl";

/// Reads the project in `folder`; `environment` is the process environment.
///
/// Every mistake in the file is reported; none is given if there is one.
pub fn load(
    files: &dyn Files,
    folder: &Path,
    environment: &BTreeMap<String, String>,
    diags: &mut Diagnostics,
) -> Option<Project> {
    let path = folder.join(FILE_NAME);
    let text = match files.read_text(&path) {
        Ok(text) => text,
        Err(error) => {
            let diagnostic = Diagnostic::error(
                "no-project",
                format!("There is no project file `{}`", path.display()),
            )
            .detail(error.reason.to_string())
            .hint("Go to the folder of a project, or name it with `-chdir=DIR`.");
            diags.push(diagnostic);
            return None;
        }
    };
    let source = Arc::new(Source::new(path.display().to_string(), text));
    let mut found = Diagnostics::new();
    let body = strata_hcl::parse(&source, &mut found);
    let project = Loader {
        files,
        folder,
        environment,
        diags: &mut found,
    }
    .project(&body);
    let failed = found.has_errors();
    diags.append(found);
    project.filter(|_| !failed)
}

struct Loader<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    environment: &'a BTreeMap<String, String>,
    diags: &'a mut Diagnostics,
}

impl Loader<'_> {
    fn project(&mut self, body: &Body) -> Option<Project> {
        self.only(body, "The project file", &[], &["project", "environment"]);
        let block = body.blocks_of("project").next();
        if block.is_none() {
            let diagnostic = Diagnostic::error(
                "no-project-block",
                "The project file has no `project` block",
            )
            .at(body.span())
            .hint("Begin it with `project \"NAME\" {}`.");
            self.diags.push(diagnostic);
        }
        let block = block?;
        if let Some(second) = body.blocks_of("project").nth(1) {
            self.error(
                "duplicate-block",
                "There is more than one `project` block",
                second,
            );
        }
        let name = self.name(block)?;
        let env = self.env(block);
        let mut environments: Vec<Environment> = Vec::new();
        for block in body.blocks_of("environment") {
            let Some(name) = self.name(block) else {
                continue;
            };
            if environments.iter().any(|other| other.name == name) {
                self.error(
                    "duplicate-block",
                    &format!("There are two environments `{name}`"),
                    block,
                );
            }
            let stages = self.stages(block, &name, &env);
            environments.push(Environment { name, stages });
        }
        Some(Project {
            name,
            folder: self.folder.to_owned(),
            env,
            environments,
        })
    }

    /// The `.env` files and, over them, the process environment.
    fn env(&mut self, project: &Block) -> Variables {
        self.only(&project.body, "A `project` block", &["env_file"], &[]);
        let mut env = Variables::default();
        let names = match project.body.attribute("env_file") {
            Some(attribute) => self.texts(&attribute.expression),
            None => Vec::new(),
        };
        for name in names {
            let path = self.folder.join(&name);
            match self.files.read_text(&path) {
                Ok(text) => {
                    let source = Source::new(path.display().to_string(), text);
                    env.extend(env_file::parse(&source, self.environment, self.diags));
                }
                Err(error) => {
                    let diagnostic = Diagnostic::error(
                        "env-file",
                        format!("`{}` cannot be read", path.display()),
                    )
                    .at(project.header_span())
                    .detail(error.reason.to_string())
                    .hint(format!("Copy `.env.example` to `{name}` and fill it in."));
                    self.diags.push(diagnostic);
                }
            }
        }
        env.extend(
            self.environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        );
        self.compare_with_example(project, &env);
        env
    }

    /// Names that `.env.example` lists and nobody sets.
    fn compare_with_example(&mut self, project: &Block, env: &Variables) {
        let path = self.folder.join(".env.example");
        let Ok(text) = self.files.read_text(&path) else {
            return;
        };
        let source = Source::new(path.display().to_string(), text);
        let example = env_file::parse(&source, self.environment, self.diags);
        for name in example.names().filter(|name| env.get(name).is_none()) {
            self.diags.push(missing_env(name).at(project.header_span()));
        }
    }

    fn stages(&mut self, environment: &Block, name: &Arc<str>, env: &Variables) -> Vec<Stage> {
        const KINDS: [&str; 3] = ["provision", "configure", "verify"];
        self.only(&environment.body, "An `environment` block", &[], &KINDS);
        let blocks: Vec<&Block> = environment
            .body
            .blocks
            .iter()
            .filter(|block| KINDS.contains(&&*block.kind.text))
            .collect();
        let ids: Vec<(Arc<str>, Arc<str>)> = blocks
            .iter()
            .map(|block| {
                (
                    block.kind.text.clone(),
                    block
                        .labels
                        .first()
                        .map_or("".into(), |label| label.text.clone()),
                )
            })
            .collect();
        for (at, block) in blocks.iter().enumerate() {
            if ids[..at].contains(&ids[at]) {
                self.error(
                    "duplicate-block",
                    &format!("There are two stages `{}.{}`", ids[at].0, ids[at].1),
                    block,
                );
            }
        }
        let outputs = Outputs::new();
        let scope = Scope {
            env,
            environment: name.clone(),
            outputs: &outputs,
        };
        let stages: Vec<_> = blocks
            .iter()
            .filter_map(|block| self.stage(block, &ids, &scope))
            .collect();
        if stages.len() < blocks.len() {
            Vec::new()
        } else {
            order::sort(stages, self.diags)
        }
    }

    fn stage(
        &mut self,
        block: &Block,
        ids: &[(Arc<str>, Arc<str>)],
        scope: &Scope<'_>,
    ) -> Option<Stage> {
        let name = self.name(block)?;
        let body = match &*block.kind.text {
            "provision" => StageBody::Provision(self.provision(block, scope)?),
            "configure" => StageBody::Configure(self.configure(block, scope)?),
            _ => StageBody::Verify(self.verify(block, scope)?),
        };
        let after = self.after(block, ids, scope.env);
        Some(Stage {
            name,
            after,
            body,
            span: block.header_span(),
        })
    }

    fn provision(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Provision> {
        self.only(
            &block.body,
            "A `provision` block",
            &["directory", "variables", "after"],
            &[],
        );
        let directory = self.path(block, "directory", scope)?;
        Some(Provision {
            directory,
            variables: expression(&block.body, "variables"),
        })
    }

    fn configure(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Configure> {
        self.only(
            &block.body,
            "A `configure` block",
            &["playbook", "hosts", "variables", "after"],
            &[],
        );
        let playbook = self.path(block, "playbook", scope)?;
        let (hosts, variables) = (
            expression(&block.body, "hosts"),
            expression(&block.body, "variables"),
        );
        Some(Configure {
            playbook,
            hosts,
            variables,
        })
    }

    fn verify(&mut self, block: &Block, scope: &Scope<'_>) -> Option<Verify> {
        self.only(
            &block.body,
            "A `verify` block",
            &[
                "http", "status", "tcp", "service", "hosts", "retry", "after",
            ],
            &[],
        );
        let of = |name| expression(&block.body, name);
        let check = match (of("http"), of("tcp"), of("service")) {
            (Some(url), None, None) => VerifyCheck::Http {
                url,
                status: of("status"),
            },
            (None, Some(address), None) => VerifyCheck::Tcp(address),
            (None, None, Some(service)) => VerifyCheck::Service {
                service,
                hosts: of("hosts"),
            },
            _ => {
                self.error(
                    "verify-check",
                    "A `verify` block needs exactly one of `http`, `tcp` and `service`",
                    block,
                );
                return None;
            }
        };
        let others = match check {
            VerifyCheck::Http { .. } => &["hosts"][..],
            VerifyCheck::Tcp(_) => &["hosts", "status"],
            VerifyCheck::Service { .. } => &["status"],
        };
        for attribute in block
            .body
            .attributes
            .iter()
            .filter(|attribute| others.contains(&&*attribute.name.text))
        {
            let summary = format!("`{}` does not go with this check", attribute.name.text);
            self.diags
                .push(Diagnostic::error("verify-check", summary).at(attribute.name_span()));
        }
        Some(Verify {
            check,
            retry: self.retry(block, scope),
        })
    }

    fn retry(&mut self, block: &Block, scope: &Scope<'_>) -> Duration {
        let Some(attribute) = block.body.attribute("retry") else {
            return Duration::ZERO;
        };
        let value = scope.evaluate(&attribute.expression, self.diags);
        let text = value.get("for").and_then(Value::as_str).map(str::to_owned);
        match text.as_deref().and_then(duration) {
            Some(duration) => duration,
            None => {
                let diagnostic =
                    Diagnostic::error("retry", "`retry` needs the form `{ for = \"2m\" }`")
                        .at(attribute.expression.span());
                self.diags.push(diagnostic);
                Duration::ZERO
            }
        }
    }

    /// Stages that `after` names, and those that any expression refers to.
    fn after(
        &mut self,
        block: &Block,
        ids: &[(Arc<str>, Arc<str>)],
        env: &Variables,
    ) -> Vec<usize> {
        let mut after = Vec::new();
        for attribute in &block.body.attributes {
            for reference in attribute.expression.references() {
                if !ROOTS.contains(&&*reference.root) {
                    let summary = format!("`{}` is not known here", reference.root);
                    let hint = "An expression may begin with `env`, `environment` or `provision`.";
                    self.diags.push(
                        Diagnostic::error("unknown-reference", summary)
                            .at(reference.span())
                            .hint(hint),
                    );
                    continue;
                }
                if &*reference.root == "env"
                    && let Some(name) = reference.attribute(0)
                    && env.get(name).is_none()
                {
                    self.diags.push(missing_env(name).at(reference.span()));
                }
                if ["env", "environment"].contains(&&*reference.root) {
                    continue;
                }
                let wanted = reference.attribute(0).unwrap_or_default();
                match ids
                    .iter()
                    .position(|(kind, name)| *kind == reference.root && &**name == wanted)
                {
                    Some(at) if !after.contains(&at) => after.push(at),
                    Some(_) => {}
                    None => {
                        let summary = format!(
                            "There is no stage `{}.{wanted}` in this environment",
                            reference.root
                        );
                        self.diags
                            .push(Diagnostic::error("unknown-stage", summary).at(reference.span()));
                    }
                }
            }
        }
        after
    }

    fn path(&mut self, block: &Block, name: &str, scope: &Scope<'_>) -> Option<PathBuf> {
        let Some(attribute) = block.body.attribute(name) else {
            self.error(
                "missing-argument",
                &format!("This stage needs `{name}`"),
                block,
            );
            return None;
        };
        let before = self.diags.len();
        let value = scope.evaluate(&attribute.expression, self.diags);
        match value.as_str() {
            Some(text) => Some(self.folder.join(text)),
            None if self.diags.len() > before => None,
            None => {
                let summary = format!("`{name}` must be a text that is known before anything runs");
                self.diags.push(
                    Diagnostic::error("invalid-argument", summary).at(attribute.expression.span()),
                );
                None
            }
        }
    }

    fn texts(&mut self, expression: &Expression) -> Vec<String> {
        let value = strata_hcl::evaluate(expression, &strata_hcl::EmptyScope, self.diags);
        let texts: Option<Vec<String>> = value.as_sequence().and_then(|items| {
            items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect()
        });
        texts.unwrap_or_else(|| {
            let diagnostic =
                Diagnostic::error("invalid-argument", "A list of texts is needed here")
                    .at(expression.span());
            self.diags.push(diagnostic);
            Vec::new()
        })
    }

    fn name(&mut self, block: &Block) -> Option<Arc<str>> {
        let valid = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
        };
        match block.labels.as_slice() {
            [label] if valid(&label.text) => Some(label.text.clone()),
            _ => {
                let summary = format!(
                    "A `{}` block needs one name of letters, digits, `-` and `_`",
                    block.kind.text
                );
                self.error("block-name", &summary, block);
                None
            }
        }
    }

    fn only(&mut self, body: &Body, what: &str, attributes: &[&str], blocks: &[&str]) {
        let takes = |names: &[&str]| {
            names
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        for Attribute { name, .. } in body
            .attributes
            .iter()
            .filter(|a| !attributes.contains(&&*a.name.text))
        {
            let attribute = body.attribute(&name.text).expect("it is there");
            let mut diagnostic = Diagnostic::error(
                "unknown-argument",
                format!("{what} has no argument `{}`", name.text),
            )
            .at(attribute.name_span());
            if !attributes.is_empty() {
                diagnostic = diagnostic.hint(format!("It takes {}.", takes(attributes)));
            }
            self.diags.push(diagnostic);
        }
        for block in body
            .blocks
            .iter()
            .filter(|block| !blocks.contains(&&*block.kind.text))
        {
            let mut diagnostic = Diagnostic::error(
                "unknown-block",
                format!("{what} has no block `{}`", block.kind.text),
            )
            .at(block.kind_span());
            if !blocks.is_empty() {
                diagnostic = diagnostic.hint(format!("It takes {}.", takes(blocks)));
            }
            self.diags.push(diagnostic);
        }
    }

    fn error(&mut self, code: &'static str, summary: &str, block: &Block) {
        self.diags
            .push(Diagnostic::error(code, summary).at(block.header_span()));
    }
}

fn expression(body: &Body, name: &str) -> Option<Expression> {
    body.attribute(name)
        .map(|attribute| attribute.expression.clone())
}

/// Reads `90s`, `2m`, `1h`.
fn duration(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// What users call a stage: `provision.machines`.
pub(crate) fn stage_id(kind: StageKind, name: &str) -> String {
    format!("{}.{name}", keyword(kind))
}
