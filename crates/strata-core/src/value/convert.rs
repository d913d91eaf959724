//! Conversion between types, and the type that several have in common, as go-cty's `convert` package has it.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    AttributePath, Entries, Marks, Number, ObjectAttribute, PathStep, Text, Type, Unknown, Value,
};

/// Why a value does not convert to a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConvertError {
    /// Where in the value; empty for the whole.
    pub path: AttributePath,
    /// What is required there, for example `string required`.
    pub message: String,
}

impl ConvertError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            path: AttributePath::root(),
            message: message.into(),
        }
    }

    /// The same mistake, seen from what contains the value. Paths are only made where there is something to tell.
    fn inside(mut self, step: PathStep) -> Self {
        self.path.0.insert(0, step);
        self
    }
}

impl Value {
    /// Converts to `ty`, deeply; marks, nulls and unknowns stay where they are.
    ///
    /// Attributes that an object type marks as optional are filled with null.
    pub fn convert(&self, ty: &Type) -> Result<Value, ConvertError> {
        match conforms(self, ty) {
            true => Ok(self.clone()),
            false => convert(self, ty),
        }
    }
}

/// True if converting would change nothing, so that the value can be shared; false also where that is not cheap to say.
fn conforms(value: &Value, ty: &Type) -> bool {
    match (value, ty) {
        (Value::Marked(value, _), _) => conforms(value, ty),
        (_, Type::Dynamic) => true,
        (Value::Null(of), _) => of == ty,
        (Value::Unknown(unknown), _) => unknown.ty == *ty,
        (Value::Bool(_), Type::Bool)
        | (Value::Number(_), Type::Number)
        | (Value::String(_), Type::String) => true,
        (Value::List(of, _), Type::List(element))
        | (Value::Set(of, _), Type::Set(element))
        | (Value::Map(of, _), Type::Map(element)) => of == &**element && !element.has_dynamic(),
        (Value::Tuple(items), Type::Tuple(elements)) => {
            items.len() == elements.len()
                && items
                    .iter()
                    .zip(&**elements)
                    .all(|(item, ty)| conforms(item, ty))
        }
        (Value::Object(entries), Type::Object(attributes)) => {
            entries.len() == attributes.len()
                && entries.iter().zip(&**attributes).all(|(entry, attribute)| {
                    entry.0 == attribute.0 && conforms(entry.1, &attribute.1.ty)
                })
        }
        _ => false,
    }
}

fn convert(value: &Value, ty: &Type) -> Result<Value, ConvertError> {
    match (value, ty) {
        (Value::Marked(value, marks), _) => Ok(convert(value, ty)?.with_marks(*marks)),
        (_, Type::Dynamic) => Ok(value.clone()),
        (Value::Null(from), _) => {
            convert_typed(from, ty).map(|()| Value::Null(ty.without_optional()))
        }
        (Value::Unknown(unknown), _) => {
            convert_typed(&unknown.ty, ty)?;
            Ok(convert_unknown(unknown, ty).into())
        }
        (Value::Bool(_), Type::Bool)
        | (Value::Number(_), Type::Number)
        | (Value::String(_), Type::String) => Ok(value.clone()),
        (_, Type::Bool | Type::Number | Type::String) => convert_primitive(value, ty),
        (_, Type::List(element) | Type::Set(element)) => convert_sequence(value, ty, element),
        (_, Type::Map(element)) => convert_map(value, ty, element),
        (_, Type::Tuple(elements)) => convert_tuple(value, ty, elements),
        (_, Type::Object(attributes)) => convert_object(value, ty, attributes),
    }
}

fn convert_unknown(unknown: &Unknown, ty: &Type) -> Unknown {
    let same = unknown.ty == *ty;
    Unknown {
        ty: ty.without_optional(),
        not_null: unknown.not_null,
        prefix: unknown.prefix.clone().filter(|_| same),
        length: unknown.length.filter(|_| same),
    }
}

/// Says whether values of type `from` can convert to `to`; without a value, text counts as convertible.
fn convert_typed(from: &Type, to: &Type) -> Result<(), ConvertError> {
    let fits = match (from, to) {
        (Type::Dynamic, _) | (_, Type::Dynamic) => true,
        (Type::Bool, Type::Number) | (Type::Number, Type::Bool) => false,
        (from, to) if from.is_primitive() && to.is_primitive() => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b))
        | (Type::Map(a), Type::Map(b)) => {
            return convert_typed(a, b).map_err(|error| error.inside(PathStep::Element));
        }
        (Type::Tuple(items), Type::List(element) | Type::Set(element)) => {
            return items
                .iter()
                .try_for_each(|item| convert_typed(item, element))
                .map_err(|error| error.inside(PathStep::Element));
        }
        (Type::Tuple(left), Type::Tuple(right)) if left.len() == right.len() => {
            return left
                .iter()
                .zip(right.iter())
                .try_for_each(|(a, b)| convert_typed(a, b));
        }
        (Type::Object(attributes), Type::Map(element)) => {
            return attributes
                .values()
                .try_for_each(|a| convert_typed(&a.ty, element))
                .map_err(|error| error.inside(PathStep::Element));
        }
        (Type::Map(element), Type::Object(attributes)) => {
            return attributes
                .values()
                .try_for_each(|a| convert_typed(element, &a.ty))
                .map_err(|error| error.inside(PathStep::Element));
        }
        (Type::Object(given), Type::Object(wanted)) => {
            for (name, attribute) in wanted.iter() {
                match given.get(name) {
                    Some(from) => convert_typed(&from.ty, &attribute.ty)
                        .map_err(|error| error.inside(PathStep::Attribute(name.clone())))?,
                    None if attribute.optional => {}
                    None => {
                        return Err(ConvertError::new(format!("attribute {name:?} is required")));
                    }
                }
            }
            true
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(required(to)) }
}

fn required(ty: &Type) -> ConvertError {
    ConvertError::new(format!("{} required", ty.friendly_name()))
}

fn convert_primitive(value: &Value, ty: &Type) -> Result<Value, ConvertError> {
    match (value, ty) {
        (Value::Bool(truth), Type::String) => {
            Ok(Value::from(if *truth { "true" } else { "false" }))
        }
        (Value::Number(number), Type::String) => Ok(Value::from(number.to_string())),
        (Value::String(text), Type::Number) => text
            .parse::<Number>()
            .map(Value::Number)
            .map_err(|_| ConvertError::new("a number is required")),
        (Value::String(text), Type::Bool) => match &**text {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            "True" | "TRUE" => Err(ConvertError::new(
                "a bool is required; to convert from string, use lowercase \"true\"",
            )),
            "False" | "FALSE" => Err(ConvertError::new(
                "a bool is required; to convert from string, use lowercase \"false\"",
            )),
            _ => Err(ConvertError::new("a bool is required")),
        },
        _ => Err(required(ty)),
    }
}

fn convert_sequence(value: &Value, ty: &Type, element: &Type) -> Result<Value, ConvertError> {
    let Some(items) = value.as_sequence() else {
        return Err(required(ty));
    };
    // An element type still open takes the type that all elements have in common.
    let element = match value_element(value) {
        Some(own) if *element == Type::Dynamic && !own.has_dynamic() => own,
        _ if element.has_dynamic() => &common(items.iter(), element, ty)?,
        _ => element,
    };
    if value_element(value) == Some(element)
        && matches!(
            (value, ty),
            (Value::List(..), Type::List(_)) | (Value::Set(..), Type::Set(_))
        )
    {
        return Ok(value.clone());
    }
    let convert_item = |(at, item): (usize, &Value)| {
        convert(item, element).map_err(|error| error.inside(PathStep::Index(at.into())))
    };
    let items = items
        .iter()
        .enumerate()
        .map(convert_item)
        .collect::<Result<Vec<_>, _>>()?;
    let element = element.without_optional();
    // What is unknown in a set may turn out to be the same as another element.
    if matches!((value, ty), (Value::Set(..), Type::List(_)))
        && items.len() > 1
        && !items.iter().all(Value::is_wholly_known)
    {
        return Ok(Value::unknown(Type::list(element)));
    }
    Ok(if matches!(ty, Type::List(_)) {
        Value::list(element, items)
    } else {
        Value::set(element, items)
    })
}

fn value_element(value: &Value) -> Option<&Type> {
    match value {
        Value::List(element, _) | Value::Set(element, _) | Value::Map(element, _) => Some(element),
        _ => None,
    }
}

fn convert_map(value: &Value, ty: &Type, element: &Type) -> Result<Value, ConvertError> {
    let Some(entries) = value.as_entries() else {
        return Err(required(ty));
    };
    let element = if element.has_dynamic() {
        &common(entries.values(), element, ty)?
    } else {
        element
    };
    if matches!(value, Value::Map(have, _) if have == element) {
        return Ok(value.clone());
    }
    let convert_entry = |(key, item): (&Text, &Value)| match convert(item, element) {
        Ok(item) => Ok((key.clone(), item)),
        Err(error) => Err(error.inside(PathStep::Key(key.clone()))),
    };
    let entries = entries
        .iter()
        .map(convert_entry)
        .collect::<Result<Entries, _>>()?;
    Ok(Value::Map(element.without_optional(), Arc::new(entries)))
}

/// The type all items have in common, where `wanted` leaves it open.
fn common<'a>(
    items: impl Iterator<Item = &'a Value> + Clone,
    wanted: &Type,
    ty: &Type,
) -> Result<Type, ConvertError> {
    if *wanted != Type::Dynamic {
        // Open further inside: convert each item to what is wanted, and unify what comes out.
        let types = items
            .map(|item| convert(item, wanted).map(|item| item.ty()))
            .collect::<Result<Vec<_>, _>>()?;
        return unify(types.iter()).ok_or_else(|| mismatch(ty));
    }
    let types: Vec<Type> = items.map(Value::ty).collect();
    unify(types.iter()).ok_or_else(|| mismatch(ty))
}

fn mismatch(ty: &Type) -> ConvertError {
    let kind = if matches!(ty, Type::Map(_)) {
        "map"
    } else if matches!(ty, Type::Set(_)) {
        "set"
    } else {
        "list"
    };
    ConvertError::new(format!("all {kind} elements must have the same type"))
}

fn convert_tuple(value: &Value, ty: &Type, elements: &[Type]) -> Result<Value, ConvertError> {
    let Value::Tuple(items) = value else {
        return Err(required(ty));
    };
    if items.len() != elements.len() {
        return Err(ConvertError::new(format!(
            "a tuple of {} elements is required",
            elements.len()
        )));
    }
    let item = |(at, (item, ty)): (usize, (&Value, &Type))| {
        convert(item, ty).map_err(|error| error.inside(PathStep::Index(at.into())))
    };
    let items = items
        .iter()
        .zip(elements)
        .enumerate()
        .map(item)
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Value::tuple(items))
}

fn convert_object(
    value: &Value,
    ty: &Type,
    attributes: &BTreeMap<Text, ObjectAttribute>,
) -> Result<Value, ConvertError> {
    let Some(entries) = value.as_entries() else {
        return Err(required(ty));
    };
    let missing: Vec<_> = attributes
        .iter()
        .filter(|(name, a)| !a.optional && !entries.contains_key(name))
        .map(|(name, _)| format!("{name:?}"))
        .collect();
    match missing.as_slice() {
        [] => {}
        [one] => {
            return Err(ConvertError::new(format!("attribute {one} is required")));
        }
        [most @ .., last] => {
            return Err(ConvertError::new(format!(
                "attributes {} and {last} are required",
                most.join(", ")
            )));
        }
    }
    let attribute = |(name, attribute): (&Text, &ObjectAttribute)| {
        let value = match entries.get(name) {
            Some(value) => convert(value, &attribute.ty)
                .map_err(|error| error.inside(PathStep::Attribute(name.clone())))?,
            None => Value::Null(attribute.ty.without_optional()),
        };
        Ok((name.clone(), value))
    };
    Ok(Value::Object(Arc::new(
        attributes.iter().map(attribute).collect::<Result<_, _>>()?,
    )))
}

/// The type that values of all `types` convert to without loss, if there is one; dynamic for none at all.
pub fn unify<'a>(types: impl IntoIterator<Item = &'a Type>) -> Option<Type> {
    let mut open = false;
    let mut told = types.into_iter().filter(|ty| {
        let is_open = **ty == Type::Dynamic;
        open |= is_open;
        !is_open
    });
    let Some(first) = told.next() else {
        return Some(Type::Dynamic);
    };
    let common = told.try_fold(first.clone(), |common, ty| unify_two(&common, ty))?;
    Some(match open {
        true => with_open(common),
        false => common,
    })
}

/// What a type and one that is not known have in common: that may yet be of another kind, or have more inside.
fn with_open(other: Type) -> Type {
    match other.is_primitive() {
        true => other,
        false => Type::Dynamic,
    }
}

fn unify_two(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (Type::Dynamic, other) | (other, Type::Dynamic) => Some(with_open(other.clone())),
        (Type::String, other) | (other, Type::String) if other.is_primitive() => Some(Type::String),
        (Type::List(a), Type::List(b) | Type::Set(b)) | (Type::Set(a), Type::List(b)) => {
            Some(Type::list(unify_two(a, b)?))
        }
        (Type::Set(a), Type::Set(b)) => Some(Type::set(unify_two(a, b)?)),
        (Type::Map(a), Type::Map(b)) => Some(Type::map(unify_two(a, b)?)),
        (Type::Tuple(a), Type::Tuple(b)) if a.len() == b.len() => a
            .iter()
            .zip(b.iter())
            .map(|(a, b)| unify_two(a, b))
            .collect::<Option<Vec<_>>>()
            .map(Type::tuple),
        (Type::Tuple(a), Type::Tuple(b)) => Some(Type::list(unify(a.iter().chain(b.iter()))?)),
        (Type::Tuple(items), Type::List(element)) | (Type::List(element), Type::Tuple(items)) => {
            Some(Type::list(unify(items.iter().chain([&**element]))?))
        }
        (Type::Tuple(items), Type::Set(element)) | (Type::Set(element), Type::Tuple(items)) => {
            Some(Type::set(unify(items.iter().chain([&**element]))?))
        }
        (Type::Object(a), Type::Object(b)) if a.keys().eq(b.keys()) => {
            let attribute =
                |((name, a), (_, b)): ((&Text, &ObjectAttribute), (_, &ObjectAttribute))| {
                    Some((name.clone(), unify_two(&a.ty, &b.ty)?))
                };
            a.iter()
                .zip(b.iter())
                .map(attribute)
                .collect::<Option<Vec<_>>>()
                .map(Type::object)
        }
        (Type::Object(a), Type::Object(b)) => Some(Type::map(unify(
            a.values().chain(b.values()).map(|attribute| &attribute.ty),
        )?)),
        (Type::Object(a), Type::Map(element)) | (Type::Map(element), Type::Object(a)) => {
            Some(Type::map(unify(
                a.values()
                    .map(|attribute| &attribute.ty)
                    .chain([&**element]),
            )?))
        }
        _ => None,
    }
}

impl Value {
    /// Converts to `ty` and takes all marks off, for places that can carry none.
    pub fn convert_unmarked(&self, ty: &Type, marks: &mut Marks) -> Result<Value, ConvertError> {
        Ok(self.convert(ty)?.unmark_deep(marks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primitives_convert_as_terraform_does() {
        assert_eq!(Value::from(5).convert(&Type::String), Ok(Value::from("5")));
        assert_eq!(
            Value::from("1.5")
                .convert(&Type::Number)
                .unwrap()
                .as_number()
                .unwrap()
                .to_string(),
            "1.5"
        );
        assert_eq!(
            Value::from("true").convert(&Type::Bool),
            Ok(Value::Bool(true))
        );
        assert_eq!(
            Value::from(1).convert(&Type::Bool).unwrap_err().message,
            "bool required"
        );
        assert_eq!(
            Value::tuple(vec![])
                .convert(&Type::String)
                .unwrap_err()
                .message,
            "string required"
        );
    }

    #[test]
    fn objects_lose_what_the_type_lacks_and_gain_optional_nulls() {
        let attribute = |ty, optional| ObjectAttribute { ty, optional };
        let ty = Type::Object(Arc::new(
            [
                ("a".into(), attribute(Type::String, false)),
                ("b".into(), attribute(Type::Number, true)),
            ]
            .into(),
        ));
        let value = Value::object([("a", Value::from(1)), ("c", Value::from(2))])
            .convert(&ty)
            .unwrap();
        assert_eq!(
            value,
            Value::object([("a", Value::from("1")), ("b", Value::Null(Type::Number))])
        );
        assert_eq!(
            Value::object([("b", Value::from(1))])
                .convert(&ty)
                .unwrap_err()
                .message,
            "attribute \"a\" is required"
        );
    }

    #[test]
    fn open_element_types_take_what_the_elements_have_in_common() {
        let mixed = Value::tuple(vec![Value::from(1), Value::from("a")]);
        assert_eq!(
            mixed.convert(&Type::list(Type::Dynamic)),
            Ok(Value::list(Type::String, vec!["1".into(), "a".into()]))
        );
        let unlike = Value::tuple(vec![Value::from(true), Value::tuple(vec![])]);
        assert_eq!(
            unlike
                .convert(&Type::list(Type::Dynamic))
                .unwrap_err()
                .message,
            "all list elements must have the same type"
        );
    }
}
