//! What a play's own keywords say: its hosts and their batches, whether facts are gathered.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use strata_core::{Diagnostic, Diagnostics};
use strata_jinja::Templar;
use strata_playbook::{
    play::{Action, Keywords, LoopControl, Order, Play, Spanned, Task},
    variables::{self, HostVariables},
};

use super::Run;
use crate::{Gathering, JsonMap, outcome::text, scope::Watch, task::boolean};

/// What a play's own keywords say.
pub(super) struct PlayFacts {
    pub(super) name: String,
    /// Its hosts, in its own order.
    pub(super) hosts: Vec<Arc<str>>,
    /// The same in the order of the inventory, as `ansible_play_hosts` has them.
    pub(super) listed: Vec<Arc<str>>,
    pub(super) serial: Vec<String>,
    pub(super) force_handlers: bool,
    pub(super) max_fail_percentage: Option<f64>,
    pub(super) gather: Option<Arc<Task>>,
}

pub(crate) fn unusable(what: &str, reason: &str, at: &Spanned<Json>) -> Diagnostic {
    Diagnostic::error("bad-play-keyword", format!("`{what}` cannot be used"))
        .detail(reason)
        .at(at.span.clone())
}

impl Run<'_> {
    /// What a play's own keywords say, rendered without any host.
    pub(super) fn play_facts(&self, play: &Arc<Play>) -> Result<PlayFacts, Diagnostics> {
        let templar = self.play_templar(play);
        let mut diags = Diagnostics::new();
        let pattern = match templar.render(&play.hosts.value) {
            Ok(Json::Array(parts)) => parts.iter().map(text).collect::<Vec<_>>().join(","),
            Ok(value) => text(&value),
            Err(error) => {
                diags.push(unusable("hosts", &error.to_string(), &play.hosts));
                String::new()
            }
        };
        let listed = self.matching(play, &pattern).unwrap_or_else(|diagnostic| {
            diags.push(*diagnostic);
            Vec::new()
        });
        let name = match templar.render(&play.name.value) {
            // A play without a name goes by its hosts.
            Ok(Json::Array(_)) => pattern.clone(),
            Ok(name) => text(&name),
            Err(error) => {
                diags.push(unusable("name", &error.to_string(), &play.name));
                String::new()
            }
        };
        let mut flag =
            |keyword: Option<&Spanned<Json>>, what: &str| match boolean(&templar, keyword) {
                Ok(value) => value,
                Err(error) => {
                    let span = keyword.expect("only what is there can be wrong");
                    diags.push(unusable(what, &error.to_string(), span));
                    None
                }
            };
        let force = flag(play.force_handlers.as_ref(), "force_handlers");
        let usual = self.shared.options.gathering != Gathering::Explicit;
        let gather = flag(play.gather_facts.as_ref(), "gather_facts").unwrap_or(usual);
        let mut serial = Vec::new();
        for said in &play.serial {
            match templar.render(&said.value) {
                // All of it may come from one template.
                Ok(Json::Array(sizes)) => serial.extend(sizes.iter().map(text)),
                Ok(size) => serial.push(text(&size)),
                Err(error) => diags.push(unusable("serial", &error.to_string(), said)),
            }
        }
        let mut number = |keyword: &Spanned<Json>, what: &str| match templar.render(&keyword.value)
        {
            Ok(value) => Some(text(&value)),
            Err(error) => {
                diags.push(unusable(what, &error.to_string(), keyword));
                None
            }
        };
        let most = play.max_fail_percentage.as_ref();
        let most = most.and_then(|most| number(most, "max_fail_percentage"));
        let facts = PlayFacts {
            name,
            hosts: ordered(listed.clone(), play.order),
            listed,
            serial,
            force_handlers: force.unwrap_or(self.shared.options.force_handlers),
            max_fail_percentage: most
                .and_then(|most| most.trim_end_matches('%').trim().parse().ok()),
            gather: gather.then(|| Arc::new(gathering(play))),
        };
        diags.into_result(facts)
    }

    fn play_templar(&self, play: &Arc<Play>) -> Templar {
        self.play_templar_with(play, JsonMap::new())
    }

    /// A templar for what a play says without any host, with further values.
    pub(super) fn play_templar_with(&self, play: &Arc<Play>, values: JsonMap) -> Templar {
        let inventory = self.shared.table.inventory();
        let groups = Arc::new(variables::groups(&inventory));
        let variables = HostVariables {
            local: Arc::new(values),
            play_vars: vec![play.vars.clone(), self.answers(play)],
            extra_vars: self.shared.options.load.extra_vars.clone(),
            magic: Arc::new(variables::magic(&inventory, &groups, "localhost", play)),
            merge_hashes: self.shared.options.load.merge_hashes,
            ..HostVariables::default()
        };
        self.templates(play, Watch::new(None)).templar(&variables)
    }

    /// The hosts of a play, in the order of the inventory.
    fn matching(&self, play: &Play, pattern: &str) -> Result<Vec<Arc<str>>, Box<Diagnostic>> {
        let inventory = self.shared.table.inventory();
        let find = |pattern: &str| {
            inventory.matching(pattern).map_err(|reason| {
                Box::new(
                    Diagnostic::error(
                        "bad-host-pattern",
                        format!("the host pattern `{pattern}` cannot be used"),
                    )
                    .detail(reason)
                    .at(play.hosts.span.clone()),
                )
            })
        };
        let mut names = find(pattern)?;
        if let Some(limit) = &self.shared.options.limit {
            let allowed = find(limit)?;
            names.retain(|name| allowed.contains(name));
        }
        if names.is_empty() {
            let warning = Diagnostic::warning(
                "no-hosts-matched",
                format!("no host matches `{pattern}`, the play is left out"),
            );
            self.shared
                .events
                .diagnostic(warning.at(play.hosts.span.clone()));
        }
        Ok(names.into_iter().map(Arc::from).collect())
    }
}

fn ordered(mut names: Vec<Arc<str>>, order: Order) -> Vec<Arc<str>> {
    match order {
        Order::Inventory => {}
        Order::ReverseInventory => names.reverse(),
        Order::Sorted => names.sort(),
        Order::ReverseSorted => {
            names.sort();
            names.reverse();
        }
        Order::Shuffle => names.sort_by_cached_key(|name| {
            use std::hash::BuildHasher;
            std::hash::RandomState::new().hash_one(name)
        }),
    }
    names
}

/// Divides the hosts of a play by its `serial`: numbers and shares, of which the last repeats.
pub(super) fn batches(facts: &PlayFacts, play: &Play) -> Result<Vec<Vec<Arc<str>>>, Diagnostics> {
    let mut rest = &facts.hosts[..];
    let mut batches = Vec::new();
    let mut sizes = facts.serial.iter();
    let mut size = 0;
    while !rest.is_empty() {
        if let Some(serial) = sizes.next() {
            size = batch_size(serial, facts.hosts.len()).ok_or_else(|| {
                let at = &play.serial[0];
                unusable(
                    "serial",
                    &format!("`{serial}` is neither a number nor a percentage"),
                    at,
                )
            })?;
        }
        let take = if size == 0 {
            rest.len()
        } else {
            size.min(rest.len())
        };
        let (batch, later) = rest.split_at(take);
        batches.push(batch.to_vec());
        rest = later;
    }
    Ok(batches)
}

/// A share is at least one host; 0 means all.
fn batch_size(serial: &str, all: usize) -> Option<usize> {
    match serial.trim().strip_suffix('%') {
        Some(share) => {
            let share: f64 = share.trim().parse().ok()?;
            Some(((share / 100.0 * all as f64) as usize).max(1))
        }
        None => serial
            .trim()
            .parse::<i64>()
            .ok()
            .map(|size| size.max(0) as usize),
    }
}

/// The task that gathers a play's facts.
fn gathering(play: &Play) -> Task {
    let mut arguments = JsonMap::new();
    let said = [
        ("gather_subset", &play.gather_subset),
        ("gather_timeout", &play.gather_timeout),
        ("fact_path", &play.fact_path),
    ];
    for (name, value) in said {
        if let Some(value) = value {
            arguments.insert(name.to_owned(), value.value.clone());
        }
    }
    let spanned = |value: Json| Spanned {
        value,
        span: play.span.clone(),
    };
    let keywords = Keywords {
        tags: vec![spanned(json!("always"))],
        // The play's conditions of failure are for its tasks; facts are gathered even in check mode.
        ..(*play.keywords).clone()
    };
    Task {
        name: Some(spanned(json!("Gathering Facts"))),
        written: "gather_facts".to_owned(),
        action: Action::Module {
            name: Spanned {
                value: "setup".to_owned(),
                span: play.span.clone(),
            },
            arguments: spanned(Json::Object(arguments)),
        },
        inherited: play.keywords.clone(),
        keywords: Arc::new(keywords),
        r#loop: None,
        loop_control: LoopControl::default(),
        register: None,
        notify: Vec::new(),
        changed_when: None,
        failed_when: None,
        until: None,
        retries: None,
        delay: None,
        r#async: None,
        poll: None,
        role: None,
        folder: play.folder.clone(),
        include_parameters: Vec::new(),
        implicit: false,
        span: play.span.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::truth;

    #[test]
    fn a_share_of_hosts_is_rounded_down_to_at_least_one() {
        assert_eq!(batch_size("50%", 3), Some(1));
        assert_eq!(batch_size("1%", 3), Some(1));
        assert_eq!(batch_size("100%", 3), Some(3));
        assert_eq!(batch_size("2", 3), Some(2));
        assert_eq!(batch_size("0", 3), Some(0));
        assert_eq!(batch_size("two", 3), None);
    }

    #[test]
    fn words_say_yes_as_in_yaml() {
        assert!(truth(&json!("yes")) && truth(&json!("True")) && truth(&json!(1)));
        assert!(!truth(&json!("no")) && !truth(&json!(0)) && !truth(&Json::Null));
    }
}
