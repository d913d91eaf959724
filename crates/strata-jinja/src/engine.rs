//! The language: minijinja set up as Ansible wants it.

use std::sync::Arc;

use minijinja::{Environment, Error, UndefinedBehavior, syntax::SyntaxConfig};

use crate::{
    Plugin, calls, filters, functions, include, operators, plugins, python, run::Run, tests,
};

/// How many instructions one template may take.
const FUEL: u64 = 20_000_000;

/// The language with all filters, tests and functions; made once and shared.
pub struct Engine {
    pub(crate) environment: Environment<'static>,
    pub(crate) syntax: SyntaxConfig,
    /// Whether conditions need not be boolean.
    pub(crate) lenient: bool,
}

impl Engine {
    /// Makes the language of ansible-core 2.19.
    pub fn new() -> Arc<Self> {
        Self::with(false)
    }

    /// Makes the language; `lenient`: any value may be a condition and counts by Python's truth, as up to
    /// ansible-core 2.18.
    pub fn with(lenient: bool) -> Arc<Self> {
        Self::with_plugins(lenient, &[])
    }

    /// The same with filters and tests that the surroundings do.
    pub fn with_plugins(lenient: bool, own: &[Plugin]) -> Arc<Self> {
        let syntax = syntax_with(true, false);
        let mut environment = Environment::new();
        environment.set_syntax(syntax.clone());
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_fuel(Some(FUEL));
        environment.set_loader(include::refuse);
        environment.set_unknown_method_callback(crate::methods::call);
        environment.set_formatter(|out, state, value| {
            if value.is_undefined() {
                // A condition without `else` gives nothing, which is no mistake; minijinja knows which it is.
                return minijinja::escape_formatter(out, state, value);
            }
            // Nothing beside a value leaves the value as it is.
            if !value.is_none()
                && let Ok(run) = Run::of(state)
            {
                run.emit(value);
            }
            let text = python::checked_output(value)?;
            out.write_str(&text).map_err(Error::from)
        });
        // What we have of a collection goes before its Python; what a project has goes before ours, as in Ansible.
        let (collections, project): (Vec<&Plugin>, Vec<&Plugin>) =
            own.iter().partition(|plugin| plugin.is_of_collection());
        plugins::register(&mut environment, collections.into_iter());
        operators::register(&mut environment);
        calls::register(&mut environment);
        include::register(&mut environment);
        filters::register(&mut environment);
        tests::register(&mut environment);
        functions::register(&mut environment);
        plugins::register(&mut environment, project.into_iter());
        Arc::new(Self {
            environment,
            syntax,
            lenient,
        })
    }
}

/// The usual delimiters.
pub(crate) fn syntax_with(trim_blocks: bool, lstrip_blocks: bool) -> SyntaxConfig {
    SyntaxConfig::builder()
        .trim_blocks(trim_blocks)
        .lstrip_blocks(lstrip_blocks)
        .keep_trailing_newline(false)
        .build()
        .expect("the usual delimiters do not clash")
}
