//! Types of values.

use std::{collections::BTreeMap, fmt, sync::Arc};

use super::Text;

/// The type of a [`Value`](super::Value).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// Not known yet; converts to anything.
    Dynamic,
    /// `true` or `false`.
    Bool,
    /// A number.
    Number,
    /// Unicode text.
    String,
    /// Ordered elements of one type.
    List(Arc<Type>),
    /// Unordered distinct elements of one type.
    Set(Arc<Type>),
    /// Elements of one type by text keys.
    Map(Arc<Type>),
    /// Ordered elements, each with its own type.
    Tuple(Arc<Vec<Type>>),
    /// Named attributes, each with its own type.
    Object(Arc<BTreeMap<Text, ObjectAttribute>>),
}

/// One attribute of an object type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectAttribute {
    /// The attribute's type.
    pub ty: Type,
    /// True if conversion to this type may fill it with null (`optional(...)`).
    pub optional: bool,
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Type::List(Arc::new(element))
    }

    /// A set of `element`.
    pub fn set(element: Type) -> Self {
        Type::Set(Arc::new(element))
    }

    /// A map of `element`.
    pub fn map(element: Type) -> Self {
        Type::Map(Arc::new(element))
    }

    /// A tuple.
    pub fn tuple(elements: impl IntoIterator<Item = Type>) -> Self {
        Type::Tuple(Arc::new(elements.into_iter().collect()))
    }

    /// An object whose attributes are all required.
    pub fn object<K: Into<Text>>(attributes: impl IntoIterator<Item = (K, Type)>) -> Self {
        let required = |(name, ty): (K, Type)| {
            (
                name.into(),
                ObjectAttribute {
                    ty,
                    optional: false,
                },
            )
        };
        Type::Object(Arc::new(attributes.into_iter().map(required).collect()))
    }

    /// The element type of a list, set or map.
    pub fn element(&self) -> Option<&Type> {
        match self {
            Type::List(element) | Type::Set(element) | Type::Map(element) => Some(element),
            _ => None,
        }
    }

    /// The type of one attribute of an object type.
    pub fn attribute(&self, name: &str) -> Option<&Type> {
        match self {
            Type::Object(attributes) => attributes.get(name).map(|attribute| &attribute.ty),
            _ => None,
        }
    }

    /// True for bool, number and string.
    pub fn is_primitive(&self) -> bool {
        matches!(self, Type::Bool | Type::Number | Type::String)
    }

    /// True for lists, sets and maps.
    pub fn is_collection(&self) -> bool {
        matches!(self, Type::List(_) | Type::Set(_) | Type::Map(_))
    }

    /// True if this type, or a part of it, is not known yet.
    pub fn has_dynamic(&self) -> bool {
        match self {
            Type::Dynamic => true,
            Type::Bool | Type::Number | Type::String => false,
            Type::List(element) | Type::Set(element) | Type::Map(element) => element.has_dynamic(),
            Type::Tuple(elements) => elements.iter().any(Type::has_dynamic),
            Type::Object(attributes) => attributes
                .values()
                .any(|attribute| attribute.ty.has_dynamic()),
        }
    }

    /// The same type with every attribute required, as values have it.
    #[must_use]
    pub fn without_optional(&self) -> Type {
        match self {
            Type::List(element) => Type::list(element.without_optional()),
            Type::Set(element) => Type::set(element.without_optional()),
            Type::Map(element) => Type::map(element.without_optional()),
            Type::Tuple(elements) => Type::tuple(elements.iter().map(Type::without_optional)),
            Type::Object(attributes) => Type::object(
                attributes
                    .iter()
                    .map(|(name, attribute)| (name.clone(), attribute.ty.without_optional())),
            ),
            Type::Dynamic | Type::Bool | Type::Number | Type::String => self.clone(),
        }
    }

    /// The name that messages use: `string`, `list of string`, `object`.
    pub fn friendly_name(&self) -> String {
        match self {
            Type::Dynamic => "dynamic".to_owned(),
            Type::Bool => "bool".to_owned(),
            Type::Number => "number".to_owned(),
            Type::String => "string".to_owned(),
            Type::List(element) => format!("list of {}", element.friendly_name()),
            Type::Set(element) => format!("set of {}", element.friendly_name()),
            Type::Map(element) => format!("map of {}", element.friendly_name()),
            Type::Tuple(_) => "tuple".to_owned(),
            Type::Object(_) => "object".to_owned(),
        }
    }
}

impl fmt::Display for Type {
    /// Writes the type as a `variable` block has it: `map(string)`, `object({name=string})`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Dynamic => f.write_str("any"),
            Type::Bool => f.write_str("bool"),
            Type::Number => f.write_str("number"),
            Type::String => f.write_str("string"),
            Type::List(element) => write!(f, "list({element})"),
            Type::Set(element) => write!(f, "set({element})"),
            Type::Map(element) => write!(f, "map({element})"),
            Type::Tuple(elements) => {
                let elements: Vec<_> = elements.iter().map(Type::to_string).collect();
                write!(f, "tuple([{}])", elements.join(", "))
            }
            Type::Object(attributes) => {
                let attribute =
                    |(name, attribute): (&Text, &ObjectAttribute)| match attribute.optional {
                        true => format!("{name}=optional({})", attribute.ty),
                        false => format!("{name}={}", attribute.ty),
                    };
                let attributes: Vec<_> = attributes.iter().map(attribute).collect();
                write!(f, "object({{{}}})", attributes.join(","))
            }
        }
    }
}
