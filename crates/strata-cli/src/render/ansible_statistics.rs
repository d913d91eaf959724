//! What `set_stats` collected, as the default callback of ansible-core shows it below the recap.

use serde_json::Value as Json;

/// A line a host, and what is the whole run's; nothing where nothing was collected.
pub(crate) fn statistics(values: &str, banner: &str) -> Option<String> {
    let Ok(Json::Object(all)) = serde_json::from_str(values) else {
        return None;
    };
    let mut text = format!("{banner}\n");
    let mut hosts: Vec<_> = all.iter().filter(|(host, _)| *host != "_run").collect();
    hosts.sort_by_key(|(host, _)| host.as_str());
    for (host, value) in hosts {
        text.push_str(&format!("\t{host}: {}\n", line(value)));
    }
    if let Some(run) = all.get("_run") {
        text.push_str(&format!("\n\tRUN: {}\n", line(run)));
    }
    Some(text)
}

/// JSON as Python indents it by one, with the ends of lines taken out.
fn line(value: &Json) -> String {
    let mut text = String::new();
    write(value, 1, &mut text);
    text
}

fn write(value: &Json, depth: usize, text: &mut String) {
    let pad = " ".repeat(depth);
    match value {
        Json::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                text.push_str(if at == 0 { "[" } else { "," });
                text.push_str(&pad);
                write(item, depth + 1, text);
            }
            text.push_str(&" ".repeat(depth - 1));
            text.push(']');
        }
        Json::Object(map) if !map.is_empty() => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| name.as_str());
            for (at, (name, item)) in entries.into_iter().enumerate() {
                text.push_str(if at == 0 { "{" } else { "," });
                text.push_str(&format!("{pad}{}: ", Json::from(name.as_str())));
                write(item, depth + 1, text);
            }
            text.push_str(&" ".repeat(depth - 1));
            text.push('}');
        }
        other => text.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_a_line_and_the_run_the_last() {
        let values = r#"{"_run":{"a":3},"web":{"b":[1,2],"c":{"x":1}}}"#;
        let shown = statistics(values, "\nCUSTOM STATS: ***").unwrap();
        let expected = "\nCUSTOM STATS: ***\n\tweb: { \"b\": [  1,  2 ], \"c\": {  \"x\": 1 }}\n\n\tRUN: { \"a\": 3}\n";
        assert_eq!(shown, expected);
    }
}
