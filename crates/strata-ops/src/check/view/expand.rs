//! What a root module would make, as far as that can be told without asking anyone.
//!
//! Module calls to local folders are followed, `for_each` and `count` are carried out where they
//! are known, and every argument is evaluated; what comes from outside (resources, data, variables
//! that a file or a user sets) is unknown. Nothing is reported: what is mistaken is unknown, too.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{Span, Value, files::Files};
use strata_hcl::{Block, Body, Expression, syntax::node::NodeKind};

use super::{
    hcl::Folder,
    module::{Bound, Each, InstanceScope, Module, unknown},
};

/// How many resource instances of a root module are looked at.
const MAX_INSTANCES: usize = 5_000;

/// How many calls of modules are followed, each instance counted.
const MAX_MODULES: usize = 5_000;

/// How deep modules may call each other.
const MAX_DEPTH: usize = 12;

/// A root module, expanded.
#[derive(Debug, Default)]
pub(crate) struct Root {
    /// Its folder.
    pub(crate) folder: PathBuf,
    /// The environment whose stage it is; none without a project file.
    pub(crate) environment: Option<Arc<str>>,
    /// Every instance of every resource.
    pub(crate) resources: Vec<Resource>,
    /// Its outputs.
    pub(crate) outputs: Vec<Output>,
    /// Ranges of VM ids that a module declares, with the address of that module.
    pub(crate) ranges: Vec<(String, i64, i64)>,
    /// True if nothing says that this is more than a module for others to call.
    pub(crate) library: bool,
}

/// One instance of a resource.
#[derive(Debug)]
pub(crate) struct Resource {
    /// As users type it.
    pub(crate) address: String,
    /// The module's part of the address; empty for the root.
    pub(crate) module: String,
    /// Its type, such as `incus_instance`.
    pub(crate) kind: Arc<str>,
    /// Its arguments.
    pub(crate) values: Values,
    /// Where the root calls the module that it is in.
    pub(crate) called: Option<Span>,
    /// False if it is not known how many of it there are.
    pub(crate) counted: bool,
}

/// An output of a root module.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) name: Arc<str>,
    pub(crate) value: Value,
    pub(crate) span: Span,
}

/// What a block says, evaluated.
#[derive(Debug)]
pub(crate) struct Values {
    /// The place of the block's first line.
    pub(crate) span: Span,
    provider: Option<String>,
    attributes: BTreeMap<Arc<str>, (Value, Span)>,
    expressions: BTreeMap<Arc<str>, Expression>,
    blocks: Vec<(Arc<str>, Values)>,
}

impl Values {
    /// An argument and its place; none if it is missing or null.
    pub(crate) fn get(&self, name: &str) -> Option<(&Value, &Span)> {
        let (value, span) = self.attributes.get(name)?;
        (!value.is_null()).then_some((value, span))
    }

    /// The blocks of a kind.
    pub(crate) fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Values> {
        self.blocks
            .iter()
            .filter(move |(name, _)| &**name == kind)
            .map(|(_, values)| values)
    }

    /// Where an entry of an argument that is written as a map stands; else where the argument does.
    pub(crate) fn entry(&self, name: &str, key: &str) -> Option<Span> {
        let (_, whole) = self.get(name)?;
        let entries = self.expressions.get(name)?.as_map().unwrap_or_default();
        let is = |written: &Expression| written.text().trim_matches('"') == key;
        let entry = entries.iter().find(|(written, _)| is(written));
        Some(entry.map_or_else(|| whole.clone(), |(written, _)| written.span()))
    }

    /// The provider configuration that the block names; none for the default one.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }
}

/// Expands the root module in a folder.
///
/// `given` says what is set from outside: an unknown value where only that is known.
pub(crate) fn expand(
    folders: &BTreeMap<&Path, &Folder>,
    folder: &Folder,
    library: bool,
    given: &dyn Fn(&str) -> Option<Value>,
    files: &dyn Files,
) -> Root {
    let mut root = Root {
        folder: folder.path.clone(),
        library,
        ..Root::default()
    };
    let variables = root_variables(folder, library, given);
    let module = Module::new(folder, variables, files, &folder.path);
    let mut expander = Expander {
        folders,
        root: &mut root,
        modules: 0,
    };
    expander.module(&module, "", true, &[]);
    for block in folder.blocks("output") {
        let (Some(name), Some(value)) = (block.labels.first(), block.body.attribute("value"))
        else {
            continue;
        };
        root.outputs.push(Output {
            name: name.text.clone(),
            value: module.evaluate(&value.expression, None),
            span: block.header_span(),
        });
    }
    root
}

fn root_variables(
    folder: &Folder,
    library: bool,
    given: &dyn Fn(&str) -> Option<Value>,
) -> BTreeMap<Arc<str>, Value> {
    let mut variables = BTreeMap::new();
    for block in folder.blocks("variable") {
        let Some(name) = block.labels.first() else {
            continue;
        };
        let value = given(&name.text)
            .or_else(|| from_files(folder, &name.text))
            .or_else(|| default(block).filter(|value| !library && !value.is_null()));
        variables.insert(name.text.clone(), value.unwrap_or_else(unknown));
    }
    variables
}

/// What files with values say: known only if a file that is always read says it.
fn from_files(folder: &Folder, name: &str) -> Option<Value> {
    let mut found = None;
    for (automatic, body) in &folder.values {
        if let Some(attribute) = body.attribute(name) {
            let value = attribute.expression.as_literal().filter(|_| *automatic);
            found = Some(value.unwrap_or_else(unknown));
        }
    }
    found
}

fn default(variable: &Block) -> Option<Value> {
    let default = &variable.body.attribute("default")?.expression;
    let value = default.as_literal().unwrap_or_else(unknown);
    // What optional attributes are filled with is not worked out here.
    let filled = variable
        .body
        .attribute("type")
        .is_some_and(|ty| ty.expression.text().contains("optional("));
    Some(if filled && !value.is_null() {
        loosen(&value)
    } else {
        value
    })
}

/// The value with objects that may have more attributes than are written.
fn loosen(value: &Value) -> Value {
    match value {
        Value::Object(attributes) if !attributes.is_empty() => value.clone(),
        Value::Object(_) => unknown(),
        other => other.clone(),
    }
}

struct Expander<'a> {
    folders: &'a BTreeMap<&'a Path, &'a Folder>,
    root: &'a mut Root,
    modules: usize,
}

impl Expander<'_> {
    fn module(&mut self, module: &Module<'_>, address: &str, counted: bool, calls: &[Span]) {
        if let Some((low, high)) = module.id_range() {
            self.root.ranges.push((address.to_owned(), low, high));
        }
        for block in module.folder.blocks("resource") {
            self.resource(module, address, block, counted, calls.first());
        }
        if calls.len() >= MAX_DEPTH {
            return;
        }
        for (block, path) in module.folder.calls() {
            let Some(folder) = self.folders.get(path.as_path()).copied() else {
                continue;
            };
            for (key, each, known) in instances(module, block) {
                self.modules += 1;
                if self.root.resources.len() > MAX_INSTANCES || self.modules > MAX_MODULES {
                    return;
                }
                let name = block.label(0).unwrap_or_default();
                let address = join(address, &format!("module.{name}{key}"));
                let variables = called(module, block, folder, each.as_ref());
                let inner = Module::new(folder, variables, module.files, module.root);
                let calls = [calls, &[block.header_span()]].concat();
                self.module(&inner, &address, counted && known, &calls);
            }
        }
    }

    fn resource(
        &mut self,
        module: &Module<'_>,
        address: &str,
        block: &Block,
        counted: bool,
        called: Option<&Span>,
    ) {
        let [kind, name] = block.labels.as_slice() else {
            return;
        };
        for (key, each, known) in instances(module, block) {
            if self.root.resources.len() > MAX_INSTANCES {
                return;
            }
            self.root.resources.push(Resource {
                address: join(address, &format!("{}.{}{key}", kind.text, name.text)),
                module: address.to_owned(),
                kind: kind.text.clone(),
                values: values(module, &block.body, block.header_span(), each.as_ref(), &[]),
                called: called.cloned(),
                counted: counted && known,
            });
        }
    }
}

fn join(module: &str, name: &str) -> String {
    match module {
        "" => name.to_owned(),
        module => format!("{module}.{name}"),
    }
}

/// The values that a call gives to a module's variables.
fn called(
    caller: &Module<'_>,
    call: &Block,
    folder: &Folder,
    each: Option<&Each>,
) -> BTreeMap<Arc<str>, Value> {
    let mut variables = BTreeMap::new();
    for block in folder.blocks("variable") {
        let Some(name) = block.labels.first() else {
            continue;
        };
        let value = match call.body.attribute(&name.text) {
            Some(argument) => caller.evaluate(&argument.expression, each),
            None => default(block).unwrap_or_else(unknown),
        };
        variables.insert(name.text.clone(), value);
    }
    variables
}

/// The instances of a block: the key as the address shows it, what `each` is, and whether they are counted.
fn instances(module: &Module<'_>, block: &Block) -> Vec<(String, Option<Each>, bool)> {
    if let Some(attribute) = block.body.attribute("for_each") {
        return for_each(&module.evaluate(&attribute.expression, None));
    }
    match block.body.attribute("count") {
        Some(attribute) => count(&module.evaluate(&attribute.expression, None)),
        None => vec![(String::new(), None, true)],
    }
}

fn for_each(collection: &Value) -> Vec<(String, Option<Each>, bool)> {
    let each = |key: Value, value: Value| {
        let text = key.as_str().unwrap_or_default().to_owned();
        let each = Each {
            key,
            value,
            count: false,
        };
        (format!("[\"{text}\"]"), Some(each), true)
    };
    if let Some(entries) = collection.as_entries() {
        return entries
            .iter()
            .map(|(key, value)| each(Value::string(key.clone()), value.clone()))
            .collect();
    }
    match collection.as_sequence() {
        Some(items) if items.iter().all(|item| item.as_str().is_some()) => items
            .iter()
            .map(|item| each(item.clone(), item.clone()))
            .collect(),
        _ => uncounted(false),
    }
}

fn count(number: &Value) -> Vec<(String, Option<Each>, bool)> {
    let Some(number) = number.as_number().and_then(strata_core::Number::as_usize) else {
        return uncounted(true);
    };
    let each = |at: usize| Each {
        key: Value::number(at as i64),
        value: unknown(),
        count: true,
    };
    (0..number.min(MAX_INSTANCES))
        .map(|at| (format!("[{at}]"), Some(each(at)), true))
        .collect()
}

/// One instance for any number of them.
fn uncounted(count: bool) -> Vec<(String, Option<Each>, bool)> {
    let each = Each {
        key: unknown(),
        value: unknown(),
        count,
    };
    vec![("[…]".to_owned(), Some(each), false)]
}

fn values(
    module: &Module<'_>,
    body: &Body,
    span: Span,
    each: Option<&Each>,
    bound: &Bound,
) -> Values {
    let scope = InstanceScope {
        module,
        each,
        bound,
    };
    let evaluated = |attribute: &strata_hcl::Attribute| {
        let value = scope.evaluate(&attribute.expression);
        (attribute.name.text.clone(), (value, attribute.span()))
    };
    let mut blocks = Vec::new();
    for block in &body.blocks {
        if &*block.kind.text == "dynamic" {
            dynamic(&scope, block, &mut blocks);
        } else {
            let inner = values(module, &block.body, block.header_span(), each, bound);
            blocks.push((block.kind.text.clone(), inner));
        }
    }
    let provider = body.attribute("provider");
    Values {
        span,
        provider: provider.map(|attribute| attribute.expression.text().to_owned()),
        attributes: body.attributes.iter().map(evaluated).collect(),
        expressions: maps(body),
        blocks,
    }
}

/// Arguments that are written as maps.
fn maps(body: &Body) -> BTreeMap<Arc<str>, Expression> {
    body.attributes
        .iter()
        .filter(|attribute| matches!(attribute.expression.node().kind, NodeKind::Object(_)))
        .map(|attribute| (attribute.name.text.clone(), attribute.expression.clone()))
        .collect()
}

fn dynamic(scope: &InstanceScope<'_>, block: &Block, blocks: &mut Vec<(Arc<str>, Values)>) {
    let (Some(label), Some(content)) =
        (block.labels.first(), block.body.blocks_of("content").next())
    else {
        return;
    };
    let name = block
        .body
        .attribute("iterator")
        .and_then(|attribute| attribute.expression.as_keyword().map(Arc::from))
        .unwrap_or_else(|| label.text.clone());
    let collection = block
        .body
        .attribute("for_each")
        .map_or_else(unknown, |attribute| scope.evaluate(&attribute.expression));
    for item in items(&collection) {
        let mut bound = scope.bound.to_vec();
        bound.push((name.clone(), item));
        let span = content.header_span();
        let inner = values(scope.module, &content.body, span, scope.each, &bound);
        blocks.push((label.text.clone(), inner));
    }
}

/// What a `dynamic` block goes through, as objects with `key` and `value`.
fn items(collection: &Value) -> Vec<Value> {
    let pair = |key: Value, value: Value| Value::object([("key", key), ("value", value)]);
    if let Some(entries) = collection.as_entries() {
        return entries
            .iter()
            .map(|(key, value)| pair(Value::string(key.clone()), value.clone()))
            .collect();
    }
    match collection.as_sequence() {
        Some(items) => (0_i64..)
            .zip(items)
            .map(|(at, item)| pair(Value::number(at), item.clone()))
            .collect(),
        None if collection.is_null() => Vec::new(),
        None => vec![unknown()],
    }
}
