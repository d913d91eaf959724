//! `inventory_hostnames`: the hosts that a pattern means, out of the variable `groups`.
//!
//! A pattern is names of groups and hosts with `:` or `,` between them; `!` before one takes its hosts away, `&`
//! leaves only those that are in it, too, as in Ansible's host patterns.

use std::sync::Arc;

use minijinja::{Error, Value};

use super::Options;
use crate::{convert, python, run::Run, wildcard};

/// Groups with their hosts; `all` holds every host in order.
type Groups = Vec<(String, Vec<String>)>;

/// Gives the hosts of all patterns, each once, in the inventory's order.
pub(super) fn inventory_hostnames(
    run: &Arc<Run>,
    terms: &[Value],
    options: &Options<'_>,
) -> Result<Vec<Value>, Error> {
    options.only(&[])?;
    let groups = groups(run)?;
    let patterns: Vec<String> = terms.iter().map(python::text).collect();
    let parts = patterns
        .iter()
        .flat_map(|pattern| pattern.split([':', ',']));
    let parts: Vec<&str> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect();
    let found = matching(&groups, &parts);
    Ok(found.into_iter().map(Value::from).collect())
}

fn groups(run: &Arc<Run>) -> Result<Groups, Error> {
    let Some(value) = run.variable("groups") else {
        return Ok(Vec::new());
    };
    let value = convert::to_json(&value)?;
    let groups = value.as_object().into_iter().flatten();
    let named = groups.map(|(name, hosts)| {
        let hosts = hosts.as_array().into_iter().flatten();
        let hosts = hosts.filter_map(|host| host.as_str().map(str::to_owned));
        (name.clone(), hosts.collect())
    });
    Ok(named.collect())
}

fn matching(groups: &Groups, parts: &[&str]) -> Vec<String> {
    let everybody = groups.iter().find(|(name, _)| name == "all");
    let everybody = everybody
        .map(|(_, hosts)| hosts.clone())
        .unwrap_or_default();
    let means = |part: &str, host: &String| {
        let in_group = groups
            .iter()
            .any(|(name, hosts)| wildcard::matches(part, name) && hosts.contains(host));
        in_group || wildcard::matches(part, host)
    };
    let plain: Vec<&&str> = parts
        .iter()
        .filter(|part| !part.starts_with(['!', '&']))
        .collect();
    let keeps = |host: &String| {
        let wanted = plain.is_empty() || plain.iter().any(|part| means(part, host));
        let kept = parts.iter().all(|part| {
            let taken = part.strip_prefix('!').is_some_and(|rest| means(rest, host));
            let beyond = part
                .strip_prefix('&')
                .is_some_and(|rest| !means(rest, host));
            !taken && !beyond
        });
        wanted && kept
    };
    everybody.into_iter().filter(keeps).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_choose_as_those_of_plays_do() {
        let list = |hosts: &str| hosts.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let groups = vec![
            ("all".to_owned(), list("a1 a2 b1 c")),
            ("web".to_owned(), list("a1 a2 b1")),
            ("blue".to_owned(), list("b1 c")),
        ];
        let check = |parts: &[&str], expected: &str| {
            assert_eq!(matching(&groups, parts).join(" "), expected, "{parts:?}");
        };
        check(&["all"], "a1 a2 b1 c");
        check(&["web", "!blue"], "a1 a2");
        check(&["web", "&blue"], "b1");
        check(&["?1", "c"], "a1 b1 c");
        check(&["!web"], "c");
        check(&["nobody"], "");
    }
}
