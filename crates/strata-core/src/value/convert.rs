//! Conversion between types, and the type that several have in common, as go-cty's `convert` package has it.

use std::{collections::BTreeMap, sync::Arc};

use super::{AttributePath, Marks, Number, ObjectAttribute, PathStep, Type, Unknown, Value};

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
    fn new(path: &AttributePath, message: impl Into<String>) -> Self {
        Self {
            path: path.clone(),
            message: message.into(),
        }
    }
}

impl Value {
    /// Converts to `ty`, deeply; marks, nulls and unknowns stay where they are.
    ///
    /// Attributes that an object type marks as optional are filled with null.
    pub fn convert(&self, ty: &Type) -> Result<Value, ConvertError> {
        convert(self, ty, &AttributePath::root())
    }
}

fn convert(value: &Value, ty: &Type, path: &AttributePath) -> Result<Value, ConvertError> {
    match (value, ty) {
        (Value::Marked(value, marks), _) => Ok(convert(value, ty, path)?.with_marks(*marks)),
        (_, Type::Dynamic) => Ok(value.clone()),
        (Value::Null(from), _) => {
            convert_typed(from, ty, path).map(|()| Value::Null(ty.without_optional()))
        }
        (Value::Unknown(unknown), _) => {
            convert_typed(&unknown.ty, ty, path)?;
            Ok(convert_unknown(unknown, ty).into())
        }
        (Value::Bool(_), Type::Bool)
        | (Value::Number(_), Type::Number)
        | (Value::String(_), Type::String) => Ok(value.clone()),
        (_, Type::Bool | Type::Number | Type::String) => convert_primitive(value, ty, path),
        (_, Type::List(element) | Type::Set(element)) => convert_sequence(value, ty, element, path),
        (_, Type::Map(element)) => convert_map(value, ty, element, path),
        (_, Type::Tuple(elements)) => convert_tuple(value, ty, elements, path),
        (_, Type::Object(attributes)) => convert_object(value, ty, attributes, path),
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
fn convert_typed(from: &Type, to: &Type, path: &AttributePath) -> Result<(), ConvertError> {
    let fits = match (from, to) {
        (Type::Dynamic, _) | (_, Type::Dynamic) => true,
        (Type::Bool, Type::Number) | (Type::Number, Type::Bool) => false,
        (from, to) if from.is_primitive() && to.is_primitive() => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b))
        | (Type::Map(a), Type::Map(b)) => {
            return convert_typed(a, b, &path.then(PathStep::Element));
        }
        (Type::Tuple(items), Type::List(element) | Type::Set(element)) => {
            return items
                .iter()
                .try_for_each(|item| convert_typed(item, element, &path.then(PathStep::Element)));
        }
        (Type::Tuple(left), Type::Tuple(right)) if left.len() == right.len() => {
            return left
                .iter()
                .zip(right.iter())
                .try_for_each(|(a, b)| convert_typed(a, b, path));
        }
        (Type::Object(attributes), Type::Map(element)) => {
            return attributes
                .values()
                .try_for_each(|a| convert_typed(&a.ty, element, &path.then(PathStep::Element)));
        }
        (Type::Map(element), Type::Object(attributes)) => {
            return attributes
                .values()
                .try_for_each(|a| convert_typed(element, &a.ty, &path.then(PathStep::Element)));
        }
        (Type::Object(given), Type::Object(wanted)) => {
            for (name, attribute) in wanted.iter() {
                match given.get(name) {
                    Some(from) => convert_typed(
                        &from.ty,
                        &attribute.ty,
                        &path.then(PathStep::Attribute(name.clone())),
                    )?,
                    None if attribute.optional => {}
                    None => {
                        return Err(ConvertError::new(
                            path,
                            format!("attribute {name:?} is required"),
                        ));
                    }
                }
            }
            true
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(required(to, path))
    }
}

fn required(ty: &Type, path: &AttributePath) -> ConvertError {
    ConvertError::new(path, format!("{} required", ty.friendly_name()))
}

fn convert_primitive(
    value: &Value,
    ty: &Type,
    path: &AttributePath,
) -> Result<Value, ConvertError> {
    match (value, ty) {
        (Value::Bool(truth), Type::String) => {
            Ok(Value::from(if *truth { "true" } else { "false" }))
        }
        (Value::Number(number), Type::String) => Ok(Value::from(number.to_string())),
        (Value::String(text), Type::Number) => text
            .parse::<Number>()
            .map(Value::Number)
            .map_err(|_| ConvertError::new(path, "a number is required")),
        (Value::String(text), Type::Bool) => match &**text {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            "True" | "TRUE" => Err(ConvertError::new(
                path,
                "a bool is required; to convert from string, use lowercase \"true\"",
            )),
            "False" | "FALSE" => Err(ConvertError::new(
                path,
                "a bool is required; to convert from string, use lowercase \"false\"",
            )),
            _ => Err(ConvertError::new(path, "a bool is required")),
        },
        _ => Err(required(ty, path)),
    }
}

fn convert_sequence(
    value: &Value,
    ty: &Type,
    element: &Type,
    path: &AttributePath,
) -> Result<Value, ConvertError> {
    let Some(items) = value.as_sequence() else {
        return Err(required(ty, path));
    };
    // An element type still open takes the type that all elements have in common.
    let element = if element.has_dynamic() {
        &common(items.iter(), element, ty, path)?
    } else {
        element
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
        convert(item, element, &path.then(PathStep::Index(Number::from(at))))
    };
    let items = items
        .iter()
        .enumerate()
        .map(convert_item)
        .collect::<Result<Vec<_>, _>>()?;
    let element = element.without_optional();
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

fn convert_map(
    value: &Value,
    ty: &Type,
    element: &Type,
    path: &AttributePath,
) -> Result<Value, ConvertError> {
    let Some(entries) = value.as_entries() else {
        return Err(required(ty, path));
    };
    let element = if element.has_dynamic() {
        &common(entries.values(), element, ty, path)?
    } else {
        element
    };
    if matches!(value, Value::Map(have, _) if have == element) {
        return Ok(value.clone());
    }
    let convert_entry = |(key, item): (&Arc<str>, &Value)| {
        Ok((
            key.clone(),
            convert(item, element, &path.then(PathStep::Key(key.clone())))?,
        ))
    };
    let entries = entries
        .iter()
        .map(convert_entry)
        .collect::<Result<BTreeMap<_, _>, _>>()?;
    Ok(Value::Map(element.without_optional(), Arc::new(entries)))
}

/// The type all items have in common, where `wanted` leaves it open.
fn common<'a>(
    items: impl Iterator<Item = &'a Value> + Clone,
    wanted: &Type,
    ty: &Type,
    path: &AttributePath,
) -> Result<Type, ConvertError> {
    if *wanted != Type::Dynamic {
        // Open further inside: convert each item to what is wanted, and unify what comes out.
        let types = items
            .map(|item| convert(item, wanted, path).map(|item| item.ty()))
            .collect::<Result<Vec<_>, _>>()?;
        return unify(types.iter()).ok_or_else(|| mismatch(ty, path));
    }
    let types: Vec<Type> = items.map(Value::ty).collect();
    unify(types.iter()).ok_or_else(|| mismatch(ty, path))
}

fn mismatch(ty: &Type, path: &AttributePath) -> ConvertError {
    let kind = if matches!(ty, Type::Map(_)) {
        "map"
    } else if matches!(ty, Type::Set(_)) {
        "set"
    } else {
        "list"
    };
    ConvertError::new(path, format!("all {kind} elements must have the same type"))
}

fn convert_tuple(
    value: &Value,
    ty: &Type,
    elements: &[Type],
    path: &AttributePath,
) -> Result<Value, ConvertError> {
    let Value::Tuple(items) = value else {
        return Err(required(ty, path));
    };
    if items.len() != elements.len() {
        return Err(ConvertError::new(
            path,
            format!("a tuple of {} elements is required", elements.len()),
        ));
    }
    let item = |(at, (item, ty)): (usize, (&Value, &Type))| {
        convert(item, ty, &path.then(PathStep::Index(Number::from(at))))
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
    attributes: &BTreeMap<Arc<str>, ObjectAttribute>,
    path: &AttributePath,
) -> Result<Value, ConvertError> {
    let Some(entries) = value.as_entries() else {
        return Err(required(ty, path));
    };
    let missing: Vec<_> = attributes
        .iter()
        .filter(|(name, a)| !a.optional && !entries.contains_key(*name))
        .map(|(name, _)| format!("{name:?}"))
        .collect();
    match missing.as_slice() {
        [] => {}
        [one] => {
            return Err(ConvertError::new(
                path,
                format!("attribute {one} is required"),
            ));
        }
        [most @ .., last] => {
            return Err(ConvertError::new(
                path,
                format!("attributes {} and {last} are required", most.join(", ")),
            ));
        }
    }
    let attribute = |(name, attribute): (&Arc<str>, &ObjectAttribute)| {
        let path = path.then(PathStep::Attribute(name.clone()));
        let value = match entries.get(name) {
            Some(value) => convert(value, &attribute.ty, &path)?,
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
    let mut types = types.into_iter();
    let Some(first) = types.next() else {
        return Some(Type::Dynamic);
    };
    types.try_fold(first.clone(), |common, ty| unify_two(&common, ty))
}

fn unify_two(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (left, right) if left == right => Some(left.clone()),
        (Type::Dynamic, other) | (other, Type::Dynamic) => Some(other.clone()),
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
                |((name, a), (_, b)): ((&Arc<str>, &ObjectAttribute), (_, &ObjectAttribute))| {
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
