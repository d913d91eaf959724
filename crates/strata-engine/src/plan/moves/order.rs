//! Which statement comes when: each after those that lead to where it begins. The cost grows with the statements and
//! with the pairs of them that meet.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
};

use strata_core::{
    Diagnostic, Diagnostics,
    addr::{InstanceKey, Module, ModuleStep, Target},
    hash::HashMap,
};

use super::{Statement, is_mistaken};

/// A name on the way to something, and its key.
type Part = (String, Option<InstanceKey>);

/// The way to what a target in a module names.
pub(super) fn parts(module: &Module, target: &Target) -> Vec<Part> {
    let mut parts: Vec<Part> = module
        .0
        .iter()
        .map(|name| (name.to_string(), None))
        .collect();
    let steps = |steps: &[ModuleStep]| -> Vec<Part> {
        let step = |step: &ModuleStep| (step.name.to_string(), step.key.clone());
        steps.iter().map(step).collect()
    };
    let (resource, key) = match target {
        Target::Module(module) => {
            parts.extend(steps(&module.0));
            return parts;
        }
        Target::Resource(resource) => (resource, None),
        Target::Instance(instance) => (&instance.resource, instance.key.clone()),
    };
    parts.extend(steps(&resource.module.0));
    parts.push((format!(".{}.{}", resource.type_name, resource.name), key));
    parts
}

/// The ways to both ends of a statement.
struct Ends {
    from: Vec<Part>,
    to: Vec<Part>,
}

/// The order in which statements are carried out; none at all where they go in a circle. Reports that, and statements
/// that contradict each other.
pub(super) fn sorted(statements: &[Statement<'_>], diags: &mut Diagnostics) -> Vec<usize> {
    let ends = |statement: &Statement<'_>| Ends {
        from: parts(statement.module, statement.from),
        to: parts(statement.module, statement.to),
    };
    let ends: Vec<Ends> = statements.iter().map(ends).collect();
    contradictions(statements, &ends, diags);
    let sorted = in_order(&ends);
    if sorted.len() == statements.len() {
        return sorted;
    }
    let mut is_left = vec![true; statements.len()];
    sorted.into_iter().for_each(|at| is_left[at] = false);
    let left = statements.iter().zip(is_left).filter(|(_, left)| *left);
    let places = left.map(|(statement, _)| statement.span.clone());
    let cycle = Diagnostic::error("move-cycle", "Cyclic dependency in move statements")
        .detail("Each of these statements begins where another one ends.");
    // Terraform looks for one only where each statement is right by itself.
    if !diags.iter().any(is_mistaken) {
        diags.push(places.fold(cycle, Diagnostic::at));
    }
    Vec::new()
}

/// Reports statements that take one thing to two places, or two things to one: each beside the first that says so, as
/// in Terraform. Statements about all instances do not meet those about a single one.
fn contradictions(statements: &[Statement<'_>], ends: &[Ends], diags: &mut Diagnostics) {
    let mut first_from: HashMap<(bool, &[Part]), usize> = HashMap::default();
    let mut first_to: HashMap<(bool, &[Part]), usize> = HashMap::default();
    for (at, later) in ends.iter().enumerate() {
        let has_key = |path: &[Part]| path.last().is_some_and(|(_, key)| key.is_some());
        let is_single = has_key(&later.from) || has_key(&later.to);
        let from = *first_from.entry((is_single, &later.from)).or_insert(at);
        let to = *first_to.entry((is_single, &later.to)).or_insert(at);
        let parting = (ends[from].to != later.to)
            .then_some((from, "The same object would have to move to two places."));
        let meeting = (ends[to].from != later.from)
            .then_some((to, "Two objects would have to move to the same place."));
        let mut wrong: Vec<(usize, &str)> = parting.into_iter().chain(meeting).collect();
        wrong.sort_unstable();
        for (other, why) in wrong {
            diags.push(
                Diagnostic::error("move-ambiguous", "Ambiguous move statements")
                    .detail(why)
                    .at(statements[at].span.clone())
                    .label(statements[other].span.clone(), "the other statement"),
            );
        }
    }
}

/// The first statement that none of the others leads to, then the first of those that are left, and so on, until each
/// of those that are left has another one before it.
fn in_order(ends: &[Ends]) -> Vec<usize> {
    let mut beginnings = Beginnings::default();
    for (at, ends) in ends.iter().enumerate() {
        beginnings.add(&ends.from, at);
    }
    let mut leads_to = vec![Vec::new(); ends.len()];
    let mut before = vec![0; ends.len()];
    for (at, ends) in ends.iter().enumerate() {
        beginnings.meeting(&ends.to, &mut leads_to[at]);
        leads_to[at].retain(|after| *after != at);
        leads_to[at].sort_unstable();
    }
    // Where a module moves, and things in it also move within it, the module goes first: the other way round is the same.
    for (at, inner) in ends.iter().enumerate() {
        let mut after = std::mem::take(&mut leads_to[at]);
        after.retain(|after| {
            let outer = &ends[*after].from;
            let goes_first = is_within(&inner.from, outer)
                && is_within(&inner.to, outer)
                && leads_to[*after].binary_search(&at).is_ok();
            !goes_first
        });
        after.iter().for_each(|after| before[*after] += 1);
        leads_to[at] = after;
    }
    let first = (0..ends.len()).filter(|at| before[*at] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = first.map(Reverse).collect();
    let mut sorted = Vec::with_capacity(ends.len());
    while let Some(Reverse(next)) = ready.pop() {
        sorted.push(next);
        for after in &leads_to[next] {
            before[*after] -= 1;
            if before[*after] == 0 {
                ready.push(Reverse(*after));
            }
        }
    }
    sorted
}

/// Whether a way leads to something in what another one leads to; what has no key stands for all its instances.
fn is_within(path: &[Part], outer: &[Part]) -> bool {
    let fits = |((name, key), (other, other_key)): (&Part, &Part)| {
        name == other && (key == other_key || key.is_none() || other_key.is_none())
    };
    path.len() > outer.len() && path.iter().zip(outer).all(fits)
}

/// Statements by where they begin, name by name.
#[derive(Default)]
struct Beginnings {
    here: Vec<usize>,
    below: BTreeMap<String, BTreeMap<Option<InstanceKey>, Beginnings>>,
}

impl Beginnings {
    fn add(&mut self, path: &[Part], statement: usize) {
        match path.split_first() {
            None => self.here.push(statement),
            Some(((name, key), rest)) => {
                let keys = self.below.entry(name.clone()).or_default();
                keys.entry(key.clone()).or_default().add(rest, statement);
            }
        }
    }

    /// Finds the statements that begin with what a way leads to, with a part of it, or with something around it. What
    /// has no key stands for all its instances.
    fn meeting(&self, path: &[Part], found: &mut Vec<usize>) {
        found.extend(&self.here);
        let Some(((name, key), rest)) = path.split_first() else {
            let below = self.below.values().flat_map(BTreeMap::values);
            return below.for_each(|inner| inner.meeting(&[], found));
        };
        let Some(keys) = self.below.get(name) else {
            return;
        };
        match key {
            None => keys.values().for_each(|inner| inner.meeting(rest, found)),
            Some(_) => {
                let agreeing = [&None, key].into_iter().filter_map(|key| keys.get(key));
                agreeing.for_each(|inner| inner.meeting(rest, found));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `m[0].a` as the parts of a way.
    fn way(text: &str) -> Vec<Part> {
        let part = |part: &str| match part.split_once('[') {
            Some((name, key)) => {
                let key = key.trim_end_matches(']').parse().unwrap();
                (name.to_owned(), Some(InstanceKey::Int(key)))
            }
            None => (part.to_owned(), None),
        };
        text.split('.').map(part).collect()
    }

    /// Checks in which order statements come, each as `FROM TO`.
    fn check(statements: &[&str], expected: &[usize]) {
        let ends = |statement: &&str| {
            let (from, to) = statement.split_once(' ').unwrap();
            Ends {
                from: way(from),
                to: way(to),
            }
        };
        let ends: Vec<Ends> = statements.iter().map(ends).collect();
        assert_eq!(in_order(&ends), expected, "{statements:?}");
    }

    #[test]
    fn a_statement_comes_after_those_that_lead_to_where_it_begins() {
        check(&["c d", "a b", "b c", "x y"], &[1, 2, 0, 3]);
        // Into a module that moves, and out of one.
        check(&["m n", "a m.a"], &[1, 0]);
        check(&["m.a b", "k m"], &[1, 0]);
        // All instances, one of them, and another one.
        check(&["a b", "x a[0]"], &[1, 0]);
        check(&["a[0] b", "x a"], &[1, 0]);
        check(&["a[1] b", "x a[0]"], &[0, 1]);
        check(&["m[1].a b", "k m[0]", "l m[1]"], &[1, 2, 0]);
    }

    #[test]
    fn those_in_a_circle_and_behind_it_have_no_order() {
        check(&["a b", "b a", "x y", "b c"], &[2]);
    }

    #[test]
    fn thousands_that_have_nothing_to_do_with_each_other_keep_their_order() {
        let statements: Vec<String> = (0..20_000).map(|at| format!("a{at} b{at}")).collect();
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        check(&statements, &(0..20_000).collect::<Vec<_>>());
    }
}
