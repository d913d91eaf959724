//! `ansible_delegated_vars`: the variables of the host that a task is delegated to, under its name.

use std::{collections::BTreeMap, sync::Arc};

use strata_jinja::{Scopes, Variable, Variables, is_omit};
use strata_playbook::{play::Task, variables::HostVariables};

use super::Job;
use crate::{JsonMap, magic::PlayScope, outcome, scope::Watch};

/// The variables with those of the host that the task goes to; none if it goes nowhere.
pub(super) fn with_delegate(job: &Job, variables: &HostVariables) -> Option<HostVariables> {
    let keyword = job.task.keywords.delegate_to.as_ref()?;
    let templar = job.templates.templar(variables);
    // A name that cannot be rendered is told of where the task goes there.
    let name = templar.render(&keyword.value).ok();
    let name = name.filter(|name| !is_omit(name))?;
    let scopes = Delegated {
        name: outcome::text(&name),
        own: job.host.clone(),
        task: job.task.clone(),
        scope: job.scope.clone(),
        local: variables.local.clone(),
        watch: job.templates.watch.clone(),
    };
    let mut all = variables.clone();
    Arc::make_mut(&mut all.stand_ins).extend(reached(&job.scope, &scopes.name));
    let magic: &mut BTreeMap<_, _> = Arc::make_mut(&mut all.magic);
    let scopes = Variable::Scopes(Arc::new(scopes));
    magic.insert("ansible_delegated_vars".to_owned(), scopes);
    Some(all)
}

/// How the host is reached: what the task sees where its own host has no such variables.
fn reached(scope: &PlayScope, name: &str) -> JsonMap {
    let known = scope.table.get(name);
    let said = |key: &&str| known.as_ref()?.inventory.get(*key).cloned();
    let keys = ["ansible_host", "ansible_port", "ansible_user"];
    let mut all: JsonMap = keys
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), said(key)?)))
        .collect();
    let host = all.entry("ansible_host").or_insert_with(|| name.into());
    let host = host.clone();
    all.insert("ansible_ssh_host".to_owned(), host);
    all
}

struct Delegated {
    name: String,
    /// The host that sends the task there.
    own: Arc<str>,
    task: Arc<Task>,
    scope: Arc<PlayScope>,
    local: Arc<JsonMap>,
    watch: Arc<Watch>,
}

impl Scopes for Delegated {
    fn names(&self) -> Vec<String> {
        vec![self.name.clone()]
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Variables>> {
        if name != self.name {
            return None;
        }
        if *self.name != *self.own {
            self.watch.cross();
        }
        let theirs = self.scope.of(name, &self.watch);
        let mut theirs = theirs.for_task(&self.scope.play, &self.task);
        theirs.local = self.local.clone();
        // As in Ansible: it is the name of the host that sends the task.
        let own = Variable::Plain(Arc::new(self.own.to_string().into()));
        Arc::make_mut(&mut theirs.magic).insert("inventory_hostname".to_owned(), own);
        Some(Arc::new(theirs))
    }
}
