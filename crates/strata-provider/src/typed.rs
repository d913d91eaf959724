//! Between values and Rust types.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use strata_core::{Number, Type, Value};

/// A Rust type that a value converts to and from.
pub trait Typed: Sized {
    /// The type of its values.
    fn ty() -> Type;

    /// What stands for null and for unknown: `None`, empty, zero or false.
    fn absent() -> Self;

    /// Reads a value of [`Typed::ty`]; null and unknown become [`Typed::absent`].
    fn read(value: &Value) -> Result<Self, Misfit>;

    /// Writes a value of [`Typed::ty`].
    fn write(&self) -> Value;
}

/// Why a value of the right type does not fit a Rust type, such as a fraction where a whole number is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The attribute, from the outside in; empty for the whole.
    pub path: Vec<String>,
    /// What is required, for example `must be a whole number`.
    pub message: &'static str,
}

impl Misfit {
    fn new(message: &'static str) -> Self {
        Self {
            path: Vec::new(),
            message,
        }
    }
}

/// Reads one attribute of an object; absent if the object lacks it. Called by derived code.
pub fn read_field<T: Typed>(object: &Value, name: &str) -> Result<T, Misfit> {
    let Some(value) = object.get(name) else {
        return Ok(T::absent());
    };
    read_or_absent(value).map_err(|mut misfit| {
        misfit.path.insert(0, name.to_owned());
        misfit
    })
}

/// A list's value as that of a set. Called by derived code.
pub fn as_set(value: Value) -> Value {
    match value {
        Value::List(element, items) => Value::set(element, items.iter().cloned()),
        Value::Null(Type::List(element)) => Value::Null(Type::Set(element)),
        value => value,
    }
}

/// An object with the attributes of another one beside its own. Called by derived code.
pub fn flatten(object: Value, inner: Value) -> Value {
    match (object, inner) {
        (Value::Object(own), Value::Object(more)) => {
            let mut all = Arc::unwrap_or_clone(own);
            all.extend(Arc::unwrap_or_clone(more));
            Value::Object(Arc::new(all))
        }
        (object, _) => object,
    }
}

fn read_or_absent<T: Typed>(value: &Value) -> Result<T, Misfit> {
    match value.unmarked() {
        Value::Null(_) | Value::Unknown(_) => Ok(T::absent()),
        value => T::read(value),
    }
}

impl Typed for bool {
    fn ty() -> Type {
        Type::Bool
    }

    fn absent() -> Self {
        false
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        value.as_bool().ok_or(Misfit::new("must be a bool"))
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Typed for String {
    fn ty() -> Type {
        Type::String
    }

    fn absent() -> Self {
        String::new()
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        let text = value.as_str().ok_or(Misfit::new("must be a string"))?;
        Ok(text.to_owned())
    }

    fn write(&self) -> Value {
        Value::from(self.as_str())
    }
}

impl Typed for Number {
    fn ty() -> Type {
        Type::Number
    }

    fn absent() -> Self {
        Number::from(0_i64)
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        let number = value.as_number().ok_or(Misfit::new("must be a number"))?;
        Ok(number.clone())
    }

    fn write(&self) -> Value {
        Value::Number(self.clone())
    }
}

impl Typed for f64 {
    fn ty() -> Type {
        Type::Number
    }

    fn absent() -> Self {
        0.0
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        Ok(Number::read(value)?.to_f64())
    }

    fn write(&self) -> Value {
        Number::from_f64(*self).map_or(Value::Null(Type::Number), Value::Number)
    }
}

macro_rules! whole_number {
    ($($int:ty: $message:literal),*) => {
        $(impl Typed for $int {
            fn ty() -> Type {
                Type::Number
            }

            fn absent() -> Self {
                0
            }

            fn read(value: &Value) -> Result<Self, Misfit> {
                let whole = Number::read(value)?.as_i64();
                whole.and_then(|whole| whole.try_into().ok()).ok_or(Misfit::new($message))
            }

            fn write(&self) -> Value {
                Value::from(i64::from(*self))
            }
        })*
    };
}

whole_number!(
    i64: "must be a whole number",
    i32: "must be a whole number",
    u32: "must be a whole number of 0 or more",
    u16: "must be a whole number between 0 and 65535",
    u8: "must be a whole number between 0 and 255"
);

/// Any value, of a type that the schema leaves open.
impl Typed for Value {
    fn ty() -> Type {
        Type::Dynamic
    }

    fn absent() -> Self {
        Value::Null(Type::Dynamic)
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        Ok(value.clone())
    }

    fn write(&self) -> Value {
        self.clone()
    }
}

impl<T: Typed> Typed for Option<T> {
    fn ty() -> Type {
        T::ty()
    }

    fn absent() -> Self {
        None
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        match value {
            Value::Null(_) | Value::Unknown(_) => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or_else(|| Value::Null(T::ty()), T::write)
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn ty() -> Type {
        Type::list(T::ty())
    }

    fn absent() -> Self {
        Vec::new()
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        let items = value.as_sequence().ok_or(Misfit::new("must be a list"))?;
        items.iter().map(read_or_absent).collect()
    }

    fn write(&self) -> Value {
        Value::list(T::ty(), self.iter().map(T::write).collect())
    }
}

impl<T: Typed + Ord> Typed for BTreeSet<T> {
    fn ty() -> Type {
        Type::set(T::ty())
    }

    fn absent() -> Self {
        BTreeSet::new()
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        let items = value.as_sequence().ok_or(Misfit::new("must be a set"))?;
        items.iter().map(read_or_absent).collect()
    }

    fn write(&self) -> Value {
        Value::set(T::ty(), self.iter().map(T::write))
    }
}

impl<T: Typed> Typed for BTreeMap<String, T> {
    fn ty() -> Type {
        Type::map(T::ty())
    }

    fn absent() -> Self {
        BTreeMap::new()
    }

    fn read(value: &Value) -> Result<Self, Misfit> {
        let entries = value.as_entries().ok_or(Misfit::new("must be a map"))?;
        let entry = |(key, value): (&strata_core::Text, &Value)| {
            Ok((key.to_string(), read_or_absent(value)?))
        };
        entries.iter().map(entry).collect()
    }

    fn write(&self) -> Value {
        Value::map(
            T::ty(),
            self.iter().map(|(key, item)| (key.as_str(), item.write())),
        )
    }
}
