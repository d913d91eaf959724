//! What the tests of this crate share: schemas, and configurations in memory.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use strata_config::{
    Config, Evaluator, EvaluatorOptions, Mode, Schemas, VariableInput, VariableOrigin,
    VariableText, load, root_variables,
};
use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    addr::{InstanceKey, ModuleInstance, ResourceMode},
    files::MemoryFiles,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence, ProviderSchema, Resource},
};

/// The built-in provider, and one with nested blocks of every kind.
pub(crate) fn schemas() -> Schemas {
    Schemas::new([
        ("terraform.io/builtin/terraform", Arc::new(terraform())),
        ("registry.terraform.io/hashicorp/test", Arc::new(test())),
    ])
}

fn attributes(list: &[(&str, Type, Presence)]) -> BTreeMap<Arc<str>, Attribute> {
    let attribute = |(name, ty, presence): &(&str, Type, Presence)| {
        (Arc::from(*name), Attribute::new(ty.clone(), *presence, ""))
    };
    list.iter().map(attribute).collect()
}

fn provider(
    name: &str,
    attributes: BTreeMap<Arc<str>, Attribute>,
    blocks: Vec<(&str, NestedBlock)>,
) -> ProviderSchema {
    let blocks = blocks
        .into_iter()
        .map(|(name, block)| (Arc::from(name), block))
        .collect();
    let block = Block {
        attributes,
        blocks,
        description: "",
    };
    let resource = Resource { version: 0, block };
    ProviderSchema {
        resources: [(Arc::from(name), resource)].into(),
        ..ProviderSchema::default()
    }
}

fn terraform() -> ProviderSchema {
    let list = [
        ("input", Type::Dynamic, Presence::Optional),
        ("output", Type::Dynamic, Presence::Computed),
        ("triggers_replace", Type::Dynamic, Presence::Optional),
        ("id", Type::String, Presence::Computed),
    ];
    let mut found = provider("terraform_data", attributes(&list), Vec::new());
    let remote = [
        ("backend", Type::String, Presence::Required),
        ("workspace", Type::String, Presence::Optional),
        ("config", Type::Dynamic, Presence::Optional),
        ("defaults", Type::Dynamic, Presence::Optional),
        ("outputs", Type::Dynamic, Presence::Computed),
    ];
    let block = Block {
        attributes: attributes(&remote),
        ..Block::default()
    };
    let remote = Resource { version: 0, block };
    found
        .data_sources
        .insert("terraform_remote_state".into(), remote);
    found
}

fn test() -> ProviderSchema {
    let inner = |nesting, min_items, max_items| NestedBlock {
        nesting,
        block: Block {
            attributes: attributes(&[
                ("name", Type::String, Presence::Required),
                ("size", Type::Number, Presence::Optional),
            ]),
            blocks: BTreeMap::new(),
            description: "",
        },
        min_items,
        max_items,
    };
    let mut list = attributes(&[
        ("name", Type::String, Presence::Required),
        ("config", Type::map(Type::String), Presence::Optional),
        ("tags", Type::set(Type::String), Presence::Optional),
        ("address", Type::String, Presence::Computed),
    ]);
    list.insert(
        "secret".into(),
        Attribute::new(Type::String, Presence::Optional, "").sensitive(),
    );
    let source = [
        (
            "image",
            Attribute::new(Type::String, Presence::Required, ""),
        ),
        (
            "alias",
            Attribute::new(Type::String, Presence::Optional, ""),
        ),
    ];
    list.insert(
        "source".into(),
        Attribute::nested(Nesting::Single, source, Presence::Optional, ""),
    );
    let blocks = vec![
        ("device", inner(Nesting::List, 0, 3)),
        ("port", inner(Nesting::Set, 0, 0)),
        ("wait", inner(Nesting::Single, 0, 0)),
        ("volume", inner(Nesting::Map, 0, 0)),
    ];
    provider("test_machine", list, blocks)
}

/// A configuration in memory with what is handed in from outside.
pub(crate) struct Given {
    files: Vec<(String, String)>,
    variables: Vec<VariableInput>,
    instances: Vec<(String, Option<InstanceKey>, String)>,
}

impl Given {
    pub(crate) fn new(main: &str) -> Self {
        Self {
            files: vec![("main.tf".to_owned(), main.to_owned())],
            variables: Vec::new(),
            instances: Vec::new(),
        }
    }

    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    pub(crate) fn variable(mut self, name: &str, text: &str) -> Self {
        self.variables.push(VariableInput {
            name: name.into(),
            value: VariableText::Raw(text.to_owned()),
            origin: VariableOrigin::CommandLine,
        });
        self
    }

    /// Hands in an instance of `terraform_data` of which only the output counts.
    pub(crate) fn instance(mut self, resource: &str, key: Option<Key>, output: &str) -> Self {
        self.instances
            .push((resource.to_owned(), key.map(|key| key.0), output.to_owned()));
        self
    }

    pub(crate) fn load(&self, diags: &mut Diagnostics) -> Arc<Config> {
        let files = self
            .files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        Arc::new(load(&MemoryFiles::new(files), Path::new("."), diags))
    }

    pub(crate) fn evaluator(&self, diags: &mut Diagnostics) -> Evaluator {
        let config = self.load(diags);
        let options = EvaluatorOptions {
            mode: Mode::Run,
            variables: root_variables(&config, &self.variables, diags),
            workspace: "default".into(),
            files: None,
            working_directory: ".".into(),
            plan_timestamp: None,
            chance: None,
            schemas: schemas(),
        };
        let evaluator = Evaluator::new(config, options);
        for (name, key, output) in &self.instances {
            evaluator.set_instance(&resource(name).instance(key.clone()), data(output));
        }
        evaluator
    }

    pub(crate) fn outputs(&self) -> String {
        let mut diags = Diagnostics::new();
        let evaluator = self.evaluator(&mut diags);
        let root = ModuleInstance::root();
        let mut text = String::new();
        for name in self.load(&mut Diagnostics::new()).root().outputs.keys() {
            let value = evaluator.output(&root, name, &mut diags);
            text += &format!("{name} = {value:?}\n");
        }
        evaluator.check_inputs(&root, &mut diags);
        text + &render(&diags)
    }

    pub(crate) fn expansions(&self) -> String {
        let mut diags = Diagnostics::new();
        let evaluator = self.evaluator(&mut diags);
        let mut text = String::new();
        for key in self.load(&mut Diagnostics::new()).root().resources.keys() {
            let expansion = evaluator.resource_instances(&resource(&key.to_string()), &mut diags);
            text += &format!("{key}: {expansion:?}\n");
        }
        text + &render(&diags)
    }

    pub(crate) fn config(&self, name: &str, key: Option<Key>) -> String {
        let mut diags = Diagnostics::new();
        let evaluator = self.evaluator(&mut diags);
        let instance = resource(name).instance(key.map(|key| key.0));
        let type_name = &instance.resource.type_name;
        let source = match &**type_name {
            "terraform_data" => "terraform.io/builtin/terraform",
            _ => "registry.terraform.io/hashicorp/test",
        };
        let schemas = schemas();
        let schema = schemas
            .resource(source, ResourceMode::Managed, type_name)
            .expect("a schema");
        let value = evaluator.resource_config(&instance, &schema.block, &mut diags);
        let entries = value.as_entries().expect("an object");
        let lines = entries
            .iter()
            .map(|(name, value)| format!("{name} = {value:?}\n"));
        lines.collect::<String>() + &render(&diags)
    }

    pub(crate) fn conditions(&self, name: &str, output: &str) -> String {
        let mut diags = Diagnostics::new();
        let evaluator = self.evaluator(&mut diags);
        let instance = resource(name).instance(None);
        evaluator.preconditions(&instance, &mut diags);
        evaluator.postconditions(&instance, data(output), &mut diags);
        render(&diags)
    }
}

/// An instance key, short to write.
pub(crate) struct Key(InstanceKey);

impl From<i64> for Key {
    fn from(at: i64) -> Self {
        Key(InstanceKey::Int(at))
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Key(InstanceKey::String(key.into()))
    }
}

fn resource(name: &str) -> strata_core::addr::Resource {
    let (type_name, name) = name.split_once('.').expect("type and name");
    ModuleInstance::root().resource(ResourceMode::Managed, type_name, name)
}

fn data(output: &str) -> Value {
    Value::object([
        ("id", Value::from("id")),
        ("input", Value::Null(Type::Dynamic)),
        ("output", Value::from(output)),
        ("triggers_replace", Value::Null(Type::Dynamic)),
    ])
}

/// One line for each.
pub(crate) fn render(diags: &Diagnostics) -> String {
    let line = |diagnostic: &Diagnostic| {
        let severity = if diagnostic.is_error() {
            "error"
        } else {
            "warning"
        };
        let place = diagnostic.labels.first().map(|label| &label.span);
        let place = place.map_or_else(String::new, |span| {
            format!(" ({}:{})", span.file, span.start.line)
        });
        format!(
            "{severity}: {}{place}: {}\n",
            diagnostic.summary, diagnostic.detail
        )
    };
    diags.iter().map(line).collect()
}
