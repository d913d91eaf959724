//! A role's `meta/argument_specs.yml`: a task before its own ones that checks what the role was given.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::{Value as Json, json};
use strata_core::Span;

use super::{context::Context, keywords::inherit, reader::Reader, roles::Spec};
use crate::{
    play::{Action, Keywords, LoopControl, Spanned, Task},
    yaml::Node,
};

impl Reader<'_> {
    /// The task that checks, if the role says what its entry point (`main`, or `tasks_from`) takes.
    pub(super) fn argument_spec(
        &mut self,
        role: &Path,
        spec: &Spec,
        metadata: Option<&(PathBuf, Node)>,
        context: &Context,
    ) -> Option<Arc<Task>> {
        if !spec.validate {
            return None;
        }
        let found = self.role_file(role, "meta", Some("argument_specs"), None);
        let specs = match &found {
            Some((_, node)) => node.get("argument_specs"),
            None => metadata.and_then(|(_, node)| node.get("argument_specs")),
        }?;
        let tasks = spec.from.tasks.as_deref().unwrap_or("main");
        let entry = tasks.trim_end_matches(".yaml").trim_end_matches(".yml");
        let own = specs.get(entry)?;
        let mut name = format!("Validating arguments against arg spec '{entry}'");
        if let Some(description) = own.get("short_description").and_then(Node::text) {
            name.push_str(&format!(" - {description}"));
        }
        let options = own.get("options").map_or(json!({}), Node::to_json);
        let arguments = json!({
            "argument_spec": options,
            "provided_arguments": Json::Object((*spec.parameters).clone()),
            "validate_args_context": {
                "type": "role",
                "name": spec.name.value,
                "argument_spec_name": entry,
                "path": role.display().to_string(),
            },
        });
        Some(Arc::new(task(name, arguments, own.span.clone(), context)))
    }
}

fn task(name: String, arguments: Json, span: Span, context: &Context) -> Task {
    let spanned = |value: Json| Spanned {
        value,
        span: span.clone(),
    };
    let own = Keywords {
        tags: vec![spanned("always".into())],
        ..Keywords::default()
    };
    Task {
        name: Some(spanned(name.into())),
        written: "ansible.builtin.validate_argument_spec".to_owned(),
        action: Action::Module {
            name: Spanned {
                value: "validate_argument_spec".to_owned(),
                span: span.clone(),
            },
            arguments: spanned(arguments),
        },
        keywords: Arc::new(inherit(&context.keywords, own)),
        inherited: context.keywords.clone(),
        r#loop: None,
        loop_control: LoopControl::default(),
        register: None,
        notify: Vec::new(),
        changed_when: None,
        failed_when: None,
        until: None,
        retries: None,
        delay: None,
        r#async: None,
        poll: None,
        role: context.role.clone(),
        folder: context.folder.clone(),
        include_parameters: context.include_parameters.clone(),
        implicit: false,
        span,
    }
}
