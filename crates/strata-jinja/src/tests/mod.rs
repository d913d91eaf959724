//! The tests (`x is NAME`) that Ansible adds to Jinja, or that mean something else there.

mod addresses;
mod paths;
mod regex;
mod results;
mod uri;
mod values;
mod version;

use minijinja::{
    Environment,
    functions::Function,
    value::{FunctionArgs, FunctionResult},
};

/// Adds all tests.
pub(crate) fn register(environment: &mut Environment<'static>) {
    values::register(environment);
    results::register(environment);
    uri::register(environment);
    regex::register(environment);
    version::register(environment);
    paths::register(environment);
    addresses::register(environment);
}

/// Adds a test under its short and its full name.
fn add<F, Rv, Args>(environment: &mut Environment<'static>, name: &'static str, test: F)
where
    F: Function<Rv, Args> + Copy,
    Rv: FunctionResult,
    Args: for<'a> FunctionArgs<'a>,
{
    environment.add_test(name, test);
    environment.add_test(format!("ansible.builtin.{name}"), test);
}
