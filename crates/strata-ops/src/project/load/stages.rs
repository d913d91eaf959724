//! The stages of an environment: each once, behind those it comes after.

use std::sync::Arc;

use strata_core::Diagnostic;
use strata_hcl::{Block, Traversal};

use super::{
    super::{Outputs, Scope, Secret, Stage, StageBody, env_file::Variables, order, scope::ROOTS},
    Loader,
};
use crate::secrets::Secrets;

impl Loader<'_> {
    pub(super) fn stages(
        &mut self,
        environment: &Block,
        name: &Arc<str>,
        env: &Variables,
        secrets: &[Secret],
    ) -> Vec<Stage> {
        const KINDS: [&str; 4] = ["provision", "configure", "image", "verify"];
        self.only(
            &environment.body,
            "An `environment` block",
            &["twin_members"],
            &KINDS,
        );
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
        let (outputs, unread) = (Outputs::new(), Secrets::new());
        let scope = Scope {
            env,
            environment: name.clone(),
            outputs: &outputs,
            instance: None,
            secrets: &unread,
            files: (self.files, self.folder),
        };
        let stages: Vec<_> = blocks
            .iter()
            .filter_map(|block| self.stage(block, &ids, &scope, secrets))
            .collect();
        if stages.len() < blocks.len() {
            Vec::new()
        } else {
            order::sort(stages, self.diags)
        }
    }

    /// The members of the cluster that the twin is.
    pub(super) fn twin_members(
        &mut self,
        environment: &Block,
        name: &Arc<str>,
        env: &Variables,
    ) -> Vec<String> {
        let Some(attribute) = environment.body.attribute("twin_members") else {
            return Vec::new();
        };
        let (outputs, unread) = (Outputs::new(), Secrets::new());
        let scope = Scope {
            env,
            environment: name.clone(),
            outputs: &outputs,
            instance: None,
            secrets: &unread,
            files: (self.files, self.folder),
        };
        let mistakes = self.diags.len();
        let value = scope.evaluate(&attribute.expression, self.diags);
        let names = value.as_sequence().unwrap_or_default().iter();
        let names: Option<Vec<String>> =
            names.map(|name| name.as_str().map(str::to_owned)).collect();
        let is_list = value.as_sequence().is_some();
        names.filter(|_| is_list).unwrap_or_else(|| {
            if self.diags.len() == mistakes {
                let summary =
                    "`twin_members` must be a list of names that is known before anything runs";
                let diagnostic = Diagnostic::error("invalid-argument", summary);
                self.diags.push(diagnostic.at(attribute.expression.span()));
            }
            Vec::new()
        })
    }

    fn stage(
        &mut self,
        block: &Block,
        ids: &[(Arc<str>, Arc<str>)],
        scope: &Scope<'_>,
        secrets: &[Secret],
    ) -> Option<Stage> {
        let name = self.name(block)?;
        let after = self.after(block, ids, scope.env, secrets);
        let body = match &*block.kind.text {
            "provision" => StageBody::Provision(self.provision(block, scope)?),
            "configure" => StageBody::Configure(self.configure(block, scope)?),
            "image" => StageBody::Image(self.image(block, scope)?),
            _ => StageBody::Verify(self.verify(block, scope)?),
        };
        Some(Stage {
            name,
            after,
            body,
            span: block.header_span(),
        })
    }

    /// Stages that `after` names, and those that any expression refers to.
    fn after(
        &mut self,
        block: &Block,
        ids: &[(Arc<str>, Arc<str>)],
        env: &Variables,
        secrets: &[Secret],
    ) -> Vec<usize> {
        let own = ids
            .iter()
            .position(|(kind, name)| *kind == block.kind.text && Some(&**name) == block.label(0));
        let mut after = Vec::new();
        let attributes = block.body.attributes.iter();
        for reference in attributes.flat_map(|attribute| attribute.expression.references()) {
            match &*reference.root {
                "env" => self.check_environment(&reference, env),
                "secret" => self.check_secret(&reference, secrets),
                "environment" | "instance" => {}
                root if ROOTS.contains(&root) => match self.meant_by(&reference, ids) {
                    Some(at) if Some(at) == own => {
                        let name = reference.attribute(0).unwrap_or_default();
                        self.diags.push(itself(root, name).at(reference.span()));
                    }
                    Some(at) if !after.contains(&at) => after.push(at),
                    _ => {}
                },
                root => self.diags.push(unknown_root(root).at(reference.span())),
            }
        }
        after
    }

    fn check_environment(&mut self, reference: &Traversal, env: &Variables) {
        if let Some(name) = reference.attribute(0)
            && env.get(name).is_none()
        {
            self.missing(name, &reference.span(), "");
        }
    }

    fn check_secret(&mut self, reference: &Traversal, secrets: &[Secret]) {
        let name = reference.attribute(0).unwrap_or_default();
        if secrets.iter().any(|secret| &*secret.name == name) {
            return;
        }
        let summary = format!("There is no secret `{name}` in this project");
        let hint = format!("Say where it is in a block `secret \"{name}\" {{}}`.");
        let told = Diagnostic::error("unknown-secret", summary);
        self.diags.push(told.at(reference.span()).hint(hint));
    }

    /// Which stage a reference means.
    fn meant_by(&mut self, reference: &Traversal, ids: &[(Arc<str>, Arc<str>)]) -> Option<usize> {
        let (root, wanted) = (&reference.root, reference.attribute(0).unwrap_or_default());
        let found = ids
            .iter()
            .position(|(kind, name)| kind == root && &**name == wanted);
        if found.is_none() {
            let summary = format!("There is no stage `{root}.{wanted}` in this environment");
            let told = Diagnostic::error("unknown-stage", summary);
            self.diags.push(told.at(reference.span()));
        }
        found
    }
}

fn unknown_root(root: &str) -> Diagnostic {
    Diagnostic::error("unknown-reference", format!("`{root}` is not known here")).hint(
        "An expression may begin with `env`, `environment`, `image`, `provision` or `secret`.",
    )
}

fn itself(kind: &str, name: &str) -> Diagnostic {
    let summary = format!("The stage `{kind}.{name}` comes after itself");
    Diagnostic::error("stage-cycle", summary)
        .detail("It would wait for its own end, and so never begin.")
        .hint("Name the stage that it really needs, or leave this out.")
}
