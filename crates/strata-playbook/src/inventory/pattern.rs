//! Which hosts a pattern means: `all`, `a:b`, `a,b`, `!x`, `&y`, `web*`, `group[0]`, `group[1:3]`, `~regex`.

use std::collections::BTreeSet;

use regex::Regex;
use strata_jinja::wildcard;

use super::Inventory;

/// Names that mean the controller even if no inventory has them.
pub const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The hosts of a pattern, in the order of its parts and then of the inventory.
pub(super) fn matching(inventory: &Inventory, pattern: &str) -> Result<Vec<String>, String> {
    let parts = split(pattern);
    let is = |mark: char| move |part: &&String| part.starts_with(mark);
    let plain: Vec<_> = parts
        .iter()
        .filter(|part| !part.starts_with(['!', '&']))
        .collect();
    let mut hosts: Vec<String> = Vec::new();
    let everything = "all".to_owned();
    let plain = if plain.is_empty() {
        vec![&everything]
    } else {
        plain
    };
    for part in plain {
        for host in one(inventory, part)? {
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
    }
    for part in parts.iter().filter(is('&')) {
        let kept: BTreeSet<_> = one(inventory, &part[1..])?.into_iter().collect();
        hosts.retain(|host| kept.contains(host));
    }
    for part in parts.iter().filter(is('!')) {
        let dropped: BTreeSet<_> = one(inventory, &part[1..])?.into_iter().collect();
        hosts.retain(|host| !dropped.contains(host));
    }
    Ok(hosts)
}

/// Parts between commas, or between colons that are neither in brackets nor in an IPv6 address.
fn split(pattern: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for piece in pattern.split(',').map(str::trim) {
        let address =
            piece.matches(':').count() > 1 && piece.parse::<core::net::Ipv6Addr>().is_ok();
        if address || piece.starts_with('~') {
            parts.push(piece.to_owned());
            continue;
        }
        let mut depth = 0_usize;
        let mut part = String::new();
        for character in piece.chars() {
            match character {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                ':' if depth == 0 => {
                    parts.push(std::mem::take(&mut part));
                    continue;
                }
                _ => {}
            }
            part.push(character);
        }
        parts.push(part);
    }
    parts.retain(|part| !part.is_empty());
    parts
}

fn one(inventory: &Inventory, part: &str) -> Result<Vec<String>, String> {
    if let Some(pattern) = part.strip_prefix('~') {
        let regex = Regex::new(&format!("^(?:{pattern})"))
            .map_err(|_| format!("`{pattern}` is no regular expression"))?;
        return Ok(by_name(inventory, |name| regex.is_match(name)));
    }
    let (name, subscript) = split_subscript(part);
    let hosts = if name == "all" || name == "*" {
        inventory.hosts_in("all")
    } else {
        by_name(inventory, |other| wildcard::matches(name, other))
    };
    let hosts = if hosts.is_empty() && LOCAL.contains(&name) {
        vec![name.to_owned()]
    } else {
        hosts
    };
    match subscript {
        None => Ok(hosts),
        Some(subscript) => {
            select(&hosts, subscript).ok_or_else(|| format!("`[{subscript}]` selects no hosts"))
        }
    }
}

/// Hosts of the groups that fit, and hosts that fit by their own name.
fn by_name(inventory: &Inventory, fits: impl Fn(&str) -> bool) -> Vec<String> {
    let mut hosts: Vec<String> = Vec::new();
    for group in inventory.groups.iter().filter(|group| fits(&group.name)) {
        let new: Vec<_> = inventory
            .hosts_in(&group.name)
            .into_iter()
            .filter(|host| !hosts.contains(host))
            .collect();
        hosts.extend(new);
    }
    for host in inventory.hosts.iter().filter(|host| fits(&host.name)) {
        if !hosts.contains(&host.name) {
            hosts.push(host.name.clone());
        }
    }
    hosts
}

/// `group[0]`, `group[-1]`, `group[1:3]`; other brackets belong to a wildcard.
fn split_subscript(part: &str) -> (&str, Option<&str>) {
    let Some((name, inside)) = part
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
    else {
        return (part, None);
    };
    let number = |text: &str| text.is_empty() || text.parse::<i64>().is_ok();
    let (first, last) = inside
        .split_once([':', '-'])
        .filter(|(first, _)| !first.is_empty())
        .unwrap_or((inside, ""));
    if !inside.is_empty()
        && !name.is_empty()
        && (inside.parse::<i64>().is_ok() || number(first) && number(last))
    {
        (name, Some(inside))
    } else {
        (part, None)
    }
}

fn select(hosts: &[String], subscript: &str) -> Option<Vec<String>> {
    let place = |text: &str| -> Option<usize> {
        let at: i64 = text.parse().ok()?;
        let at = if at < 0 { at + hosts.len() as i64 } else { at };
        usize::try_from(at).ok()
    };
    if subscript.parse::<i64>().is_ok() {
        return Some(
            place(subscript)
                .and_then(|at| hosts.get(at))
                .cloned()
                .into_iter()
                .collect(),
        );
    }
    let (first, last) = subscript.split_once([':', '-'])?;
    let first = if first.is_empty() { 0 } else { place(first)? };
    let last = if last.is_empty() {
        hosts.len()
    } else {
        place(last)? + 1
    };
    Some(
        hosts
            .get(first..last.min(hosts.len()))
            .unwrap_or_default()
            .to_vec(),
    )
}
