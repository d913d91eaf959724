//! `device` blocks: in configuration a set of blocks, on the server a map by name.

use std::collections::BTreeMap;

use strata_core::{
    Type, Value,
    schema::{Attribute, Block, NestedBlock, Nesting, Presence},
};

use super::attributes::{self, Attributes, Texts};

/// Devices by name; each has its properties and a `type` among them.
pub(crate) type Devices = BTreeMap<String, Texts>;

/// The types that Incus knows.
pub(crate) const TYPES: [&str; 12] = [
    "none",
    "disk",
    "nic",
    "unix-char",
    "unix-block",
    "usb",
    "gpu",
    "infiniband",
    "proxy",
    "unix-hotplug",
    "tpm",
    "pci",
];

/// The schema of the block; in data sources everything is computed.
pub(crate) fn schema(presence: Presence) -> NestedBlock {
    let properties = Attribute::new(Type::map(Type::String), presence, "Its properties.");
    let attributes = [
        (
            "name",
            Attribute::new(Type::String, presence, "The device's name."),
        ),
        (
            "type",
            Attribute::new(Type::String, presence, "What kind of device it is."),
        ),
        ("properties", properties),
    ];
    NestedBlock {
        nesting: Nesting::Set,
        block: Block {
            attributes: attributes
                .map(|(name, attribute)| (name.into(), attribute))
                .into(),
            blocks: BTreeMap::new(),
            description: "A device of the instance.",
        },
        min_items: 0,
        max_items: 0,
    }
}

/// The devices that a value's blocks describe.
pub(crate) fn of(object: &Value) -> Devices {
    Attributes(object)
        .blocks("device")
        .filter_map(|block| {
            let mut properties = block.map("properties");
            properties.insert("type".to_owned(), block.text("type")?.to_owned());
            Some((block.text("name")?.to_owned(), properties))
        })
        .collect()
}

/// The blocks that describe devices.
pub(crate) fn value(devices: &Devices) -> Value {
    let element = schema(Presence::Required).block.implied_type();
    let blocks = devices.iter().map(|(name, properties)| {
        let mut properties = properties.clone();
        let kind = properties.remove("type");
        Value::object([
            ("name", Value::from(name.as_str())),
            ("type", attributes::text(kind.as_deref())),
            ("properties", attributes::map(&properties)),
        ])
    });
    Value::set(element, blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_go_into_blocks_and_back() {
        let root = [("type", "disk"), ("path", "/"), ("pool", "default")];
        let root: Texts = root
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        let devices = Devices::from([("root".to_owned(), root)]);
        let object = Value::object([("device", value(&devices))]);
        assert_eq!(of(&object), devices);
    }
}
