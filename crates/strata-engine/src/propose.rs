//! What a provider is asked for: configuration over what is there.
//!
//! Where configuration says nothing and the provider may, the prior value stays; for what is new it is unknown.
//! Elements of sets have no names, so an element of configuration goes with a prior one that agrees in all that
//! configuration says.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::module::IgnoreChanges;
use strata_core::{
    PathStep, Value,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};

/// The configuration over the prior value; all unmarked.
pub(crate) fn propose(block: &Block, prior: Option<&Value>, config: &Value) -> Value {
    let prior = prior.filter(|prior| prior.as_entries().is_some());
    if config.as_entries().is_none() {
        return config.clone();
    }
    config.map_children(|step, child| {
        let PathStep::Attribute(name) = &step else {
            return child.clone();
        };
        let before = prior.map(|prior| prior.get(name));
        if let Some(attribute) = block.attributes.get(&**name) {
            return propose_attribute(attribute, before, child);
        }
        match block.blocks.get(&**name) {
            Some(nested) => propose_blocks(nested, before.flatten(), child),
            None => child.clone(),
        }
    })
}

/// `prior` is none if there is no object yet, and none inside if it lacks the attribute.
fn propose_attribute(
    attribute: &Attribute,
    prior: Option<Option<&Value>>,
    config: &Value,
) -> Value {
    let left_to_provider = match attribute.presence {
        Presence::Computed => true,
        Presence::OptionalComputed => config.is_null(),
        Presence::Required | Presence::Optional => false,
    };
    if left_to_provider {
        return match prior {
            None => Value::unknown(attribute.ty.clone()),
            Some(prior) => prior
                .cloned()
                .unwrap_or_else(|| Value::Null(attribute.ty.clone())),
        };
    }
    match &attribute.nested {
        None => config.clone(),
        Some(nested) => {
            propose_nested(nested.nesting, prior.flatten(), config, &|prior, config| {
                propose_attributes(&nested.attributes, prior, config)
            })
        }
    }
}

fn propose_attributes(
    attributes: &BTreeMap<Arc<str>, Attribute>,
    prior: Option<&Value>,
    config: &Value,
) -> Value {
    let prior = prior.filter(|prior| prior.as_entries().is_some());
    config.map_children(|step, child| match &step {
        PathStep::Attribute(name) => match attributes.get(&**name) {
            Some(attribute) => {
                propose_attribute(attribute, prior.map(|prior| prior.get(name)), child)
            }
            None => child.clone(),
        },
        _ => child.clone(),
    })
}

fn propose_blocks(nested: &NestedBlock, prior: Option<&Value>, config: &Value) -> Value {
    propose_nested(nested.nesting, prior, config, &|prior, config| {
        propose(&nested.block, prior, config)
    })
}

type ProposeOne<'a> = &'a dyn Fn(Option<&Value>, &Value) -> Value;

fn propose_nested(
    nesting: Nesting,
    prior: Option<&Value>,
    config: &Value,
    one: ProposeOne<'_>,
) -> Value {
    if config.is_null() || !config.is_known() {
        return config.clone();
    }
    match nesting {
        Nesting::Single => one(prior, config),
        Nesting::List => config.map_children(|step, child| {
            let before = prior.and_then(|prior| prior.at(std::slice::from_ref(&step)));
            one(before, child)
        }),
        Nesting::Map => config.map_children(|step, child| {
            let before = match &step {
                PathStep::Key(key) | PathStep::Attribute(key) => {
                    prior.and_then(|prior| prior.get(key))
                }
                _ => None,
            };
            one(before, child)
        }),
        Nesting::Set => propose_set(prior, config, one),
    }
}

fn propose_set(prior: Option<&Value>, config: &Value, one: ProposeOne<'_>) -> Value {
    let mut left: Vec<&Value> = prior
        .and_then(Value::as_sequence)
        .into_iter()
        .flatten()
        .collect();
    config.map_children(|_, child| {
        let matching = left
            .iter()
            .position(|prior| agrees(prior, &one(Some(prior), child)));
        let before = matching.map(|at| left.remove(at));
        one(before, child)
    })
}

/// True if proposing with this prior element changes nothing in it.
fn agrees(prior: &Value, proposed: &Value) -> bool {
    prior == proposed
}

/// The configuration with the prior value where changes do not count.
pub(crate) fn ignore_changes(
    rules: &IgnoreChanges,
    block: &Block,
    prior: &Value,
    config: &Value,
) -> Value {
    match rules {
        IgnoreChanges::None => config.clone(),
        IgnoreChanges::All => keep_all(block, prior, config),
        IgnoreChanges::Paths(paths) => {
            let keep = |config: Value, path: &strata_core::AttributePath| {
                keep(&config, Some(prior), &path.0)
            };
            paths.iter().fold(config.clone(), keep)
        }
    }
}

fn keep_all(block: &Block, prior: &Value, config: &Value) -> Value {
    config.map_children(|step, child| {
        let PathStep::Attribute(name) = &step else {
            return child.clone();
        };
        match block.attributes.get(&**name) {
            Some(attribute) if !attribute.presence.is_configurable() => child.clone(),
            _ => prior.get(name).unwrap_or(child).clone(),
        }
    })
}

fn keep(config: &Value, prior: Option<&Value>, path: &[PathStep]) -> Value {
    let Some((step, rest)) = path.split_first() else {
        return prior.unwrap_or(config).clone();
    };
    let before = prior.and_then(|prior| prior.at(std::slice::from_ref(step)));
    // As in Terraform, a text in brackets at the end names a key of a map; of what is none all is kept.
    let is_map = matches!(config.unmarked(), Value::Map(..));
    if let (PathStep::Key(_), [], false, Some(prior)) = (step, rest, is_map, prior) {
        return prior.clone();
    }
    if let (Value::Map(element, entries), PathStep::Key(key) | PathStep::Attribute(key)) =
        (config.unmarked(), step)
    {
        let mut entries = (**entries).clone();
        match (before, entries.get(key)) {
            (None, _) => entries.remove(key),
            (Some(before), None) => entries.insert(key.clone(), before.clone()),
            (Some(before), Some(child)) => {
                let kept = keep(child, Some(before), rest);
                entries.insert(key.clone(), kept)
            }
        };
        return Value::Map(element.clone(), Arc::new(entries)).with_marks(config.marks());
    }
    config.map_children(|at, child| match at == *step {
        true => keep(child, before, rest),
        false => child.clone(),
    })
}

#[cfg(test)]
mod tests {
    use strata_core::{AttributePath, Type, schema::Attribute};

    use super::*;

    fn block() -> Block {
        let attribute = |presence| Attribute::new(Type::String, presence, "");
        let inner = || Block {
            attributes: [
                ("name".into(), attribute(Presence::Required)),
                ("mac".into(), attribute(Presence::OptionalComputed)),
            ]
            .into(),
            ..Block::default()
        };
        let nested = |nesting| NestedBlock {
            nesting,
            block: inner(),
            min_items: 0,
            max_items: 0,
        };
        Block {
            attributes: [
                ("id".into(), attribute(Presence::Computed)),
                ("name".into(), attribute(Presence::Required)),
                ("kind".into(), attribute(Presence::OptionalComputed)),
                (
                    "tags".into(),
                    Attribute::new(Type::map(Type::String), Presence::Optional, ""),
                ),
            ]
            .into(),
            blocks: [
                ("disk".into(), nested(Nesting::Set)),
                ("nic".into(), nested(Nesting::List)),
            ]
            .into(),
            description: "",
        }
    }

    fn value(json: &str) -> Value {
        strata_state::json::decode(json, &block().implied_type()).unwrap()
    }

    fn show(value: &Value) -> String {
        let unknown: Vec<_> = strata_state::json::unknown_paths(value)
            .iter()
            .map(ToString::to_string)
            .collect();
        format!(
            "{} ?{}",
            strata_state::json::plain(value),
            unknown.join(",")
        )
    }

    const PRIOR: &str = r#"{"id":"1","name":"a","kind":"vm","tags":{"x":"1","y":"2"},
        "disk":[{"name":"d1","mac":"m1"},{"name":"d2","mac":"m2"}],"nic":[{"name":"n1","mac":"k1"}]}"#;

    #[test]
    fn what_configuration_leaves_open_stays_as_it_is() {
        let config = value(
            r#"{"name":"b","disk":[{"name":"d3"},{"name":"d2"}],"nic":[{"name":"n9"},{"name":"n2"}]}"#,
        );
        assert_eq!(
            show(&propose(&block(), Some(&value(PRIOR)), &config)),
            concat!(
                r#"{"disk":[{"mac":"m2","name":"d2"},{"mac":null,"name":"d3"}],"id":"1","kind":"vm","name":"b","#,
                r#""nic":[{"mac":"k1","name":"n9"},{"mac":null,"name":"n2"}],"tags":null} ?disk,nic[1].mac"#
            )
        );
    }

    #[test]
    fn what_configuration_leaves_open_is_unknown_for_something_new() {
        let proposed = propose(&block(), None, &value(r#"{"name":"b","kind":"c"}"#));
        assert_eq!(
            show(&proposed),
            r#"{"disk":null,"id":null,"kind":"c","name":"b","nic":null,"tags":null} ?id"#
        );
    }

    #[test]
    fn ignored_paths_keep_their_prior_value() {
        let config = value(r#"{"name":"b","kind":"c","tags":{"x":"9","z":"9"}}"#);
        let path = |steps: &[&str]| {
            let steps = steps.iter().map(|step| PathStep::Attribute((*step).into()));
            AttributePath(steps.collect())
        };
        let ignored =
            |rules: &IgnoreChanges| show(&ignore_changes(rules, &block(), &value(PRIOR), &config));
        let paths = vec![
            path(&["name"]),
            path(&["tags", "x"]),
            path(&["tags", "y"]),
            path(&["tags", "z"]),
        ];
        assert_eq!(
            ignored(&IgnoreChanges::Paths(paths)),
            r#"{"disk":null,"id":null,"kind":"c","name":"a","nic":null,"tags":{"x":"1","y":"2"}} ?"#
        );
        assert!(ignored(&IgnoreChanges::All).contains(r#""kind":"vm","name":"a""#));
    }
}
