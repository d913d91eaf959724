//! Override files: `override.tf`, `*_override.tf`, and the same in `.tofu` and JSON.
//!
//! Their blocks are merged into those of the other files before anything is decoded, as Terraform 1.11 does it:
//! arguments replace arguments of the same name, nested blocks replace all nested blocks of the same type, `lifecycle`,
//! `locals` and `terraform` are merged argument by argument. What is not there cannot be overridden.

use std::{collections::HashMap, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Span};
use strata_hcl::{Attribute, Block, Body};

/// Merges the blocks of override files, in the order of the files, into those of the others.
pub(super) fn apply(blocks: &mut Vec<Block>, overrides: &[Body], diags: &mut Diagnostics) {
    let mut merger = Merger {
        places: places(blocks),
        blocks,
        diags,
    };
    for block in overrides.iter().flat_map(|body| &body.blocks) {
        merger.block(block);
    }
}

/// What names a block: its type, its labels, and the alias of a provider.
type Key = (Arc<str>, Vec<Arc<str>>, Option<String>);

fn key(block: &Block) -> Key {
    let labels = block.labels.iter().map(|label| label.text.clone());
    let alias = match &*block.kind.text {
        "provider" => block.body.attribute("alias"),
        _ => None,
    };
    let alias = alias.map(|alias| alias.expression.text().to_owned());
    (block.kind.text.clone(), labels.collect(), alias)
}

fn places(blocks: &[Block]) -> HashMap<Key, usize> {
    let mut places = HashMap::new();
    for (at, block) in blocks.iter().enumerate() {
        places.entry(key(block)).or_insert(at);
    }
    places
}

struct Merger<'a> {
    blocks: &'a mut Vec<Block>,
    places: HashMap<Key, usize>,
    diags: &'a mut Diagnostics,
}

impl Merger<'_> {
    fn block(&mut self, block: &Block) {
        match &*block.kind.text {
            "terraform" => self.terraform(block),
            "locals" => self.locals(block),
            "moved" | "import" => {
                let kind = &block.kind.text;
                let why = format!(
                    "`{kind}` blocks can appear only in normal files, not in override files."
                );
                self.wrong(
                    &format!("Cannot override '{kind}' blocks"),
                    why,
                    block.header_span(),
                );
            }
            "check" => {
                let why = "Override files cannot override check blocks.".to_owned();
                self.wrong("Can't override check blocks", why, block.header_span());
            }
            "removed" => self.blocks.push(block.clone()),
            _ => self.named(block),
        }
    }

    fn wrong(&mut self, summary: &str, why: String, span: Span) {
        self.diags.push(
            Diagnostic::error("invalid-override", summary)
                .detail(why)
                .at(span),
        );
    }

    /// A block that has a name, and one of the same name to override.
    fn named(&mut self, block: &Block) {
        let key = key(block);
        match self.places.get(&key).copied() {
            Some(at) => self.merge(at, block),
            // A provider without a block is one with an empty block, and that can be overridden.
            None if &*block.kind.text == "provider" && key.2.is_none() => {
                self.places.insert(key, self.blocks.len());
                self.blocks.push(block.clone());
            }
            None => self.missing(block),
        }
    }

    fn missing(&mut self, block: &Block) {
        let label = |at| block.label(at).unwrap_or_default();
        let (summary, what) = match &*block.kind.text {
            "variable" => (
                "Missing base variable declaration to override",
                format!("variable named `{}`", label(0)),
            ),
            "output" => (
                "Missing base output definition to override",
                format!("output named `{}`", label(0)),
            ),
            "module" => (
                "Missing module call to override",
                format!("module call named `{}`", label(0)),
            ),
            "resource" => (
                "Missing resource to override",
                format!("{} resource named `{}`", label(0), label(1)),
            ),
            "data" => (
                "Missing data resource to override",
                format!("{} data resource named `{}`", label(0), label(1)),
            ),
            "ephemeral" => (
                "Missing ephemeral resource to override",
                format!("{} ephemeral resource named `{}`", label(0), label(1)),
            ),
            "provider" => (
                "Missing base provider configuration for override",
                format!("{} provider configuration with that alias", label(0)),
            ),
            // Any other block is unknown, and reported as such.
            _ => return self.blocks.push(block.clone()),
        };
        let why = format!(
            "There is no {what}. An override file can only override what another file declares."
        );
        self.wrong(summary, why, block.header_span());
    }

    fn merge(&mut self, at: usize, block: &Block) {
        let kind = &*block.kind.text;
        if let Some(depends_on) = block.body.attribute("depends_on") {
            let why = "The depends_on argument may not be overridden.".to_owned();
            self.wrong("Unsupported override", why, depends_on.expression.span());
        }
        if let ("variable", Some(found)) = (kind, block.body.blocks_of("validation").next()) {
            self.conditions("validation", found);
        }
        if let ("output", Some(found)) = (kind, block.body.blocks_of("precondition").next()) {
            self.conditions("precondition", found);
        }
        for lifecycle in block.body.blocks_of("lifecycle") {
            for kind in ["precondition", "postcondition"] {
                if let Some(found) = lifecycle.body.blocks_of(kind).next() {
                    self.conditions(kind, found);
                }
            }
        }
        let mut over = block.body.clone();
        over.attributes
            .retain(|attribute| &*attribute.name.text != "depends_on");
        merge_body(&mut self.blocks[at].body, &over);
    }

    fn conditions(&mut self, kind: &str, found: &Block) {
        let why = format!("Override files cannot override \"{kind}\" blocks.");
        let summary = format!("Can't override {kind} blocks");
        self.wrong(&summary, why, found.header_span());
    }

    fn locals(&mut self, block: &Block) {
        for attribute in &block.body.attributes {
            let name = &attribute.name.text;
            let mut locals = self.blocks.iter_mut();
            let base =
                locals.find(|b| &*b.kind.text == "locals" && b.body.attribute(name).is_some());
            match base {
                Some(base) => set(&mut base.body, attribute),
                None => {
                    let why = format!(
                        "There is no local value named `{name}`. An override file can only override what another file declares."
                    );
                    let summary = "Missing base local value definition to override";
                    self.wrong(summary, why, attribute.span());
                }
            }
        }
    }

    /// Settings are merged entry by entry; where state is kept is said once.
    fn terraform(&mut self, block: &Block) {
        let mut bases: Vec<&mut Block> = self
            .blocks
            .iter_mut()
            .filter(|base| &*base.kind.text == "terraform")
            .collect();
        let Some(first) = (0..bases.len()).next() else {
            self.blocks.push(block.clone());
            return;
        };
        for attribute in &block.body.attributes {
            let name = &attribute.name.text;
            let at = bases
                .iter()
                .position(|base| base.body.attribute(name).is_some());
            set(&mut bases[at.unwrap_or(first)].body, attribute);
        }
        let is_place = |block: &Block| matches!(&*block.kind.text, "backend" | "cloud");
        if block.body.blocks.iter().any(is_place) {
            for base in &mut bases {
                base.body.blocks.retain(|inner| !is_place(inner));
            }
        }
        for inner in &block.body.blocks {
            if &*inner.kind.text == "required_providers" {
                required_providers(&mut bases, inner);
            } else {
                bases[first].body.blocks.push(inner.clone());
            }
        }
    }
}

fn required_providers(bases: &mut [&mut Block], over: &Block) {
    for attribute in &over.body.attributes {
        let mut all: Vec<&mut Block> = bases
            .iter_mut()
            .flat_map(|base| &mut base.body.blocks)
            .filter(|inner| &*inner.kind.text == "required_providers")
            .collect();
        let name = &attribute.name.text;
        let at = all
            .iter()
            .position(|inner| inner.body.attribute(name).is_some());
        match all.get_mut(at.unwrap_or(0)) {
            Some(inner) => set(&mut inner.body, attribute),
            None => {
                let mut added = over.clone();
                added.body.attributes = vec![attribute.clone()];
                bases[0].body.blocks.push(added);
            }
        }
    }
}

/// Replaces or adds an argument.
fn set(body: &mut Body, attribute: &Attribute) {
    let same = |other: &&mut Attribute| other.name.text == attribute.name.text;
    match body.attributes.iter_mut().find(same) {
        Some(base) => *base = attribute.clone(),
        None => body.attributes.push(attribute.clone()),
    }
}

fn merge_body(base: &mut Body, over: &Body) {
    for attribute in &over.attributes {
        // Only one of two that exclude each other can be meant.
        match &*attribute.name.text {
            "count" => base
                .attributes
                .retain(|other| &*other.name.text != "for_each"),
            "for_each" => base.attributes.retain(|other| &*other.name.text != "count"),
            _ => {}
        }
        base.blocks
            .retain(|block| made(block) != &*attribute.name.text);
        set(base, attribute);
    }
    let (lifecycles, others): (Vec<_>, Vec<_>) = over
        .blocks
        .iter()
        .partition(|block| &*block.kind.text == "lifecycle");
    base.blocks
        .retain(|block| !others.iter().any(|other| made(other) == made(block)));
    base.blocks.extend(others.into_iter().cloned());
    for lifecycle in lifecycles {
        let mut blocks = base.blocks.iter_mut();
        match blocks.find(|block| &*block.kind.text == "lifecycle") {
            Some(base) => lifecycle
                .body
                .attributes
                .iter()
                .for_each(|a| set(&mut base.body, a)),
            None => base.blocks.push(lifecycle.clone()),
        }
    }
}

/// The type of the blocks that a block makes: its own, or the label of a `dynamic` one.
fn made(block: &Block) -> &str {
    match &*block.kind.text {
        "dynamic" => block.label(0).unwrap_or_default(),
        kind => kind,
    }
}
