//! What the objects of a platform look like: data that configuration is decoded and checked against.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    addr::ResourceMode,
    value::{Type, Value},
};

/// Everything that a provider offers.
#[derive(Clone, Debug, Default)]
pub struct ProviderSchema {
    /// The `provider` block.
    pub provider: Block,
    /// Managed resources by type name.
    pub resources: BTreeMap<Arc<str>, Resource>,
    /// Data sources by type name.
    pub data_sources: BTreeMap<Arc<str>, Resource>,
    /// Ephemeral resources by type name.
    pub ephemerals: BTreeMap<Arc<str>, Resource>,
    /// Resources, and arguments and blocks of them (`TYPE.ARGUMENT`, `TYPE.BLOCK.ARGUMENT`) and of the provider
    /// (`provider.ARGUMENT`), that the original has or had and that are not there, with what to do instead.
    pub absent: BTreeMap<Arc<str>, &'static str>,
}

impl ProviderSchema {
    /// The types of one kind, by name.
    pub fn types(&self, mode: ResourceMode) -> &BTreeMap<Arc<str>, Resource> {
        match mode {
            ResourceMode::Managed => &self.resources,
            ResourceMode::Data => &self.data_sources,
            ResourceMode::Ephemeral => &self.ephemerals,
        }
    }
}

impl AsRef<ProviderSchema> for ProviderSchema {
    fn as_ref(&self) -> &ProviderSchema {
        self
    }
}

/// One resource type or data source.
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// Version of the attributes in state; state of older versions is upgraded by the provider.
    pub version: u64,
    /// Attributes and nested blocks.
    pub block: Block,
}

/// Attributes and nested blocks.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Attributes by name.
    pub attributes: BTreeMap<Arc<str>, Attribute>,
    /// Nested blocks by name.
    pub blocks: BTreeMap<Arc<str>, NestedBlock>,
    /// What it is, in one sentence.
    pub description: &'static str,
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its type, or the type that its nested attributes imply.
    pub ty: Type,
    /// Nested attributes, for `name = { ... }` with a schema of its own.
    pub nested: Option<Arc<NestedAttributes>>,
    /// Who sets it.
    pub presence: Presence,
    /// True if its value must not be shown.
    pub sensitive: bool,
    /// What it is, in one sentence.
    pub description: &'static str,
    /// Set if it should no longer be used: what to use instead.
    pub deprecated: Option<&'static str>,
    /// The name it had before a block got that name: `cpu = "host"`, where there is `cpu_type` and a block `cpu`.
    pub formerly: Option<Arc<str>>,
    /// Reads what older configurations write there, such as `1` for a truth; none where that is as ever.
    pub reads: Option<fn(&Value) -> Option<Value>>,
}

/// Who sets an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Configuration must.
    Required,
    /// Configuration may; else it is null.
    Optional,
    /// Configuration may; else the provider does.
    OptionalComputed,
    /// Only the provider does.
    Computed,
}

/// Attributes inside an attribute.
#[derive(Clone, Debug)]
pub struct NestedAttributes {
    /// How often they are there.
    pub nesting: Nesting,
    /// Attributes by name.
    pub attributes: BTreeMap<Arc<str>, Attribute>,
}

/// A nested block.
#[derive(Clone, Debug)]
pub struct NestedBlock {
    /// How often it is there.
    pub nesting: Nesting,
    /// What is inside.
    pub block: Block,
    /// The fewest blocks.
    pub min_items: usize,
    /// The most blocks; 0 for any number.
    pub max_items: usize,
}

/// How often a nested thing is there, and what value that makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    /// At most once: an object or null.
    Single,
    /// Ordered: a list of objects.
    List,
    /// Unordered and distinct: a set of objects.
    Set,
    /// By label: a map of objects.
    Map,
}

impl Block {
    /// The object type of values of this block.
    pub fn implied_type(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), attribute.ty.clone()));
        let blocks = self
            .blocks
            .iter()
            .map(|(name, nested)| (name.clone(), nested.implied_type()));
        Type::object(attributes.chain(blocks))
    }

    /// A value with every attribute null and every block absent.
    pub fn empty_value(&self) -> Value {
        let attributes = self
            .attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), Value::Null(attribute.ty.clone())));
        let blocks = self
            .blocks
            .iter()
            .map(|(name, nested)| (name.clone(), nested.empty_value()));
        Value::object(attributes.chain(blocks))
    }
}

impl NestedBlock {
    /// The type that all blocks of this name together make.
    pub fn implied_type(&self) -> Type {
        self.nesting.wrap(self.block.implied_type())
    }

    fn empty_value(&self) -> Value {
        let object = self.block.implied_type();
        match self.nesting {
            Nesting::Single => Value::Null(object),
            Nesting::List => Value::list(object, Vec::new()),
            Nesting::Set => Value::set(object, []),
            Nesting::Map => Value::map::<&str>(object, []),
        }
    }
}

impl Nesting {
    /// The type of things of type `object` nested so.
    pub fn wrap(self, object: Type) -> Type {
        match self {
            Nesting::Single => object,
            Nesting::List => Type::list(object),
            Nesting::Set => Type::set(object),
            Nesting::Map => Type::map(object),
        }
    }
}

impl Attribute {
    /// An attribute of a type.
    pub fn new(ty: Type, presence: Presence, description: &'static str) -> Self {
        Self {
            ty,
            nested: None,
            presence,
            sensitive: false,
            description,
            deprecated: None,
            formerly: None,
            reads: None,
        }
    }

    /// An attribute with attributes of its own.
    pub fn nested(
        nesting: Nesting,
        attributes: impl IntoIterator<Item = (&'static str, Attribute)>,
        presence: Presence,
        description: &'static str,
    ) -> Self {
        let attributes: BTreeMap<Arc<str>, Attribute> = attributes
            .into_iter()
            .map(|(name, a)| (name.into(), a))
            .collect();
        let object = Type::object(
            attributes
                .iter()
                .map(|(name, attribute)| (name.clone(), attribute.ty.clone())),
        );
        let nested = Some(Arc::new(NestedAttributes {
            nesting,
            attributes,
        }));
        Self {
            nested,
            ..Self::new(nesting.wrap(object), presence, description)
        }
    }

    /// The same with its value hidden.
    #[must_use]
    pub fn sensitive(self) -> Self {
        Self {
            sensitive: true,
            ..self
        }
    }
}

impl Presence {
    /// True if configuration may set it.
    pub fn is_configurable(self) -> bool {
        self != Presence::Computed
    }

    /// True if the provider may set it.
    pub fn is_computed(self) -> bool {
        matches!(self, Presence::Computed | Presence::OptionalComputed)
    }
}
