//! What a struct declares: more than core's schema, which follows from it.

use strata_core::{
    Type, Value,
    provider::EffectKind,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};

use crate::{
    check::{Check, Rule},
    typed::Typed,
};

/// A struct that declares a block; derive it.
///
/// A field of a type that is not an `Option` is required, one that is an `Option` is optional. A field says more in
/// `#[schema(…)]`, several words separated by commas:
///
/// | word | meaning |
/// |---|---|
/// | `computed`, `optional_computed` | who sets it |
/// | `default = 8` | what it is if configuration does not say; makes it optional |
/// | `sensitive` | its value must not be shown |
/// | `replace` | another value needs a new object |
/// | `stable` | computed once: stays known when other attributes change |
/// | `live`, `restart`, `rebuild` | what a change does to a running guest |
/// | `one_of("a", "b")` | the only values; of a list, of each element |
/// | `range(1..=64)`, `length(..=63)` | bounds of a number; of a text's characters or a collection's elements |
/// | `check = function` | `fn(&Value) -> Result<(), String>`, called with a value that is neither null nor unknown |
/// | `deprecated = "use …"` | what to use instead |
/// | `name = "type"` | the attribute's name if it is not the field's |
/// | `flatten` | the fields of this struct, which is a `Schema`, stand beside the others |
/// | `nested`, `nested(set)` | an attribute with attributes of its own: the innermost type is a `Schema` |
/// | `block`, `block(set, min = 1, max = 1)` | a nested block: likewise |
///
/// How often a nested thing is there follows from the field's type (`Vec` list, `BTreeMap` map, else single); a set is
/// named, and kept as a `Vec`. The struct itself may say `exactly_one_of("a", "b")`, `at_least_one_of(…)`,
/// `conflicts(…)` and `together(…)`. The text of `///` becomes the description.
pub trait Schema: Typed {
    /// What it declares.
    fn block() -> BlockSpec;
}

/// A block: its fields and the rules between them.
#[derive(Clone, Debug)]
pub struct BlockSpec {
    /// What it is.
    pub description: &'static str,
    /// Attributes and nested blocks.
    pub fields: Vec<FieldSpec>,
    /// Rules between fields.
    pub rules: Vec<Rule>,
}

/// One attribute or nested block.
#[derive(Clone, Debug)]
pub struct FieldSpec {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) kind: FieldKind,
    pub(crate) sensitive: bool,
    pub(crate) deprecated: Option<&'static str>,
    pub(crate) default: Option<Value>,
    pub(crate) replace: bool,
    pub(crate) stable: bool,
    pub(crate) effect: Option<EffectKind>,
    pub(crate) checks: Vec<Check>,
}

/// What a field is.
#[derive(Clone, Debug)]
pub(crate) enum FieldKind {
    Attribute {
        ty: Type,
        presence: Presence,
    },
    Nested {
        nesting: Nesting,
        presence: Presence,
        inner: BlockSpec,
    },
    Block {
        nesting: Nesting,
        min: usize,
        max: usize,
        inner: BlockSpec,
    },
}

impl BlockSpec {
    /// With the fields and the rules of another block beside its own. Called by derived code.
    #[must_use]
    pub fn flatten(mut self, inner: Self) -> Self {
        self.fields.extend(inner.fields);
        self.rules.extend(inner.rules);
        self
    }

    /// Core's schema.
    pub fn schema(&self) -> Block {
        let mut block = Block {
            description: self.description,
            ..Block::default()
        };
        for field in &self.fields {
            match &field.kind {
                FieldKind::Block {
                    nesting,
                    min,
                    max,
                    inner,
                } => {
                    let nested = NestedBlock {
                        nesting: *nesting,
                        block: inner.schema(),
                        min_items: *min,
                        max_items: *max,
                    };
                    block.blocks.insert(field.name.into(), nested);
                }
                _ => {
                    block
                        .attributes
                        .insert(field.name.into(), field.attribute_schema());
                }
            }
        }
        block
    }

    /// The type of its values.
    pub fn implied_type(&self) -> Type {
        self.schema().implied_type()
    }
}

impl FieldSpec {
    /// An attribute.
    pub fn attribute<T: Typed>(
        name: &'static str,
        presence: Presence,
        description: &'static str,
    ) -> Self {
        let fits = |value: &Value| match T::read(value) {
            Ok(_) => Ok(()),
            Err(misfit) => Err(misfit.message.to_owned()),
        };
        let kind = FieldKind::Attribute {
            ty: T::ty(),
            presence,
        };
        Self::new(name, kind, description).check(Check::Function(fits))
    }

    /// An attribute with attributes of its own.
    pub fn nested<T: Schema>(
        name: &'static str,
        nesting: Nesting,
        presence: Presence,
        description: &'static str,
    ) -> Self {
        let inner = T::block();
        Self::new(
            name,
            FieldKind::Nested {
                nesting,
                presence,
                inner,
            },
            description,
        )
    }

    /// A nested block; `max` 0 for any number.
    pub fn block<T: Schema>(
        name: &'static str,
        nesting: Nesting,
        min: usize,
        max: usize,
        description: &'static str,
    ) -> Self {
        let inner = T::block();
        let description = if description.is_empty() {
            inner.description
        } else {
            description
        };
        let inner = BlockSpec {
            description,
            ..inner
        };
        Self::new(
            name,
            FieldKind::Block {
                nesting,
                min,
                max,
                inner,
            },
            description,
        )
    }

    fn new(name: &'static str, kind: FieldKind, description: &'static str) -> Self {
        Self {
            name,
            description,
            kind,
            sensitive: false,
            deprecated: None,
            default: None,
            replace: false,
            stable: false,
            effect: None,
            checks: Vec::new(),
        }
    }

    /// Its value must not be shown.
    #[must_use]
    pub fn sensitive(self) -> Self {
        Self {
            sensitive: true,
            ..self
        }
    }

    /// Another value needs a new object.
    #[must_use]
    pub fn replace(self) -> Self {
        Self {
            replace: true,
            ..self
        }
    }

    /// Stays known when other attributes change.
    #[must_use]
    pub fn stable(self) -> Self {
        Self {
            stable: true,
            ..self
        }
    }

    /// A change is made while the guest runs.
    #[must_use]
    pub fn live(self) -> Self {
        Self {
            effect: Some(EffectKind::Live),
            ..self
        }
    }

    /// A change restarts the guest.
    #[must_use]
    pub fn restart(self) -> Self {
        Self {
            effect: Some(EffectKind::Restart),
            ..self
        }
    }

    /// A change makes the guest anew.
    #[must_use]
    pub fn rebuild(self) -> Self {
        Self {
            effect: Some(EffectKind::Rebuild),
            ..self
        }
    }

    /// Should no longer be used; says what to use instead.
    #[must_use]
    pub fn deprecated(self, instead: &'static str) -> Self {
        Self {
            deprecated: Some(instead),
            ..self
        }
    }

    /// What it is if configuration does not say.
    #[must_use]
    pub fn default_value(self, value: Value) -> Self {
        Self {
            default: Some(value),
            ..self
        }
    }

    /// A check of its value.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }

    /// Who sets it; none for a block.
    pub(crate) fn presence(&self) -> Option<Presence> {
        match &self.kind {
            FieldKind::Attribute { presence, .. } | FieldKind::Nested { presence, .. } => {
                Some(*presence)
            }
            FieldKind::Block { .. } => None,
        }
    }

    /// What is inside, and how often.
    pub(crate) fn inner(&self) -> Option<(Nesting, &BlockSpec)> {
        match &self.kind {
            FieldKind::Attribute { .. } => None,
            FieldKind::Nested { nesting, inner, .. } | FieldKind::Block { nesting, inner, .. } => {
                Some((*nesting, inner))
            }
        }
    }

    fn attribute_schema(&self) -> Attribute {
        let made = match &self.kind {
            FieldKind::Attribute { ty, presence } => {
                Attribute::new(ty.clone(), *presence, self.description)
            }
            FieldKind::Nested {
                nesting,
                presence,
                inner,
            } => {
                let inner = inner.fields.iter().map(|field| {
                    let attribute = field.attribute_schema();
                    // Nobody sets what is inside of what only the provider sets.
                    let inside = match presence {
                        Presence::Computed => Presence::Computed,
                        _ => attribute.presence,
                    };
                    let attribute = Attribute {
                        presence: inside,
                        ..attribute
                    };
                    (field.name, attribute)
                });
                Attribute::nested(*nesting, inner, *presence, self.description)
            }
            FieldKind::Block { nesting, inner, .. } => {
                // A block inside a nested attribute: an optional attribute with the same content.
                let fields = inner
                    .fields
                    .iter()
                    .map(|field| (field.name, field.attribute_schema()));
                Attribute::nested(*nesting, fields, Presence::Optional, self.description)
            }
        };
        Attribute {
            sensitive: self.sensitive,
            deprecated: self.deprecated,
            ..made
        }
    }
}
