//! What configuration computes with: values that may be null, unknown or marked, anywhere inside.
//!
//! The model is that of Terraform's type system (go-cty 1.16): a [`Value`] has a [`Type`]; null and
//! unknown are values of every type; lists, sets and maps have one element type, tuples and objects
//! one for each element. Cloning is cheap: everything large is shared.
//!
//! A set holds its elements sorted by [`Value::order`] and without repetition; marks inside a set
//! move to the set itself.

mod convert;
mod entries;
mod marks;
mod number;
mod path;
mod ty;

use std::{cmp::Ordering, fmt, sync::Arc};

pub use convert::{ConvertError, unify};
pub use entries::Entries;
pub use marks::Marks;
pub use number::{Number, ParseNumberError};
pub use path::{AttributePath, PathStep};
/// A text of a value, or a key: up to 23 bytes stand in place, longer ones are shared.
pub use smol_str::SmolStr as Text;
pub use ty::{ObjectAttribute, Type};

/// A value of configuration, plan or state.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// No value, of a type.
    Null(Type),
    /// A value that will be known later.
    Unknown(Arc<Unknown>),
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Unicode text.
    String(Text),
    /// Ordered elements of one type.
    List(Type, Arc<Vec<Value>>),
    /// Distinct elements of one type, sorted by [`Value::order`].
    Set(Type, Arc<Vec<Value>>),
    /// Elements of one type by key.
    Map(Type, Arc<Entries>),
    /// Ordered elements.
    Tuple(Arc<Vec<Value>>),
    /// Named attributes.
    Object(Arc<Entries>),
    /// A value with marks; the inner one is not itself `Marked`, and the marks are not none.
    Marked(Arc<Value>, Marks),
}

/// What is known of an unknown value.
#[derive(Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Its type; [`Type::Dynamic`] if not even that is known.
    pub ty: Type,
    /// True if it will not be null.
    pub not_null: bool,
    /// What a string will begin with.
    pub prefix: Option<Arc<str>>,
    /// The fewest and the most elements a collection will have.
    pub length: Option<(usize, usize)>,
}

impl Value {
    /// A string.
    pub fn string(text: impl Into<Text>) -> Self {
        Value::String(text.into())
    }

    /// A number.
    pub fn number(number: impl Into<Number>) -> Self {
        Value::Number(number.into())
    }

    /// An unknown value of a type.
    pub fn unknown(ty: Type) -> Self {
        Unknown {
            ty,
            not_null: false,
            prefix: None,
            length: None,
        }
        .into()
    }

    /// A list; the caller has converted the elements to `element`.
    pub fn list(element: Type, items: Vec<Value>) -> Self {
        Value::List(element, Arc::new(items))
    }

    /// A set of these elements; sorts them, drops repeated ones and takes their marks over.
    ///
    /// What is equal to an element that is not wholly known cannot be told: all of these stay.
    pub fn set(element: Type, items: impl IntoIterator<Item = Value>) -> Self {
        let mut marks = Marks::NONE;
        let mut items: Vec<Value> = items
            .into_iter()
            .map(|item| item.unmark_deep(&mut marks))
            .collect();
        items.sort_by(Value::order);
        items.dedup_by(|later, earlier| later == earlier && earlier.is_wholly_known());
        Value::Set(element, Arc::new(items)).with_marks(marks)
    }

    /// A map; the caller has converted the elements to `element`.
    pub fn map<K: Into<Text>>(
        element: Type,
        entries: impl IntoIterator<Item = (K, Value)>,
    ) -> Self {
        Value::Map(element, Arc::new(entries.into_iter().collect()))
    }

    /// A tuple.
    pub fn tuple(items: Vec<Value>) -> Self {
        Value::Tuple(Arc::new(items))
    }

    /// An object.
    pub fn object<K: Into<Text>>(attributes: impl IntoIterator<Item = (K, Value)>) -> Self {
        Value::Object(Arc::new(attributes.into_iter().collect()))
    }

    /// The value's type. Costs time in proportion to tuples and objects inside.
    pub fn ty(&self) -> Type {
        match self {
            Value::Null(ty) => ty.clone(),
            Value::Unknown(unknown) => unknown.ty.clone(),
            Value::Bool(_) => Type::Bool,
            Value::Number(_) => Type::Number,
            Value::String(_) => Type::String,
            Value::List(element, _) => Type::list(element.clone()),
            Value::Set(element, _) => Type::set(element.clone()),
            Value::Map(element, _) => Type::map(element.clone()),
            Value::Tuple(items) => Type::tuple(items.iter().map(Value::ty)),
            Value::Object(attributes) => Type::object(
                attributes
                    .iter()
                    .map(|(name, value)| (name.clone(), value.ty())),
            ),
            Value::Marked(value, _) => value.ty(),
        }
    }

    /// The value without its own marks; marks further inside stay.
    pub fn unmarked(&self) -> &Value {
        match self {
            Value::Marked(value, _) => value,
            value => value,
        }
    }

    /// The marks of the value itself, not of what is inside.
    pub fn marks(&self) -> Marks {
        match self {
            Value::Marked(_, marks) => *marks,
            _ => Marks::NONE,
        }
    }

    /// Adds marks.
    #[must_use]
    pub fn with_marks(self, marks: Marks) -> Value {
        match self {
            value if marks.is_none() => value,
            Value::Marked(value, before) => Value::Marked(value, before | marks),
            value => Value::Marked(Arc::new(value), marks),
        }
    }

    /// Marks it as sensitive.
    #[must_use]
    pub fn sensitive(self) -> Value {
        self.with_marks(Marks::SENSITIVE)
    }

    /// Takes all marks away, here and inside, and adds them to `marks`.
    #[must_use]
    pub fn unmark_deep(&self, marks: &mut Marks) -> Value {
        if !self.is_marked_deep() {
            return self.clone();
        }
        *marks |= self.marks();
        self.unmarked()
            .map_children(|_, child| child.unmark_deep(marks))
    }

    /// Takes all marks away and says where each was.
    pub fn unmark_paths(&self) -> (Value, Vec<(AttributePath, Marks)>) {
        let mut found = Vec::new();
        let value = unmark_paths(self, &AttributePath::root(), &mut found);
        (value, found)
    }

    /// Puts marks back where [`Value::unmark_paths`] found them; paths that lead nowhere mark what contains them.
    #[must_use]
    pub fn mark_paths(&self, paths: &[(AttributePath, Marks)]) -> Value {
        paths.iter().fold(self.clone(), |value, (path, marks)| {
            mark_path(&value, &path.0, *marks)
        })
    }

    /// True if it, or something inside, has a mark.
    pub fn is_marked_deep(&self) -> bool {
        matches!(self, Value::Marked(..)) || self.any_child(Value::is_marked_deep)
    }

    /// All marks, its own and those inside.
    pub fn marks_deep(&self) -> Marks {
        let mut all = self.marks();
        self.unmarked().any_child(|child| {
            all |= child.marks_deep();
            false
        });
        all
    }

    /// True for null, marked or not.
    pub fn is_null(&self) -> bool {
        matches!(self.unmarked(), Value::Null(_))
    }

    /// True if the value itself is known; parts inside may be unknown.
    pub fn is_known(&self) -> bool {
        !matches!(self.unmarked(), Value::Unknown(_))
    }

    /// True if it and everything inside is known.
    pub fn is_wholly_known(&self) -> bool {
        self.is_known() && !self.unmarked().any_child(|child| !child.is_wholly_known())
    }

    /// True if it and everything inside is known, and nothing has a mark.
    pub fn is_plain(&self) -> bool {
        match self {
            Value::Marked(..) | Value::Unknown(_) => false,
            value => !value.any_child(|child| !child.is_plain()),
        }
    }

    /// The text of a known string, marked or not.
    pub fn as_str(&self) -> Option<&str> {
        match self.unmarked() {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth of a known bool, marked or not.
    pub fn as_bool(&self) -> Option<bool> {
        match self.unmarked() {
            Value::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    /// A known number, marked or not.
    pub fn as_number(&self) -> Option<&Number> {
        match self.unmarked() {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The elements of a known list, set or tuple, marked or not.
    pub fn as_sequence(&self) -> Option<&[Value]> {
        match self.unmarked() {
            Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a known map or object, marked or not.
    pub fn as_entries(&self) -> Option<&Entries> {
        match self.unmarked() {
            Value::Map(_, entries) | Value::Object(entries) => Some(entries),
            _ => None,
        }
    }

    /// One entry of a known map or object; does not carry the container's marks.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.as_entries()?.get(name)
    }

    /// True if `test` holds for anything directly inside; makes no steps, so that asking large values is cheap.
    fn any_child(&self, test: impl FnMut(&Value) -> bool) -> bool {
        match self {
            Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
                items.iter().any(test)
            }
            Value::Map(_, entries) | Value::Object(entries) => entries.values().any(test),
            _ => false,
        }
    }

    /// What is directly inside, with the step that leads there. Nothing for marked values: unmark first.
    pub fn children(&self) -> Box<dyn Iterator<Item = (PathStep, &Value)> + '_> {
        match self {
            Value::List(_, items) | Value::Tuple(items) => Box::new(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| (PathStep::Index(Number::from(at)), item)),
            ),
            Value::Set(_, items) => Box::new(items.iter().map(|item| (PathStep::Element, item))),
            Value::Map(_, entries) => Box::new(
                entries
                    .iter()
                    .map(|(key, item)| (PathStep::Key(key.clone()), item)),
            ),
            Value::Object(attributes) => Box::new(
                attributes
                    .iter()
                    .map(|(name, item)| (PathStep::Attribute(name.clone()), item)),
            ),
            _ => Box::new(std::iter::empty()),
        }
    }

    /// The same value with `change` made to everything directly inside, keeping its own marks.
    #[must_use]
    pub fn map_children(&self, mut change: impl FnMut(PathStep, &Value) -> Value) -> Value {
        match self {
            Value::Marked(value, marks) => value.map_children(change).with_marks(*marks),
            Value::List(element, items) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| change(PathStep::Index(Number::from(at)), item));
                Value::list(element.clone(), items.collect())
            }
            Value::Tuple(items) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| change(PathStep::Index(Number::from(at)), item));
                Value::tuple(items.collect())
            }
            Value::Set(element, items) => Value::set(
                element.clone(),
                items.iter().map(|item| change(PathStep::Element, item)),
            ),
            Value::Map(element, entries) => {
                let item = |key: &Text, item: &Value| change(PathStep::Key(key.clone()), item);
                Value::Map(element.clone(), Arc::new(entries.map_values(item)))
            }
            Value::Object(attributes) => {
                let item =
                    |name: &Text, item: &Value| change(PathStep::Attribute(name.clone()), item);
                Value::Object(Arc::new(attributes.map_values(item)))
            }
            leaf => leaf.clone(),
        }
    }

    /// What a path leads to; none if it leads nowhere. Marks on the way are not carried along.
    pub fn at(&self, path: &[PathStep]) -> Option<&Value> {
        let Some((step, rest)) = path.split_first() else {
            return Some(self);
        };
        let child = match (self.unmarked(), step) {
            (Value::Object(entries), PathStep::Attribute(name)) => entries.get(name)?,
            (Value::Map(_, entries), PathStep::Key(name) | PathStep::Attribute(name)) => {
                entries.get(name)?
            }
            (Value::List(_, items) | Value::Tuple(items), PathStep::Index(index)) => {
                items.get(index.as_usize()?)?
            }
            _ => return None,
        };
        child.at(rest)
    }

    /// A total order that holds for values of one type: strings by code point, numbers by size, false before true.
    ///
    /// Null comes first, unknown last; containers compare element by element. Marks do not count.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self.unmarked(), other.unmarked()) {
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::Number(left), Value::Number(right)) => left.cmp(right),
            (Value::String(left), Value::String(right)) => left.cmp(right),
            (
                Value::List(_, left) | Value::Set(_, left) | Value::Tuple(left),
                Value::List(_, right) | Value::Set(_, right) | Value::Tuple(right),
            ) => order_all(left.iter(), right.iter(), |left, right| left.order(right)),
            (
                Value::Map(_, left) | Value::Object(left),
                Value::Map(_, right) | Value::Object(right),
            ) => order_all(left.iter(), right.iter(), |left, right| {
                left.0.cmp(right.0).then_with(|| left.1.order(right.1))
            }),
            (left, right) => left.rank().cmp(&right.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            // After all else, as in the sets of Terraform.
            Value::Null(_) => 7,
            Value::Bool(_) => 1,
            Value::Number(_) => 2,
            Value::String(_) => 3,
            Value::List(..) | Value::Set(..) | Value::Tuple(_) => 4,
            Value::Map(..) | Value::Object(_) => 5,
            Value::Unknown(_) => 6,
            Value::Marked(value, _) => value.rank(),
        }
    }
}

fn order_all<T>(
    mut left: impl Iterator<Item = T>,
    mut right: impl Iterator<Item = T>,
    order: impl Fn(&T, &T) -> Ordering,
) -> Ordering {
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match order(&left, &right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

fn unmark_paths(
    value: &Value,
    path: &AttributePath,
    found: &mut Vec<(AttributePath, Marks)>,
) -> Value {
    if !value.is_marked_deep() {
        return value.clone();
    }
    if !value.marks().is_none() {
        found.push((path.clone(), value.marks()));
    }
    value
        .unmarked()
        .map_children(|step, child| unmark_paths(child, &path.then(step), found))
}

fn mark_path(value: &Value, path: &[PathStep], marks: Marks) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return value.clone().with_marks(marks);
    };
    if matches!(first, PathStep::Element) || value.at(std::slice::from_ref(first)).is_none() {
        // There is nothing there to carry the mark, or no way to say which; what contains it must.
        return if value.is_null() {
            value.clone()
        } else {
            value.clone().with_marks(marks)
        };
    }
    value.map_children(|step, child| {
        if step == *first {
            mark_path(child, rest, marks)
        } else {
            child.clone()
        }
    })
}

impl From<Unknown> for Value {
    fn from(unknown: Unknown) -> Self {
        Value::Unknown(Arc::new(unknown))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Value::Bool(truth)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Value::String(text.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(Number::from(number))
    }
}

impl fmt::Debug for Value {
    /// Writes a short form for tests; sensitive values are masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null(ty) => write!(f, "null({ty})"),
            Value::Unknown(unknown) => write!(f, "unknown({})", unknown.ty),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::String(text) => write!(f, "{text:?}"),
            Value::List(element, items) => write!(f, "list({element}){items:?}"),
            Value::Set(element, items) => write!(f, "set({element}){items:?}"),
            Value::Map(element, entries) => write!(f, "map({element}){entries:?}"),
            Value::Tuple(items) => write!(f, "{items:?}"),
            Value::Object(attributes) => write!(f, "{attributes:?}"),
            Value::Marked(_, marks) if marks.contains(Marks::SENSITIVE) => write!(f, "(sensitive)"),
            Value::Marked(value, _) => write!(f, "marked({value:?})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_small() {
        // Collections hold many values; what few of them need stands behind a pointer.
        assert!(size_of::<Type>() <= 16, "{}", size_of::<Type>());
        assert!(size_of::<Value>() <= 32, "{}", size_of::<Value>());
    }

    #[test]
    fn texts_are_the_same_wherever_they_are_kept() {
        for length in [0, 1, 22, 23, 24, 500] {
            let text = "é".repeat(length / 2) + &"x".repeat(length % 2);
            let shared: Arc<str> = text.as_str().into();
            let (one, other) = (Value::string(shared.clone()), Value::from(text.as_str()));
            assert_eq!(one, other);
            assert_eq!(one.order(&other), Ordering::Equal);
            assert_eq!(one.as_str(), Some(&*text));
            let entries = Entries::from([(shared, one)]);
            assert_eq!(entries.get(&text), Some(&other));
        }
    }

    #[test]
    fn a_set_is_sorted_distinct_and_carries_the_marks_of_its_elements() {
        let set = Value::set(
            Type::String,
            ["b", "a", "b"].map(Value::from).map(|v| {
                if v.as_str() == Some("a") {
                    v.sensitive()
                } else {
                    v
                }
            }),
        );
        assert!(set.marks().contains(Marks::SENSITIVE));
        assert_eq!(set.as_sequence().unwrap(), ["a", "b"].map(Value::from));
    }

    #[test]
    fn marks_come_off_and_go_back_where_they_were() {
        let value = Value::object([
            ("a", Value::from("x").sensitive()),
            ("b", Value::list(Type::String, vec![Value::from("y")])),
        ]);
        let (plain, paths) = value.unmark_paths();
        assert!(!plain.is_marked_deep());
        assert_eq!(paths, [(AttributePath::attribute("a"), Marks::SENSITIVE)]);
        assert_eq!(plain.mark_paths(&paths), value);
    }

    #[test]
    fn sensitive_values_do_not_show_in_debug_output() {
        assert_eq!(
            format!(
                "{:?}",
                Value::object([("password", Value::from("hunter2").sensitive())])
            ),
            r#"{"password": (sensitive)}"#
        );
    }
}
