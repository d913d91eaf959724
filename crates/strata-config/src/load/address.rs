//! Addresses in `moved`, `removed` and `import` blocks: expressions that are not evaluated.

use std::sync::Arc;

use strata_core::{
    Diagnostic, Diagnostics, Value,
    addr::{self, InstanceKey, ModuleInstance, ResourceMode},
};
use strata_hcl::{
    Expression, Step, Traversal, TraversalStep,
    syntax::node::{NodeKind, StepKind},
};

/// Words that begin other references.
const RESERVED: [&str; 10] = [
    "arg",
    "count",
    "each",
    "lazy",
    "local",
    "path",
    "self",
    "template",
    "terraform",
    "var",
];

/// Reads a module, a resource or one of its instances; a mistake is reported.
pub(crate) fn target(traversal: &Traversal, diags: &mut Diagnostics) -> Option<addr::Target> {
    let mut reader = Reader {
        traversal,
        next: 0,
        wrong: None,
    };
    let found = reader.target();
    diags.extend(reader.wrong);
    found
}

/// Goes through the words and keys of a reference.
struct Reader<'t> {
    traversal: &'t Traversal,
    /// The next word: 0 is the root.
    next: usize,
    wrong: Option<Diagnostic>,
}

impl Reader<'_> {
    fn target(&mut self) -> Option<addr::Target> {
        let mut module = ModuleInstance::root();
        while self.peek_word() == Some("module") {
            self.next += 1;
            let Some(name) = self.word() else {
                return self.fail("Prefix \"module.\" must be followed by a module name.");
            };
            let key = self.key()?;
            module = module.child(name, key);
        }
        if self.step().is_none() && self.next > 0 {
            return Some(addr::Target::Module(module));
        }
        self.resource(module)
    }

    fn resource(&mut self, module: ModuleInstance) -> Option<addr::Target> {
        let mode = match self.peek_word() {
            Some("data") => ResourceMode::Data,
            _ => ResourceMode::Managed,
        };
        if mode == ResourceMode::Data || self.peek_word() == Some("resource") {
            self.next += 1;
        }
        if let Some(keyword) = self
            .peek_word()
            .filter(|word| self.next == 0 && RESERVED.contains(word))
        {
            let why = format!(
                "The keyword \"{keyword}\" is reserved and cannot be used to target a resource address. A resource type \
                 of that name is written with the prefix \"resource.\"."
            );
            return self.fail(&why);
        }
        let (Some(type_name), Some(name)) = (self.word(), self.word()) else {
            return self.fail("Resource specification must include a resource type and name.");
        };
        let resource = module.resource(mode, type_name, name);
        let key = self.key()?;
        match (self.step(), key) {
            (None, None) => Some(addr::Target::Resource(resource)),
            (None, key) => Some(addr::Target::Instance(resource.instance(key))),
            (Some(_), None) => self.fail("Resource instance key must be given in square brackets."),
            (Some(_), Some(_)) => self.fail("Unexpected extra operators after address."),
        }
    }

    fn step(&self) -> Option<&Step> {
        self.traversal.steps.get(self.next.checked_sub(1)?)
    }

    fn peek_word(&self) -> Option<&str> {
        match self.next {
            0 => Some(&self.traversal.root),
            _ => self.step()?.attribute(),
        }
    }

    fn word(&mut self) -> Option<Arc<str>> {
        let word = Arc::from(self.peek_word()?);
        self.next += 1;
        Some(word)
    }

    /// An instance key, if one is there; none after a mistake.
    #[expect(
        clippy::option_option,
        reason = "a mistake is not the absence of a key"
    )]
    fn key(&mut self) -> Option<Option<InstanceKey>> {
        let key = match self.step().map(|step| &step.kind) {
            Some(TraversalStep::Index(key)) => key.clone(),
            _ => return Some(None),
        };
        let key = match key {
            Value::String(text) => Some(InstanceKey::String(text.into())),
            Value::Number(number) => number.as_i64().map(InstanceKey::Int),
            _ => None,
        };
        if key.is_none() {
            return self.fail("Instance key must be an integer or a string.");
        }
        self.next += 1;
        Some(key)
    }

    fn fail<T>(&mut self, why: &str) -> Option<T> {
        let span = match self.step() {
            Some(step) => self.traversal.span_of(step),
            None => self.traversal.span(),
        };
        let found = Diagnostic::error("invalid-address", "Invalid address");
        self.wrong = Some(found.detail(why).at(span));
        None
    }
}

/// The names in an address whose keys may be any expression; none if it is anything else.
pub(super) fn words(expression: &Expression) -> Option<Vec<Arc<str>>> {
    let NodeKind::Access(root, steps) = &expression.node().kind else {
        return None;
    };
    let NodeKind::Variable(root) = &root.kind else {
        return None;
    };
    let mut words = vec![root.clone()];
    for step in steps {
        match &step.kind {
            StepKind::Attribute(name) => words.push(name.clone()),
            StepKind::Index(_) => {}
            StepKind::Splat | StepKind::AttributeSplat => return None,
        }
    }
    Some(words)
}
