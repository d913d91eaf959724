//! Which settings of a container are otherwise than asked, as `podman_container` compares them: most with the words by which
//! it was made, so that a setting that is asked no more counts, too.

use serde_json::{Map, Value, json};

use super::settings::{Compared, SETTINGS, Setting, Way};
use crate::arguments::text;
use crate::modules::podman::Differences;
use crate::words;

/// What a container is compared with.
pub(super) struct Wish<'a> {
    pub(super) given: &'a [(&'static Setting, Value)],
    pub(super) image: &'a str,
    /// An image is the same only if its id is.
    pub(super) is_strict: bool,
    pub(super) command: Option<&'a Value>,
    /// What Podman tells of the image; nothing where it is not there yet.
    pub(super) image_info: Option<&'a Value>,
}

/// Other flags for the same.
const SHORT: &[(&str, &str)] = &[
    ("--attach", "-a"),
    ("--cpu-shares", "-c"),
    ("--env", "-e"),
    ("--hostname", "-h"),
    ("--interactive", "-i"),
    ("--label", "-l"),
    ("--memory", "-m"),
    ("--network", "--net"),
    ("--publish", "-p"),
    ("--publish-all", "-P"),
    ("--tty", "-t"),
    ("--user", "-u"),
    ("--volume", "-v"),
    ("--workdir", "-w"),
];

/// Compares a container, as Podman tells of it, with what is asked.
pub(super) fn differences(info: &Value, wish: &Wish<'_>) -> Differences {
    let info = lower(info);
    let image = wish.image_info.map(lower);
    let made = made_by(&info["config"]);
    let mut found = Differences::default();
    for setting in SETTINGS {
        let given = wish.given.iter().find(|(one, _)| one.name == setting.name);
        let given = given.map(|(_, value)| value);
        let sides = match setting.compared {
            Compared::Never => None,
            Compared::Words => Some(by_words(setting, given, &made)),
            Compared::Otherwise => otherwise(setting, given, &info, &made, image.as_ref()),
        };
        if let Some((is, wanted)) = sides {
            found.compare(setting.name, is, wanted);
        }
    }
    compare_command(&mut found, wish, &info);
    compare_image(&mut found, wish, &info, image.as_ref());
    found
}

/// The same with all keys in small letters.
fn lower(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(lower).collect(),
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| (key.to_lowercase(), lower(value));
            Value::Object(map.iter().map(pair).collect())
        }
        value => value.clone(),
    }
}

/// The words by which a container was made, without its own command.
fn made_by(config: &Value) -> Vec<String> {
    let mut made = texts(&config["createcommand"]);
    let command = texts(&config["cmd"]);
    if !command.is_empty() && made.ends_with(&command) {
        made.truncate(made.len() - command.len());
    }
    made
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(text).collect()
}

/// What a flag was given; `true` where nothing stands behind it.
fn said(flag: &str, made: &[String]) -> Vec<Value> {
    let short = SHORT.iter().find(|(long, _)| *long == flag);
    let mut values = Vec::new();
    for name in [Some(flag), short.map(|(_, short)| *short)]
        .into_iter()
        .flatten()
    {
        let start = format!("{name}=");
        for (at, word) in made.iter().enumerate() {
            if let Some(value) = word.strip_prefix(&start) {
                values.push(Value::from(value));
            } else if word == name {
                let next = made.get(at + 1).filter(|next| !next.starts_with('-'));
                values.push(next.map_or(Value::Bool(true), |next| Value::from(next.as_str())));
            }
        }
    }
    values
}

/// In small letters and in order.
fn sorted(texts: impl IntoIterator<Item = String>) -> Value {
    let mut texts: Vec<String> = texts.into_iter().map(|text| text.to_lowercase()).collect();
    texts.sort();
    json!(texts)
}

fn by_words(setting: &Setting, given: Option<&Value>, made: &[String]) -> (Value, Value) {
    let said = said(&setting.flag(), made);
    let is_switch = setting.way == Way::Switch;
    let first = said.first().cloned().unwrap_or_default();
    match given {
        // As long as nothing is asked, nothing may have been said.
        None | Some(Value::Bool(false)) if is_switch => (json!(!said.is_empty()), json!(false)),
        None => {
            let all = match said.len() {
                0 | 1 => first,
                _ => json!(said),
            };
            (all, Value::Null)
        }
        Some(Value::Bool(wanted)) => {
            let is = match (&first, text(&first)) {
                (Value::Null, _) => Value::Null,
                (_, said) => json!(said.is_some_and(|said| said.eq_ignore_ascii_case("true"))),
            };
            (is, json!(wanted))
        }
        Some(value @ (Value::Array(_) | Value::Object(_))) => {
            let said = said.iter().filter_map(text);
            let parts: Vec<String> = match setting.way {
                Way::Commas => said.flat_map(|one| split(&one)).collect(),
                _ => said.collect(),
            };
            (sorted(parts), sorted(setting.texts(value)))
        }
        Some(value) => (first, json!(setting.texts(value).first())),
    }
}

fn split(list: &str) -> Vec<String> {
    list.split(',').map(str::to_owned).collect()
}

/// The two sides of a setting that Podman tells of itself; nothing where it does not matter.
fn otherwise(
    setting: &Setting,
    given: Option<&Value>,
    info: &Value,
    made: &[String],
    image: Option<&Value>,
) -> Option<(Value, Value)> {
    let config = &info["config"];
    let sides = match setting.name {
        "annotation" => {
            let is = texts_of(&config["annotations"]);
            let mut wanted = is.clone();
            wanted.extend(given.map(lower).iter().flat_map(texts_of));
            (Value::Object(is), Value::Object(wanted))
        }
        "cap_add" | "cap_drop" => capabilities(setting, given, info, made),
        "etc_hosts" => {
            let hosts = texts(&info["hostconfig"]["extrahosts"]);
            let hosts = hosts.iter().filter_map(|host| host.split_once(':'));
            let is = hosts.map(|(name, address)| (name.to_owned(), Value::from(address)));
            let wanted = given.map(texts_of).unwrap_or_default();
            (Value::Object(is.collect()), Value::Object(wanted))
        }
        "healthcheck" => health(given, &config["healthcheck"]["test"][1]),
        "healthcheck_failure_action" => health(given, &config["healthcheckonfailureaction"]),
        "label" => return labels(given, config, image),
        "rm" => (info["hostconfig"]["autoremove"].clone(), given?.clone()),
        "tty" => {
            let wanted = given.cloned().unwrap_or(Value::Bool(false));
            (config["tty"].clone(), wanted)
        }
        // Folders and their options, of which the order does not matter.
        name => {
            let clean: fn(&str) -> String = match name {
                "volume" => volume,
                _ => str::to_owned,
            };
            let said = said(&setting.flag(), made);
            let is: Vec<String> = said.iter().filter_map(text).collect();
            let wanted = given.map(|given| setting.texts(given)).unwrap_or_default();
            (
                sorted(is.iter().map(|text| clean(text))),
                sorted(wanted.iter().map(|text| clean(text))),
            )
        }
    };
    Some(sides)
}

/// A map with texts for values; what is null is not there.
fn texts_of(map: &Value) -> Map<String, Value> {
    let map = map.as_object().into_iter().flatten();
    map.filter_map(|(key, value)| Some((key.clone(), Value::from(text(value)?))))
        .collect()
}

/// What is not asked stays as it is.
fn health(given: Option<&Value>, is: &Value) -> (Value, Value) {
    let is = json!(is.as_str().unwrap_or_default());
    let wanted = given.filter(|given| given.as_str() != Some(""));
    let wanted = wanted.cloned().unwrap_or_else(|| is.clone());
    (is, wanted)
}

fn capabilities(
    setting: &Setting,
    given: Option<&Value>,
    info: &Value,
    made: &[String],
) -> (Value, Value) {
    let mut is: Vec<String> = texts(&info["effectivecaps"])
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    is.sort();
    is.dedup();
    let was_all = said(&setting.flag(), made)
        .iter()
        .any(|said| text(said).is_some_and(|said| said.eq_ignore_ascii_case("all")));
    let asked = given.map(|given| setting.texts(given)).unwrap_or_default();
    let mut wanted = is.clone();
    for name in asked {
        let name = name.to_lowercase();
        let name = match name.strip_prefix("cap_") {
            Some(_) => name,
            None => format!("cap_{name}"),
        };
        match setting.name {
            "cap_add" if name == "cap_all" && was_all => {}
            "cap_add" => wanted.push(name),
            _ => wanted.retain(|one| *one != name),
        }
    }
    wanted.sort();
    wanted.dedup();
    (json!(is), json!(wanted))
}

/// Those of the image come along; nothing is said of them while there is no image.
fn labels(given: Option<&Value>, config: &Value, image: Option<&Value>) -> Option<(Value, Value)> {
    let mut is = texts_of(&config["labels"]);
    let given = given
        .map(|given| texts_of(&lower(given)))
        .unwrap_or_default();
    let mut wanted = match image {
        Some(image) => texts_of(&image["labels"]),
        None => is.clone(),
    };
    wanted.extend(given);
    // The units of systemd add one of their own.
    if is.remove("podman_systemd_unit").is_some() {
        wanted.remove("podman_systemd_unit");
    }
    Some((Value::Object(is), Value::Object(wanted)))
}

/// A volume without slashes that mean nothing.
fn volume(given: &str) -> String {
    let clean = |part: &str| match part.trim_end_matches('/') {
        "" => "/".to_owned(),
        _ => {
            let single = part.replace("//", "/");
            single.trim_end_matches('/').to_owned()
        }
    };
    let parts: Vec<String> = given.split(':').take(3).map(clean).collect();
    parts.join(":")
}

fn compare_command(found: &mut Differences, wish: &Wish<'_>, info: &Value) {
    let wanted = match wish.command {
        None => return,
        Some(Value::Array(words)) => words.iter().filter_map(text).collect(),
        Some(line) => {
            let line = text(line).unwrap_or_default();
            words::split(&line).unwrap_or_else(|_| vec![line])
        }
    };
    let is = &info["config"]["cmd"];
    let is = match is.is_array() {
        true => json!(without_quotes(texts(is))),
        false => Value::Null,
    };
    found.compare("command", is, json!(wanted));
}

/// Words between quotes are one, as a shell has it; Podman was given them apart.
fn without_quotes(words: Vec<String>) -> Vec<String> {
    let mut whole = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for word in words {
        let closes = !open.is_empty() && word.ends_with('"');
        if !open.is_empty() || word.starts_with('"') {
            open.push(word);
        } else {
            whole.push(word);
        }
        if closes {
            whole.push(open.join(" ").trim_matches('"').to_owned());
            open.clear();
        }
    }
    whole.extend(open);
    whole
}

fn compare_image(found: &mut Differences, wish: &Wish<'_>, info: &Value, image: Option<&Value>) {
    let filled = |value: &Value| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    let rootfs = filled(&info["rootfs"]);
    let is = filled(&info["image"]).or(rootfs.clone());
    let wanted = image.and_then(|image| filled(&image["id"]));
    if is.is_some() && is == wanted {
        return;
    }
    let asks_rootfs = wish
        .given
        .iter()
        .any(|(setting, value)| setting.name == "rootfs" && *value == Value::Bool(true));
    if wish.is_strict || asks_rootfs || rootfs.is_some() {
        found.compare("image", json!(is), json!(wanted));
        return;
    }
    // The same name from any registry counts as the same image.
    let bare = |name: &str| {
        let name = name.replace(":latest", "");
        name.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let is = filled(&info["config"]["image"]).or(is).unwrap_or_default();
    found.compare("image", json!(bare(&is)), json!(bare(wish.image)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: Value, words: &[&str]) -> Vec<&'static str> {
        let given: Vec<(&'static Setting, Value)> = SETTINGS
            .iter()
            .filter_map(|setting| Some((setting, given.get(setting.name)?.clone())))
            .collect();
        let info = json!({
            "Image": "1", "Rootfs": "", "HostConfig": {"AutoRemove": false},
            "Config": {"Image": "alpine", "Tty": false, "Cmd": ["sleep"], "CreateCommand": words},
        });
        let wish = Wish {
            given: &given,
            image: "quay.io/library/alpine:latest",
            is_strict: false,
            command: None,
            image_info: None,
        };
        let found = differences(&info, &wish);
        found.0.iter().map(|(name, _, _)| *name).collect()
    }

    #[test]
    fn settings_are_those_by_which_the_container_was_made() {
        let made = &[
            "podman",
            "run",
            "-e",
            "A=b",
            "-p=80:80",
            "--privileged=True",
            "alpine",
            "sleep",
        ];
        let asked = json!({"env": {"A": "b"}, "publish": ["80:80"], "privileged": true});
        assert_eq!(names(asked, made), Vec::<&str>::new());
        let other = json!({"env": {"A": "c"}, "privileged": true});
        assert_eq!(names(other, made), ["env", "publish"]);
    }

    #[test]
    fn what_the_container_runs_says_nothing_of_its_settings() {
        let made = &["podman", "run", "alpine", "sleep"];
        assert_eq!(names(json!({}), made), Vec::<&str>::new());
        assert_eq!(names(json!({"init": false}), made), Vec::<&str>::new());
        assert_eq!(
            names(json!({"init": true, "memory": "1g"}), made),
            ["init", "memory"]
        );
    }

    #[test]
    fn words_between_quotes_are_one() {
        let words = ["sh", "\"a", "b\"", "c"].map(str::to_owned).to_vec();
        assert_eq!(without_quotes(words), ["sh", "a b", "c"]);
    }

    #[test]
    fn slashes_that_mean_nothing_are_dropped() {
        let check = |given: &str, clean: &str| assert_eq!(volume(given), clean);
        check("/data/:/srv//x/:ro", "/data:/srv/x:ro");
        check("/:/host", "/:/host");
    }
}
