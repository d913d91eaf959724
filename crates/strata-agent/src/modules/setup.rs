//! `setup` (`gather_facts`): the host's facts.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::facts::{self, Parts};
use crate::glob;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Setup {
    parts: Parts,
    /// The folder of facts that administrators write, if it is not the usual one.
    own: Option<PathBuf>,
    subset: Vec<String>,
    filter: Vec<String>,
}

impl Module for Setup {
    const SPEC: Spec = Spec::new(
        "setup",
        &[
            Field::list("gather_subset").default("all"),
            Field::list("filter"),
            // Nothing here takes long enough to be given up.
            Field::fixed("gather_timeout", "10"),
            Field::path("fact_path").default(facts::OWN_FACTS),
        ],
    );
    type Current = Map<String, Value>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Setup, ModuleError> {
        let subset = arguments.list("gather_subset").unwrap_or_default();
        let parts = Parts::read(&subset).map_err(|name| {
            ModuleError::new(format!("Bad subset '{name}' given to Ansible. gather_subset options allowed: all, hardware, min, network, virtual"))
        })?;
        let filter = arguments.list("filter").unwrap_or_default();
        Ok(Setup {
            own: arguments
                .path("fact_path")
                .filter(|folder| folder != Path::new(facts::OWN_FACTS)),
            parts,
            subset,
            filter: filter.into_iter().filter(|one| !one.is_empty()).collect(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Map<String, Value>, ModuleError> {
        let facts = facts::gather(host, self.parts)?;
        let patterns: Vec<_> = self
            .filter
            .iter()
            .filter_map(|one| glob::compile(one))
            .collect();
        let mut facts = facts;
        if let (Some(local), Some(folder)) = (facts.get_mut("local"), &self.own) {
            *local = facts::own(host, folder);
        }
        facts.insert("gather_subset".to_owned(), self.subset.clone().into());
        facts.insert("module_setup".to_owned(), true.into());
        let named = facts
            .into_iter()
            .map(|(name, value)| (format!("ansible_{name}"), value));
        let wanted = named.filter(|(name, _)| {
            let bare = name.trim_start_matches("ansible_");
            patterns.is_empty()
                || patterns
                    .iter()
                    .any(|one| one.is_match(name) || one.is_match(bare))
        });
        Ok(wanted.collect())
    }

    fn decide(&self, _current: &Map<String, Value>) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        facts: &Map<String, Value>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({ "ansible_facts": facts }))))
    }
}
