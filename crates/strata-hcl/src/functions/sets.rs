//! Sets.

use strata_core::{Type, Value, value::unify};

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, items};

const FIRST: Parameter = Parameter::new("first_set", Kind::Set);
const OTHERS: Parameter = Parameter::new("other_sets", Kind::Set);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "setintersection",
        &[FIRST],
        Returns::By(common_set),
        "Gives the elements that all sets have.",
        |given, _| combine(given, |left, right| left.retain(|item| holds(right, item))),
    )
    .variadic(OTHERS),
    Function::new(
        "setproduct",
        &[],
        Returns::Dynamic,
        "Gives all combinations of the elements of several sets or lists.",
        product,
    )
    .variadic(Parameter::new("sets", Kind::Any)),
    Function::new(
        "setsubtract",
        &[
            Parameter::new("a", Kind::Set),
            Parameter::new("b", Kind::Set),
        ],
        Returns::By(common_set),
        "Gives the elements of one set that another lacks.",
        |given, _| combine(given, |left, right| left.retain(|item| !holds(right, item))),
    ),
    Function::new(
        "setunion",
        &[FIRST],
        Returns::By(common_set),
        "Gives the elements that any of the sets has.",
        |given, _| combine(given, |left, right| left.extend(right.iter().cloned())),
    )
    .variadic(OTHERS),
];

fn holds(sorted: &[Value], item: &Value) -> bool {
    sorted.binary_search_by(|probe| probe.order(item)).is_ok()
}

fn common_set(given: Given<'_>) -> Result<Type, FunctionError> {
    let elements: Vec<Type> = given
        .iter()
        .filter(|set| !matches!(set, Value::Set(Type::Dynamic, items) if items.is_empty()))
        .filter_map(|set| set.ty().element().cloned())
        .collect();
    match unify(&elements) {
        Some(element) => Ok(Type::set(element)),
        None => Err(FunctionError::new("the sets have no common element type")),
    }
}

fn combine(given: Given<'_>, change: fn(&mut Vec<Value>, &[Value])) -> Result_ {
    let ty = common_set(given)?;
    let convert = |(at, set): (usize, &Value)| {
        set.convert(&ty)
            .map_err(|error| FunctionError::argument(at, error.to_string()))
    };
    let sets = given
        .iter()
        .enumerate()
        .map(convert)
        .collect::<Result<Vec<_>, _>>()?;
    let mut result = items(&sets, 0).to_vec();
    for at in 1..sets.len() {
        change(&mut result, items(&sets, at));
    }
    let element = ty.element().cloned().unwrap_or(Type::Dynamic);
    Ok(Value::set(element, result))
}

/// How many combinations are made at most; more would only fill memory.
const MAX_PRODUCT: usize = 10_000_000;

fn product(given: Given<'_>, _: &Context<'_>) -> Result_ {
    if given.len() < 2 {
        return Err(FunctionError::new("at least two arguments are required"));
    }
    let mut elements = Vec::new();
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut total = 1_usize;
    for (at, argument) in given.iter().enumerate() {
        let invalid = || FunctionError::argument(at, "a set or a list is required");
        let column = argument
            .convert(&Type::list(Type::Dynamic))
            .map_err(|_| invalid())?;
        let Value::List(element, column) = column else {
            return Err(invalid());
        };
        elements.push(element);
        total = total.saturating_mul(column.len());
        if total > MAX_PRODUCT {
            return Err(FunctionError::new(format!(
                "more than {MAX_PRODUCT} combinations"
            )));
        }
        rows = rows
            .iter()
            .flat_map(|row| {
                column
                    .iter()
                    .map(move |item| [row.as_slice(), std::slice::from_ref(item)].concat())
            })
            .collect();
    }
    let rows = rows.into_iter().map(Value::tuple);
    let element = Type::tuple(elements);
    let ordered = given
        .iter()
        .any(|argument| !matches!(argument, Value::Set(..)));
    Ok(if ordered {
        Value::list(element, rows.collect())
    } else {
        Value::set(element, rows)
    })
}
