//! Filters and tests that a project brings along: the surroundings do them.

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Kwargs, Rest},
};
use serde_json::{Map, Value as Json};

use crate::{convert, run::Run};

/// A filter or a test of a project.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plugin {
    /// Used as `value | NAME`.
    Filter(String),
    /// Used as `value is NAME`.
    Test(String),
}

impl Plugin {
    /// True for one of a collection, which goes by its full name.
    pub(crate) fn is_of_collection(&self) -> bool {
        let (Self::Filter(name) | Self::Test(name)) = self;
        name.contains('.')
    }
}

/// Adds plugins, before or in the place of others of their names.
pub(crate) fn register<'p>(
    environment: &mut Environment<'static>,
    plugins: impl Iterator<Item = &'p Plugin>,
) {
    for plugin in plugins {
        let own = plugin.clone();
        match plugin {
            Plugin::Filter(name) => environment.add_filter(
                name.clone(),
                move |state: &mut State<'_, '_>,
                      value: &Value,
                      arguments: Rest<Value>,
                      named: Kwargs|
                      -> Result<Value, Error> {
                    let mut given = vec![value.clone()];
                    given.extend(arguments.0);
                    Ok(convert::from_json(&call(state, &own, &given, &named)?))
                },
            ),
            Plugin::Test(name) => environment.add_test(
                name.clone(),
                move |state: &mut State<'_, '_>,
                      arguments: Rest<Value>,
                      named: Kwargs|
                      -> Result<bool, Error> {
                    let said = call(state, &own, &arguments, &named)?;
                    Ok(convert::from_json(&said).is_true())
                },
            ),
        }
    }
}

fn call(
    state: &State<'_, '_>,
    plugin: &Plugin,
    arguments: &[Value],
    named: &Kwargs,
) -> Result<Json, Error> {
    if arguments.iter().any(Value::is_undefined) {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let plain: Result<Vec<Json>, Error> = arguments.iter().map(convert::to_json).collect();
    let mut given = Map::new();
    for name in named.args() {
        let value: Value = named.get(name)?;
        given.insert(name.to_owned(), convert::to_json(&value)?);
    }
    let surroundings = &Run::of(state)?.templar.surroundings;
    let done = surroundings.plugin(plugin, &plain?, &given);
    done.map_err(|reason| Error::new(ErrorKind::InvalidOperation, reason))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::Arc;

    use serde_json::json;
    use strata_core::files::{Files, MemoryFiles};

    use super::*;
    use crate::{Engine, Now, Surroundings, Templar, Variable};

    /// Says what it was asked.
    #[derive(Default)]
    struct Echo(MemoryFiles);

    impl Surroundings for Echo {
        fn files(&self) -> &dyn Files {
            &self.0
        }

        fn search_folders(&self) -> Vec<PathBuf> {
            Vec::new()
        }

        fn environment_variable(&self, _name: &str) -> Option<String> {
            None
        }

        fn now(&self) -> Now {
            Now {
                seconds: 0,
                nanoseconds: 0,
                offset_seconds: 0,
            }
        }

        fn random(&self) -> u64 {
            4
        }

        fn plugin(
            &self,
            plugin: &Plugin,
            arguments: &[Json],
            named: &Map<String, Json>,
        ) -> Result<Json, String> {
            match plugin {
                Plugin::Filter(name) => Ok(json!([name, arguments, named])),
                Plugin::Test(_) => Ok(json!(arguments[0] == 1)),
            }
        }
    }

    #[test]
    fn a_projects_filters_and_tests_get_their_arguments() {
        let plugins = [
            Plugin::Filter("shout".to_owned()),
            Plugin::Test("one".to_owned()),
        ];
        let engine = Engine::with_plugins(false, &plugins);
        let templar = Templar::new(
            &engine,
            Arc::new(BTreeMap::<String, Variable>::new()),
            Arc::new(Echo::default()),
        );
        let check = |text: &str, expected: Json| {
            assert_eq!(templar.expression(text).unwrap(), expected, "{text}");
        };
        check(
            "'a' | shout(2, times=3)",
            json!(["shout", ["a", 2], {"times": 3}]),
        );
        check("[1 is one, 2 is one]", json!([true, false]));
    }

    #[test]
    fn what_we_have_of_a_collection_goes_before_its_python() {
        let plugins = ["a.b.c", "ansible.utils.ipaddr"].map(|name| Plugin::Filter(name.to_owned()));
        let templar = Templar::new(
            &Engine::with_plugins(false, &plugins),
            Arc::new(BTreeMap::<String, Variable>::new()),
            Arc::new(Echo::default()),
        );
        let given = |text: &str| templar.expression(text).unwrap();
        assert_eq!(given("1 | a.b.c"), json!(["a.b.c", [1], {}]));
        assert_eq!(given("'1.2.3.4' | ansible.utils.ipaddr"), "1.2.3.4");
    }
}
