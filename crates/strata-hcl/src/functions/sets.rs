//! Sets.

use strata_core::{Type, Value, value::unify};

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, items, later,
};

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
        Returns::By(product_type),
        "Gives all combinations of the elements of several sets or lists.",
        product,
    )
    .variadic(Parameter::new("sets", Kind::Any).shallow()),
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
        &[FIRST.open()],
        Returns::By(common_set),
        "Gives the elements that any of the sets has.",
        union,
    )
    .variadic(OTHERS.open()),
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

fn union(given: Given<'_>, _: &Context<'_>) -> Result_ {
    match given.iter().all(Value::is_known) {
        true => combine(given, |left, right| left.extend(right.iter().cloned())),
        false => Ok(later(common_set(given)?)),
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

/// The type of all combinations, as far as the arguments tell it: their elements need not be known.
fn product_type(given: Given<'_>) -> Result<Type, FunctionError> {
    if given.is_empty() {
        return Ok(Type::Dynamic);
    }
    at_least_two(given)?;
    let mut elements = Vec::new();
    let mut ordered = true;
    for (at, argument) in given.iter().enumerate() {
        let ty = argument.ty();
        ordered &= !matches!(ty, Type::Set(_));
        elements.push(match &ty {
            Type::Tuple(items) => unify(&**items).unwrap_or(Type::Dynamic),
            ty => match ty.element() {
                Some(element) if !matches!(ty, Type::Map(_)) => element.clone(),
                _ if *ty == Type::Dynamic => return Ok(Type::Dynamic),
                _ => return Err(no_collection(at)),
            },
        });
    }
    let element = Type::tuple(elements);
    Ok(match ordered {
        true => Type::list(element),
        false => Type::set(element),
    })
}

fn at_least_two(given: Given<'_>) -> Result<(), FunctionError> {
    match given.len() < 2 {
        true => Err(FunctionError::new("at least two arguments are required")),
        false => Ok(()),
    }
}

/// True if it is known how many elements there are: in a set, some that are not known may turn out to be the same.
fn is_counted(argument: &Value) -> bool {
    match argument {
        Value::Set(..) => argument.is_wholly_known(),
        _ => true,
    }
}

fn no_collection(at: usize) -> FunctionError {
    FunctionError::argument(at, "a set or a list is required")
}

fn product(given: Given<'_>, _: &Context<'_>) -> Result_ {
    at_least_two(given)?;
    if !given.iter().all(is_counted) {
        return Ok(later(product_type(given)?));
    }
    let mut elements = Vec::new();
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    let mut total = 1_usize;
    for (at, argument) in given.iter().enumerate() {
        let invalid = || no_collection(at);
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
        .all(|argument| !matches!(argument, Value::Set(..)));
    Ok(if ordered {
        Value::list(element, rows.collect())
    } else {
        Value::set(element, rows)
    })
}
