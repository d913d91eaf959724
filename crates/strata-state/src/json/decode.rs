//! JSON to values, by type.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use strata_core::{Number, Text, Type, Value, value::Entries};

use super::ty::type_from_json;

/// Why JSON text is no value of a type.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(#[from] serde_json::Error);

/// Reads a value of a type. Attributes that an object lacks become null, those it should not have are passed over.
pub fn decode(text: &str, ty: &Type) -> Result<Value, JsonError> {
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Seed(ty).deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

struct Seed<'t>(&'t Type);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        match self.0 {
            Type::Dynamic => dynamic(json),
            Type::Bool => {
                Ok(Option::deserialize(json)?.map_or(Value::Null(Type::Bool), Value::Bool))
            }
            Type::Number => number(json),
            Type::String => {
                let text: Option<Borrowed<'de>> = Option::deserialize(json)?;
                Ok(text.map_or(Value::Null(Type::String), |text| Value::string(&*text.0)))
            }
            ty => json.deserialize_any(Container(ty)),
        }
    }
}

/// Text that is part of what is read, where nothing in it is escaped. (In an `Option`, a `Cow` would be a copy always.)
#[derive(Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(borrow)]
    value: &'a RawValue,
    #[serde(rename = "type", borrow)]
    ty: &'a RawValue,
}

/// The type that a text names; most are plain ones.
fn ty(text: &str) -> Option<Type> {
    match text {
        "\"string\"" => Some(Type::String),
        "\"number\"" => Some(Type::Number),
        "\"bool\"" => Some(Type::Bool),
        text => type_from_json(&serde_json::from_str(text).ok()?),
    }
}

fn dynamic<'de, D: Deserializer<'de>>(json: D) -> Result<Value, D::Error> {
    let Some(typed) = Option::<Typed<'de>>::deserialize(json)? else {
        return Ok(Value::Null(Type::Dynamic));
    };
    let ty = ty(typed.ty.get()).ok_or_else(|| D::Error::custom("not a type"))?;
    decode(typed.value.get(), &ty).map_err(D::Error::custom)
}

fn number<'de, D: Deserializer<'de>>(json: D) -> Result<Value, D::Error> {
    let raw = <&'de RawValue>::deserialize(json)?;
    match raw.get() {
        "null" => Ok(Value::Null(Type::Number)),
        text => {
            let number: Result<Number, _> = text.trim_matches('"').parse();
            number
                .map(Value::Number)
                .map_err(|_| D::Error::custom("not a number"))
        }
    }
}

struct Container<'t>(&'t Type);

impl<'de> Visitor<'de> for Container<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.friendly_name())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null(self.0.clone()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        match self.0 {
            Type::List(element) => Ok(Value::list((**element).clone(), all(&mut items, element)?)),
            Type::Set(element) => Ok(Value::set((**element).clone(), all(&mut items, element)?)),
            Type::Tuple(types) => {
                let mut values = Vec::with_capacity(types.len());
                for ty in types.iter() {
                    let value = items.next_element_seed(Seed(ty))?;
                    values.push(value.ok_or_else(|| A::Error::custom("too few elements"))?);
                }
                match items.next_element::<serde::de::IgnoredAny>()? {
                    None => Ok(Value::tuple(values)),
                    Some(_) => Err(A::Error::custom("too many elements")),
                }
            }
            ty => Err(A::Error::custom(format!("{} expected", ty.friendly_name()))),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        match self.0 {
            Type::Map(element) => {
                let mut values: Vec<(Text, Value)> = Vec::new();
                while let Some(key) = entries.next_key::<Borrowed<'de>>()? {
                    values.push(((*key.0).into(), entries.next_value_seed(Seed(element))?));
                }
                Ok(Value::map((**element).clone(), values))
            }
            Type::Object(attributes) => {
                // As we write it, the attributes come sorted.
                let mut values = Entries::with_capacity(attributes.len());
                while let Some(key) = entries.next_key::<Borrowed<'de>>()? {
                    match attributes.get_key_value(&*key.0) {
                        Some((name, attribute)) => {
                            let value = entries.next_value_seed(Seed(&attribute.ty))?;
                            values.insert(name.clone(), value);
                        }
                        None => {
                            entries.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                for (name, attribute) in attributes.iter() {
                    if !values.contains_key(name) {
                        values.insert(name.clone(), Value::Null(attribute.ty.clone()));
                    }
                }
                Ok(Value::Object(Arc::new(values)))
            }
            ty => Err(A::Error::custom(format!("{} expected", ty.friendly_name()))),
        }
    }
}

fn all<'de, A: SeqAccess<'de>>(items: &mut A, element: &Type) -> Result<Vec<Value>, A::Error> {
    let mut values = Vec::new();
    while let Some(value) = items.next_element_seed(Seed(element))? {
        values.push(value);
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::{super::encode, *};

    fn round_trip(text: &str, ty: &Type) {
        assert_eq!(encode(&decode(text, ty).unwrap(), ty), text);
    }

    #[test]
    fn numbers_stay_exact() {
        round_trip("12345678901234567890.125", &Type::Number);
        round_trip(
            "[-1,0.1,123456789012345678901234567890]",
            &Type::list(Type::Number),
        );
    }

    #[test]
    fn dynamic_parts_carry_their_type() {
        let ty = Type::object([("a", Type::Dynamic), ("b", Type::Dynamic)]);
        round_trip(
            r#"{"a":{"value":["x",true],"type":["tuple",["string","bool"]]},"b":null}"#,
            &ty,
        );
    }

    #[test]
    fn missing_attributes_are_null_and_strange_ones_are_passed_over() {
        let ty = Type::object([("a", Type::String), ("b", Type::map(Type::Bool))]);
        let value = decode(r#"{"z":[1],"b":{"k":true}}"#, &ty).unwrap();
        assert_eq!(encode(&value, &ty), r#"{"a":null,"b":{"k":true}}"#);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, ty) in [
            ("[1]", Type::tuple([])),
            ("{}", Type::list(Type::Bool)),
            ("1 2", Type::Number),
            ("\"a\"", Type::Number),
            (r#"{"value":1,"type":"nonsense"}"#, Type::Dynamic),
        ] {
            assert!(decode(text, &ty).is_err(), "{text}");
        }
    }
}
