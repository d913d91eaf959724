//! What happens to variables of the same name: the later one counts, or mappings are merged.

use serde_json::Value as Json;

use crate::play::JsonMap;

/// How deep mappings are merged.
const DEEPEST: usize = 100;

/// Adds variables over those that are there; `merge` as `hash_behaviour = merge` has it.
pub fn add_variables(all: &mut JsonMap, more: JsonMap, merge: bool) {
    add(all, more, merge, 0);
}

fn add(all: &mut JsonMap, more: JsonMap, merge: bool, depth: usize) {
    for (name, value) in more {
        match (all.get_mut(&name), value) {
            (Some(Json::Object(old)), Json::Object(new)) if merge && depth < DEEPEST => {
                add(old, new, merge, depth + 1);
            }
            (_, value) => drop(all.insert(name, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mappings_are_merged_only_where_that_is_asked_for() {
        let merged = |merge| {
            let mut all = json!({"a": {"x": 1, "l": [1]}, "b": 1})
                .as_object()
                .unwrap()
                .clone();
            let more = json!({"a": {"y": 2, "l": [2]}})
                .as_object()
                .unwrap()
                .clone();
            add_variables(&mut all, more, merge);
            Json::Object(all)
        };
        assert_eq!(
            merged(true),
            json!({"a": {"x": 1, "l": [2], "y": 2}, "b": 1})
        );
        assert_eq!(merged(false), json!({"a": {"y": 2, "l": [2]}, "b": 1}));
    }
}
