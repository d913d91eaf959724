//! Objects as state has them, as providers have them, as configuration sees them.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    AttributePath, Marks, PathStep, Type, Value, addr,
    provider::Object,
    schema::{Attribute, Block, Resource as ResourceSchema},
};
use strata_state::{StoredObject, json};

/// A schema with what is worked out of it once.
#[derive(Clone)]
pub(crate) struct Kind {
    pub(crate) schema: Arc<ResourceSchema>,
    pub(crate) ty: Type,
    has_sensitive: bool,
}

impl Kind {
    pub(crate) fn new(schema: &ResourceSchema) -> Self {
        Self {
            ty: schema.block.implied_type(),
            has_sensitive: has_sensitive(&schema.block),
            schema: Arc::new(schema.clone()),
        }
    }

    pub(crate) fn block(&self) -> &Block {
        &self.schema.block
    }

    /// Reads an object out of state.
    pub(crate) fn decode(&self, stored: &StoredObject) -> Result<Object, json::JsonError> {
        Ok(Object {
            value: json::decode(&stored.attributes, &self.ty)?,
            private: stored.private.to_vec(),
        })
    }

    /// The value as configuration sees it: with the marks of state and schema.
    pub(crate) fn mark_stored(&self, value: &Value, stored: &StoredObject) -> Value {
        let paths: Vec<_> = stored.sensitive.iter().map(sensitive).collect();
        self.mark(value, &paths)
    }

    /// The value with these marks and those of the schema.
    pub(crate) fn mark(&self, value: &Value, paths: &[(AttributePath, Marks)]) -> Value {
        let value = match paths.is_empty() {
            true => value.clone(),
            false => value.mark_paths(paths),
        };
        match self.has_sensitive {
            true => mark_block(self.block(), &value),
            false => value,
        }
    }

    /// Writes an object for state; `marked` is its value with marks.
    pub(crate) fn encode(
        &self,
        marked: &Value,
        private: Vec<u8>,
        template: &Template,
    ) -> StoredObject {
        let (value, _) = marked.unmark_paths();
        StoredObject {
            schema_version: self.schema.version,
            attributes: json::encode(&value, &self.ty).into(),
            sensitive: sensitive_paths(marked),
            private: private.into(),
            tainted: template.tainted,
            dependencies: template.dependencies.clone(),
            create_before_destroy: template.create_before_destroy,
        }
    }
}

/// What state keeps of an object besides its attributes.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    pub(crate) tainted: bool,
    pub(crate) dependencies: Arc<[addr::ConfigResource]>,
    pub(crate) create_before_destroy: bool,
}

fn sensitive(path: &AttributePath) -> (AttributePath, Marks) {
    (path.clone(), Marks::SENSITIVE)
}

/// Where a value is sensitive, in the order of its attributes.
pub(crate) fn sensitive_paths(marked: &Value) -> Vec<AttributePath> {
    let (_, paths) = marked.unmark_paths();
    let is_sensitive = |(_, marks): &(AttributePath, Marks)| marks.contains(Marks::SENSITIVE);
    let mut paths: Vec<_> = paths
        .into_iter()
        .filter(is_sensitive)
        .map(|(path, _)| path)
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

fn has_sensitive(block: &Block) -> bool {
    block.attributes.values().any(attribute_has_sensitive)
        || block
            .blocks
            .values()
            .any(|nested| has_sensitive(&nested.block))
}

fn attribute_has_sensitive(attribute: &Attribute) -> bool {
    let nested = || {
        attribute
            .nested
            .iter()
            .any(|nested| nested.attributes.values().any(attribute_has_sensitive))
    };
    attribute.sensitive || nested()
}

fn mark_block(block: &Block, value: &Value) -> Value {
    value.map_children(|step, child| {
        let PathStep::Attribute(name) = &step else {
            return child.clone();
        };
        if let Some(attribute) = block.attributes.get(&**name) {
            return mark_attribute(attribute, child);
        }
        match block.blocks.get(&**name) {
            Some(nested) if has_sensitive(&nested.block) => {
                each_object(child, &|object| mark_block(&nested.block, object))
            }
            _ => child.clone(),
        }
    })
}

fn mark_attribute(attribute: &Attribute, value: &Value) -> Value {
    if attribute.sensitive && !value.is_null() {
        return value.clone().sensitive();
    }
    match &attribute.nested {
        Some(nested) if attribute_has_sensitive(attribute) => {
            each_object(value, &|object| mark_attributes(&nested.attributes, object))
        }
        _ => value.clone(),
    }
}

fn mark_attributes(attributes: &BTreeMap<Arc<str>, Attribute>, object: &Value) -> Value {
    object.map_children(|step, child| match &step {
        PathStep::Attribute(name) => match attributes.get(&**name) {
            Some(attribute) => mark_attribute(attribute, child),
            None => child.clone(),
        },
        _ => child.clone(),
    })
}

/// Changes an object, or each object in a collection.
fn each_object(value: &Value, change: &dyn Fn(&Value) -> Value) -> Value {
    match value.unmarked() {
        Value::Object(_) => change(value),
        Value::List(..) | Value::Set(..) | Value::Map(..) => {
            value.map_children(|_, child| change(child))
        }
        _ => value.clone(),
    }
}

/// The id that users know an object by, unless it is secret.
pub(crate) fn shown_id(value: &Value) -> Option<String> {
    let id = value.get("id").or_else(|| value.get("name"))?;
    match id.marks().is_none() && value.marks().is_none() {
        true => id.as_str().filter(|id| !id.is_empty()).map(str::to_owned),
        false => None,
    }
}
