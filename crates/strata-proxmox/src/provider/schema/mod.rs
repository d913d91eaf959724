//! What the types look like: made from published facts of the provider `bpg/proxmox`.
//!
//! `facts.jsonl` is made by `cargo xtask pve-data`; one line is one resource or data source with all
//! its names. A type that has no [`super::kind::Kind`] is not offered.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use serde_json::{Map, Value as Json};
use strata_core::{
    Type, Value,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence, Resource},
};

/// The facts of one type.
#[derive(Debug)]
pub(crate) struct Facts {
    /// All its names, the short one and the long one.
    pub(crate) names: Vec<String>,
    pub(crate) is_data: bool,
    /// True for types whose nested parts are blocks, not attributes.
    pub(crate) sdk: bool,
    /// True for the types of `telmate/proxmox`.
    pub(crate) telmate: bool,
    /// The type of its objects, made once.
    ty: OnceLock<Type>,
    pub(crate) args: Map<String, Json>,
}

impl Facts {
    /// A type of `telmate/proxmox`, whose nested parts are blocks.
    pub(crate) fn telmate(name: &str, args: Map<String, Json>, is_data: bool) -> Self {
        Self {
            names: vec![name.to_owned()],
            is_data,
            sdk: true,
            telmate: true,
            ty: OnceLock::new(),
            args,
        }
    }

    /// Arguments that are sent and never kept: no state has them. Another `NAME_version` sends them again.
    pub(crate) fn write_only(&self) -> impl Iterator<Item = &str> {
        let args = self.args.iter().filter(|(_, arg)| arg["w"] == 1);
        args.map(|(name, _)| name.as_str())
    }

    /// The type of its objects.
    pub(crate) fn ty(&self) -> &Type {
        self.ty.get_or_init(|| resource(self).block.implied_type())
    }
}

/// All types there are.
pub(crate) fn all() -> &'static [Facts] {
    static ALL: OnceLock<Vec<Facts>> = OnceLock::new();
    ALL.get_or_init(|| {
        let published = include_str!("facts.jsonl").lines().map(read);
        published.chain(super::telmate::schema::facts()).collect()
    })
}

/// The facts of a type by one of its names.
pub(crate) fn find(name: &str, is_data: bool) -> Option<&'static Facts> {
    let mut all = all().iter().filter(|facts| facts.is_data == is_data);
    all.find(|facts| facts.names.iter().any(|own| own == name))
}

fn read(line: &str) -> Facts {
    let mut line: Json = serde_json::from_str(line).expect("the data was made by our own tool");
    let names = line["types"].as_array().into_iter().flatten();
    let names: Vec<String> = names
        .filter_map(|name| name.as_str().map(str::to_owned))
        .collect();
    let is_data = line["kind"] == "data";
    let mut args = match line["args"].take() {
        Json::Object(args) => args,
        _ => Map::new(),
    };
    correct(&names, is_data, &mut args);
    Facts {
        is_data,
        sdk: line["sdk"] == true,
        telmate: false,
        ty: OnceLock::new(),
        args,
        names,
    }
}

/// Puts right what the published facts leave open.
fn correct(names: &[String], is_data: bool, args: &mut Map<String, Json>) {
    let has = |name: &str| names.iter().any(|own| own == name);
    let number = |presence: &str| serde_json::json!({ "t": "number", "p": presence });
    for name in ["vm_id", "container_id"] {
        if args.get(name).is_some_and(|arg| arg["t"] == "string") {
            args.insert(name.to_owned(), number("o"));
        }
    }
    let is_guest =
        has("proxmox_virtual_environment_vm") || has("proxmox_virtual_environment_container");
    if has("proxmox_virtual_environment_vm")
        && !is_data
        && let Some(init) = args.get_mut("initialization")
    {
        // Ours, and nobody else's: see `vm::on_change`.
        init["b"]["on_change"] = serde_json::json!({ "t": "string", "p": "o" });
    }
    if is_guest && !is_data {
        if let Some(id) = args.get_mut("vm_id") {
            id["f"] = serde_json::json!(1);
        }
        for name in ["ipv4_addresses", "ipv6_addresses"] {
            if let Some(arg) = args.get_mut(name) {
                arg["t"] = serde_json::json!("list of list of string");
            }
        }
    }
    let is_pool_or_hosts =
        has("proxmox_virtual_environment_pool") || has("proxmox_virtual_environment_hosts");
    if is_pool_or_hosts && !is_data {
        // Lists of objects whose parts are not told.
        args.remove("members");
        args.remove("entries");
    }
    if has("proxmox_virtual_environment_vms") || has("proxmox_virtual_environment_containers") {
        let name = if has("proxmox_virtual_environment_vms") {
            "vms"
        } else {
            "containers"
        };
        let text = serde_json::json!({ "t": "string", "p": "c" });
        args.insert(name.to_owned(), serde_json::json!({
            "t": "object list", "p": "c", "b": {
                "name": text, "node_name": text, "status": text, "vm_id": number("c"),
                "template": { "t": "bool", "p": "c" }, "tags": { "t": "list of string", "p": "c" },
            },
        }));
    }
    if has("proxmox_virtual_environment_hosts") || has("proxmox_virtual_environment_roles") {
        for name in ["hostnames", "privileges"] {
            if let Some(arg) = args.get_mut(name) {
                arg["t"] = serde_json::json!("list of list of string");
            }
        }
    }
    if has("proxmox_virtual_environment_users") {
        for (name, ty) in [
            ("groups", "list of list of string"),
            ("enabled", "list of bool"),
        ] {
            args.insert(name.to_owned(), serde_json::json!({ "t": ty, "p": "c" }));
        }
    }
    if has("proxmox_virtual_environment_roles") {
        args.insert(
            "special".to_owned(),
            serde_json::json!({ "t": "list of bool", "p": "c" }),
        );
    }
    args.entry("id")
        .or_insert_with(|| serde_json::json!({ "t": "string", "p": "c" }));
    args.retain(|name, _| !matches!(name.as_str(), "count" | "provider"));
    for arg in args.values_mut().filter(|arg| arg["w"] == 1) {
        arg["s"] = serde_json::json!(1);
    }
}

/// The schema of a type.
pub(crate) fn resource(facts: &Facts) -> Resource {
    Resource {
        version: 0,
        block: block(&facts.args, facts.sdk),
    }
}

fn block(args: &Map<String, Json>, sdk: bool) -> Block {
    let mut attributes = BTreeMap::new();
    let mut blocks = BTreeMap::new();
    for (name, arg) in args {
        let name: Arc<str> = name.as_str().into();
        if arg["b"].is_object() && arg["p"] != "c" && (sdk || arg["t"] == "block") {
            blocks.insert(name, nested_block(arg, sdk));
        } else {
            attributes.insert(name, attribute(arg, sdk));
        }
    }
    Block {
        attributes,
        blocks,
        description: "",
    }
}

fn nested_block(arg: &Json, sdk: bool) -> NestedBlock {
    let nesting = match arg["t"].as_str() {
        Some("set") => Nesting::Set,
        Some("block") => Nesting::Single,
        _ => Nesting::List,
    };
    let most = arg["n"]
        .as_u64()
        .and_then(|most| usize::try_from(most).ok());
    NestedBlock {
        nesting,
        block: block(inside(arg), sdk),
        min_items: usize::from(arg["p"] == "r"),
        max_items: most.unwrap_or(0),
    }
}

/// What is inside a nested argument.
pub(crate) fn inside(arg: &Json) -> &Map<String, Json> {
    static NONE: OnceLock<Map<String, Json>> = OnceLock::new();
    arg["b"]
        .as_object()
        .unwrap_or_else(|| NONE.get_or_init(Map::new))
}

fn attribute(arg: &Json, sdk: bool) -> Attribute {
    let presence = match (arg["p"].as_str(), arg.get("d")) {
        (Some("r"), _) => Presence::Required,
        (Some("oc"), _) | (Some("o"), Some(_)) => Presence::OptionalComputed,
        (Some("o"), None) => Presence::Optional,
        _ => Presence::Computed,
    };
    let made = match arg["b"].is_object() {
        true => {
            let inner = inside(arg)
                .iter()
                .map(|(name, arg)| (name.as_str(), attribute(arg, sdk)));
            nested(nesting(arg), inner, presence)
        }
        false => Attribute::new(ty(arg["t"].as_str().unwrap_or("string")), presence, ""),
    };
    let made = Attribute {
        formerly: arg["was"].as_str().map(Arc::from),
        reads: match () {
            () if arg["switch"] == 1 => Some(switch),
            () if arg["zero"] == 1 => Some(zero),
            () if sdk && arg["p"] == "oc" && arg["t"] == "string" => Some(empty),
            () => None,
        },
        ..made
    };
    if arg["s"] == 1 {
        made.sensitive()
    } else {
        made
    }
}

/// A truth as telmate 2.9 has it written: `1`, or `"on"`.
fn switch(given: &Value) -> Option<Value> {
    let truth = match given.unmarked() {
        Value::Number(number) => Value::Bool(number.as_i64() != Some(0)),
        Value::String(text) if matches!(&**text, "on" | "1") => Value::Bool(true),
        Value::String(text) if matches!(&**text, "ignore" | "off" | "0" | "") => Value::Bool(false),
        unknown if !unknown.is_known() && unknown.ty() != Type::Bool => Value::unknown(Type::Bool),
        _ => return None,
    };
    Some(truth.with_marks(given.marks()))
}

/// Nothing, where 0 is written for a number that the server may choose, as telmate has it.
fn zero(given: &Value) -> Option<Value> {
    let is_zero = match given.unmarked() {
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => &**text == "0",
        _ => false,
    };
    is_zero.then(|| Value::Null(Type::Number).with_marks(given.marks()))
}

/// Nothing, where an empty text is written for one that the server may choose: types with blocks tell no difference.
fn empty(given: &Value) -> Option<Value> {
    let is_empty = matches!(given.unmarked(), Value::String(text) if text.is_empty());
    is_empty.then(|| Value::Null(Type::String).with_marks(given.marks()))
}

fn nested<'a>(
    nesting: Nesting,
    inner: impl Iterator<Item = (&'a str, Attribute)>,
    presence: Presence,
) -> Attribute {
    let attributes: BTreeMap<Arc<str>, Attribute> = inner
        .map(|(name, attribute)| (name.into(), attribute))
        .collect();
    let object = Type::object(
        attributes
            .iter()
            .map(|(name, attribute)| (name.clone(), attribute.ty.clone())),
    );
    let nested = strata_core::schema::NestedAttributes {
        nesting,
        attributes,
    };
    Attribute {
        nested: Some(Arc::new(nested)),
        ..Attribute::new(nesting.wrap(object), presence, "")
    }
}

/// How often a nested thing is there.
pub(crate) fn nesting(arg: &Json) -> Nesting {
    match arg["t"].as_str().unwrap_or_default() {
        "list" | "object list" | "list of object" => Nesting::List,
        "set" | "object set" => Nesting::Set,
        "object map" => Nesting::Map,
        _ => Nesting::Single,
    }
}

fn ty(name: &str) -> Type {
    match name.split_once(" of ") {
        Some(("list", element)) => Type::list(ty(element)),
        Some(("set", element)) => Type::set(ty(element)),
        Some(("map", element)) => Type::map(ty(element)),
        _ => match name {
            "bool" => Type::Bool,
            "number" => Type::Number,
            _ => Type::String,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_schema_and_both_its_names() {
        let facts = find("proxmox_virtual_environment_vm", false).unwrap();
        let schema = resource(facts);
        assert!(schema.block.blocks.contains_key("disk"));
        assert_eq!(
            schema.block.attributes["node_name"].presence,
            Presence::Required
        );
        let short = find("proxmox_download_file", false).unwrap();
        assert!(
            short
                .names
                .contains(&"proxmox_virtual_environment_download_file".to_owned())
        );
        for facts in all() {
            resource(facts);
        }
    }

    #[test]
    fn an_empty_text_leaves_the_choice_to_the_server_where_it_has_one() {
        for (facts, block, name, chosen) in [
            ("proxmox_vm_qemu", "network", "macaddr", true),
            (
                "proxmox_virtual_environment_vm",
                "network_device",
                "mac_address",
                true,
            ),
            (
                "proxmox_virtual_environment_vm",
                "network_device",
                "bridge",
                false,
            ),
        ] {
            let schema = resource(find(facts, false).unwrap());
            let attribute = &schema.block.blocks[block].block.attributes[name];
            let read = attribute.reads.and_then(|read| read(&Value::string("")));
            assert_eq!(read.is_some(), chosen, "{name}");
            let other = attribute.reads.and_then(|read| read(&Value::string("x")));
            assert_eq!(other, None, "{name}");
        }
    }
}
