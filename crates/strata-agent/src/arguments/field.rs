//! What one argument is: its name, its type, its default.

/// One argument.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its value must be.
    pub kind: FieldKind,
    /// Other names for it.
    pub aliases: &'static [&'static str],
    /// The values it may have; empty for any.
    pub choices: &'static [&'static str],
    /// Whether it must be given.
    pub required: bool,
    /// Its value when it is not given.
    pub default: Option<&'static str>,
    /// Ansible has it, we do not: a value is refused by name.
    pub unsupported: bool,
}

/// The types of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum FieldKind {
    Str,
    /// A string in which `~` and `$NAME` are expanded.
    Path,
    Bool,
    Int,
    Float,
    /// A list of strings; a single string is split at commas.
    List,
    Dict,
    /// Taken as it is.
    Raw,
}

impl Field {
    /// An argument of a kind, optional and without a default.
    pub const fn new(name: &'static str, kind: FieldKind) -> Field {
        Field {
            name,
            kind,
            aliases: &[],
            choices: &[],
            required: false,
            default: None,
            unsupported: false,
        }
    }

    /// A string.
    pub const fn str(name: &'static str) -> Field {
        Field::new(name, FieldKind::Str)
    }

    /// A path.
    pub const fn path(name: &'static str) -> Field {
        Field::new(name, FieldKind::Path)
    }

    /// A boolean with its default.
    pub const fn bool(name: &'static str, default: bool) -> Field {
        let field = Field::new(name, FieldKind::Bool);
        Field {
            default: Some(if default { "true" } else { "false" }),
            ..field
        }
    }

    /// A boolean that may be left open.
    pub const fn maybe(name: &'static str) -> Field {
        Field::new(name, FieldKind::Bool)
    }

    /// A whole number.
    pub const fn int(name: &'static str) -> Field {
        Field::new(name, FieldKind::Int)
    }

    /// A list of strings.
    pub const fn list(name: &'static str) -> Field {
        Field::new(name, FieldKind::List)
    }

    /// Something that Ansible has and we do not have yet.
    pub const fn unsupported(name: &'static str) -> Field {
        Field {
            unsupported: true,
            ..Field::new(name, FieldKind::Raw)
        }
    }

    /// Something that may only be given the value it has anyhow.
    pub const fn fixed(name: &'static str, value: &'static str) -> Field {
        Field {
            unsupported: true,
            default: Some(value),
            ..Field::new(name, FieldKind::Raw)
        }
    }

    /// Gives it other names.
    pub const fn alias(self, aliases: &'static [&'static str]) -> Field {
        Field { aliases, ..self }
    }

    /// Limits its values.
    pub const fn choices(self, choices: &'static [&'static str]) -> Field {
        Field { choices, ..self }
    }

    /// Gives it a value for when it is not given.
    pub const fn default(self, default: &'static str) -> Field {
        Field {
            default: Some(default),
            ..self
        }
    }

    /// Makes it required.
    pub const fn required(self) -> Field {
        Field {
            required: true,
            ..self
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// What every module that makes files takes.
pub(super) const FILE_ATTRIBUTES: &[Field] = &[
    Field::new("mode", FieldKind::Raw),
    Field::str("owner"),
    Field::str("group"),
    Field::str("seuser"),
    Field::str("serole"),
    Field::str("setype"),
    Field::str("selevel"),
    Field::str("attributes").alias(&["attr"]),
    Field::bool("unsafe_writes", false),
];
