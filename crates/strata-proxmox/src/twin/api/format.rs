//! Named formats: what `pve-vmid`, `ipv4` or `pve-qm-boot` look like.

use serde_json::{Value as Json, json};
use std::sync::OnceLock;

use super::{property, schema::matches};

/// Compares a text with a named format; the words of PVE, with their newline, if it does not fit.
/// A format that we do not know lets all pass.
pub(super) fn check(format: &str, name: &str, text: &str) -> Result<(), String> {
    if let Some(parts) = parts_of(format) {
        return property::check(name, parts, text);
    }
    match format {
        "pve-qm-boot" if !text.contains('=') => legacy_boot(text),
        "pve-qm-boot" => property::check(name, boot(), text),
        "pve-hotplug-features" => hotplug(text),
        "pve-tag-list" => each(text, tag_fits),
        "pve-storage-content-list" => each(text, content),
        "string-list" => Ok(()),
        "strata-boot-devices" => each(text, |device| match boot_device(device) {
            true => Ok(()),
            false => Err(format!("invalid boot device '{device}'\n")),
        }),
        _ => match format
            .strip_suffix("-list")
            .or_else(|| format.strip_suffix("-opt"))
        {
            Some(_) if format.ends_with("-opt") && text.is_empty() => Ok(()),
            Some(single) => each(text, |item| one(single, item)),
            None => one(format, text),
        },
    }
}

fn each(text: &str, check: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
    let separator = |c: char| c == ',' || c == ';' || c == '\0' || c.is_whitespace();
    text.split(separator)
        .filter(|item| !item.is_empty())
        .try_for_each(check)
}

fn one(format: &str, text: &str) -> Result<(), String> {
    let (fits, what) = match format {
        "pve-vmid" => (is_vmid(text), "value does not look like a valid VM ID"),
        "pve-node" => (
            matches(r"^[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?$", text),
            "value does not look like a valid node name",
        ),
        "dns-name" => (
            is_dns_name(text),
            "value does not look like a valid DNS name",
        ),
        "address" => (
            is_ip(text) || is_dns_name(text),
            "value does not look like a valid IP address or DNS name",
        ),
        "ip" => (is_ip(text), "value does not look like a valid IP address"),
        "ipv4" => (
            is_ipv4(text),
            "value does not look like a valid IPv4 address",
        ),
        "ipv6" => (
            is_ipv6(text),
            "value does not look like a valid IPv6 address",
        ),
        "CIDR" => (
            is_cidr(text, |_| true),
            "value does not look like a valid CIDR network",
        ),
        "CIDRv4" => (
            is_cidr(text, |ip| ip.is_ipv4()),
            "value does not look like a valid IPv4 network",
        ),
        "CIDRv6" => (
            is_cidr(text, |ip| ip.is_ipv6()),
            "value does not look like a valid IPv6 network",
        ),
        "IPorCIDR" => (
            is_ip(text) || is_cidr(text, |_| true),
            "value does not look like a valid IP address or CIDR network",
        ),
        "IPorCIDRorAlias" => (
            is_ip(text)
                || is_cidr(text, |_| true)
                || matches(r"^((dc|guest)/)?[A-Za-z][A-Za-z0-9\-_]+$", text),
            "value does not look like a valid IP address or CIDR network",
        ),
        "pve-ipv4-config" => (
            matches!(text, "dhcp" | "manual") || is_cidr(text, |ip| ip.is_ipv4()),
            "value does not look like a valid ipv4 network configuration",
        ),
        "pve-ipv6-config" => (
            matches!(text, "dhcp" | "manual" | "auto") || is_cidr(text, |ip| ip.is_ipv6()),
            "value does not look like a valid ipv6 network configuration",
        ),
        "mac-addr" => (
            is_mac(text),
            "value does not look like a valid unicast MAC address",
        ),
        "disk-size" => (
            matches(r"^(\d+(\.\d+)?)([KMGT])?$", text),
            "value does not look like a valid disk size",
        ),
        "urlencoded" => return urlencoded(text),
        "pve-qm-bootdisk" => (
            matches(r"^(ide|sata|scsi|virtio|efidisk|tpmstate)\d+$", text),
            "value does not look like a valid boot disk",
        ),
        "pve-vm-cpu-conf" => return cpu(text),
        "email" | "email-or-username" => (
            format != "email"
                || matches(
                    r"^[\w\+\-\~]+(\.[\w\+\-\~]+)*@[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?(\.[a-zA-Z0-9\-]+)*$",
                    text,
                ),
            "value does not look like a valid email address",
        ),
        "pve-startup-order" => return startup(text),
        "pve-storage-id" | "pve-configid" | "pve-roleid" | "pve-poolid" | "pve-groupid"
        | "pve-realm" | "pve-userid" | "pve-volume-id" | "pve-tokenid" => {
            return named(format, text);
        }
        _ => return Ok(()),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{what}\n"))
    }
}

fn named(format: &str, text: &str) -> Result<(), String> {
    let refuse = |reason: String| Err(format!("{reason}\n"));
    match format {
        "pve-storage-id" if !matches(r"(?i)^[a-z][a-z0-9\-_.]*[a-z0-9]$", text) => {
            refuse(format!("storage ID '{text}' contains illegal characters"))
        }
        "pve-configid" if !matches(r"(?i)^[a-z][a-z0-9_-]+$", text) => {
            refuse(format!("invalid configuration ID '{text}'"))
        }
        "pve-roleid" if !matches(r"^[A-Za-z0-9.\-_]+$", text) => {
            refuse(format!("role name '{text}' contains invalid characters"))
        }
        "pve-poolid" if !matches(r"^[A-Za-z0-9.\-_]+(/[A-Za-z0-9.\-_]+){0,2}$", text) => {
            refuse(format!("pool name '{text}' contains invalid characters"))
        }
        "pve-groupid" if !matches(r"^[A-Za-z0-9.\-_]+$", text) => {
            refuse(format!("group name '{text}' contains invalid characters"))
        }
        "pve-realm" if !matches(r"^[A-Za-z][A-Za-z0-9.\-_]+$", text) => {
            refuse("value does not look like a valid realm".to_owned())
        }
        "pve-userid" => userid(text),
        "pve-volume-id"
            if !text
                .split_once(':')
                .is_some_and(|(storage, rest)| !storage.is_empty() && !rest.is_empty()) =>
        {
            refuse(format!("unable to parse volume ID '{text}'"))
        }
        _ => Ok(()),
    }
}

fn userid(text: &str) -> Result<(), String> {
    if text.len() < 3 {
        return Err(format!("user name '{text}' is too short\n"));
    }
    if text.len() > 64 {
        return Err(format!(
            "user name '{text}' is too long ({} > 64)\n",
            text.len()
        ));
    }
    match matches(r"^[^\s:/]+@[A-Za-z][A-Za-z0-9.\-_]+$", text) {
        true => Ok(()),
        false => Err(format!(
            "value '{text}' does not look like a valid user name\n"
        )),
    }
}

fn is_vmid(text: &str) -> bool {
    text.parse::<u32>()
        .is_ok_and(|id| (100..=999_999_999).contains(&id))
        && !text.starts_with('0')
}

fn is_dns_name(text: &str) -> bool {
    matches(
        r"^([a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9\-]*[a-zA-Z0-9])?)*$",
        text,
    )
}

fn is_ip(text: &str) -> bool {
    is_ipv4(text) || is_ipv6(text)
}

fn is_ipv4(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn is_cidr(text: &str, family: impl Fn(std::net::IpAddr) -> bool) -> bool {
    let Some((address, length)) = text.split_once('/') else {
        return false;
    };
    let Ok(address) = address.parse::<std::net::IpAddr>() else {
        return false;
    };
    let (least, most) = if address.is_ipv4() { (1, 32) } else { (1, 128) };
    family(address)
        && length
            .parse::<u8>()
            .is_ok_and(|length| (least..=most).contains(&length))
}

fn is_mac(text: &str) -> bool {
    matches(r"(?i)^[a-f0-9][02468ace](:[a-f0-9]{2}){5}$", text)
}

fn urlencoded(text: &str) -> Result<(), String> {
    match matches(r"^[-%a-zA-Z0-9_.!~*'()]*$", text) {
        true => Ok(()),
        false => Err(format!("invalid urlencoded string: {text}\n")),
    }
}

fn tag_fits(tag: &str) -> Result<(), String> {
    match matches(r"(?i)^[a-z0-9_][a-z0-9_\-+.]*$", tag) {
        true => Ok(()),
        false => Err("invalid characters in tag\n".to_owned()),
    }
}

fn content(item: &str) -> Result<(), String> {
    const KINDS: [&str; 8] = [
        "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import", "none",
    ];
    match KINDS.contains(&item) {
        true => Ok(()),
        false => Err(format!("invalid content type '{item}'\n")),
    }
}

fn hotplug(text: &str) -> Result<(), String> {
    if matches!(text, "0" | "1") {
        return Ok(());
    }
    each(text, |item| match item {
        "network" | "disk" | "cpu" | "memory" | "usb" | "cloudinit" => Ok(()),
        _ => Err(format!("unknown hotplug feature '{item}'\n")),
    })
}

fn legacy_boot(text: &str) -> Result<(), String> {
    match matches(r"^[acdn]{1,4}$", text.trim()) || text.trim().is_empty() {
        true => Ok(()),
        false => property::check("boot", boot(), text),
    }
}

fn boot() -> &'static Json {
    static BOOT: OnceLock<Json> = OnceLock::new();
    BOOT.get_or_init(|| {
        json!({
            "legacy": { "type": "string", "optional": 1, "default_key": 1, "pattern": "[acdn]{1,4}" },
            "order": { "type": "string", "optional": 1, "format": "strata-boot-devices" },
        })
    })
}

fn cpu(text: &str) -> Result<(), String> {
    static CPU: OnceLock<Json> = OnceLock::new();
    let format = CPU.get_or_init(|| {
        json!({
            "cputype": { "type": "string", "optional": 1, "default_key": 1 },
            "reported-model": { "type": "string", "optional": 1 },
            "hidden": { "type": "boolean", "optional": 1 },
            "hv-vendor-id": { "type": "string", "optional": 1, "pattern": "[a-zA-Z0-9]{1,12}" },
            "flags": { "type": "string", "optional": 1, "pattern": "[+-][a-zA-Z0-9\\-_.]+(;[+-][a-zA-Z0-9\\-_.]+)*" },
            "phys-bits": { "type": "string", "optional": 1 },
            "guest-phys-bits": { "type": "integer", "optional": 1 },
        })
    });
    property::check("cpu", format, text)?;
    let parts = property::parse(format, text).map_err(|error| format!("{}\n", error.0))?;
    let Some(model) = parts.get("cputype") else {
        return Ok(());
    };
    if model.starts_with("custom-") || KNOWN_CPUS.iter().any(|known| model.starts_with(known)) {
        return Ok(());
    }
    Err(format!(
        "Built-in cputype '{model}' is not defined (missing 'custom-' prefix?)\n"
    ))
}

/// Beginnings of the processor models that QEMU has.
const KNOWN_CPUS: [&str; 33] = [
    "host",
    "max",
    "kvm",
    "qemu",
    "x86-64-v",
    "486",
    "pentium",
    "coreduo",
    "core2duo",
    "athlon",
    "phenom",
    "Conroe",
    "Penryn",
    "Nehalem",
    "Westmere",
    "SandyBridge",
    "IvyBridge",
    "Haswell",
    "Broadwell",
    "Skylake",
    "Cascadelake",
    "Cooperlake",
    "Icelake",
    "SapphireRapids",
    "GraniteRapids",
    "SierraForest",
    "KnightsMill",
    "Opteron",
    "EPYC",
    "cortex",
    "neoverse",
    "a64fx",
    "ClearwaterForest",
];

fn startup(text: &str) -> Result<(), String> {
    let known = |part: &str| matches(r"^(order=)?\d+$", part) || matches(r"^(up|down)=\d+$", part);
    match text.split(',').all(known) {
        true => Ok(()),
        false => Err("unable to parse startup options\n".to_owned()),
    }
}

/// Property strings that the description names without their parts.
fn parts_of(format: &str) -> Option<&'static Json> {
    static PARTS: OnceLock<Json> = OnceLock::new();
    let parts = PARTS.get_or_init(|| {
        json!({
            "pve-qm-ipconfig": {
                "ip": { "type": "string", "optional": 1, "format": "pve-ipv4-config" },
                "gw": { "type": "string", "optional": 1, "format": "ipv4", "requires": "ip" },
                "ip6": { "type": "string", "optional": 1, "format": "pve-ipv6-config" },
                "gw6": { "type": "string", "optional": 1, "format": "ipv6", "requires": "ip6" },
            },
            "pve-qm-cicustom": {
                "user": { "type": "string", "optional": 1, "format": "pve-volume-id" },
                "network": { "type": "string", "optional": 1, "format": "pve-volume-id" },
                "meta": { "type": "string", "optional": 1, "format": "pve-volume-id" },
                "vendor": { "type": "string", "optional": 1, "format": "pve-volume-id" },
            },
            "pve-qm-watchdog": {
                "model": { "type": "string", "optional": 1, "default_key": 1, "enum": ["i6300esb", "ib700"] },
                "action": { "type": "string", "optional": 1, "enum": ["reset", "shutdown", "poweroff", "pause", "debug", "none"] },
            },
            "pve-qm-rng": {
                "source": { "type": "string", "default_key": 1, "enum": ["/dev/urandom", "/dev/random", "/dev/hwrng"] },
                "max_bytes": { "type": "integer", "optional": 1 },
                "period": { "type": "integer", "optional": 1 },
            },
        })
    });
    parts.get(format)
}

/// A device in `boot: order=…`.
fn boot_device(text: &str) -> bool {
    let stem = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let number: Option<u32> = text[stem.len()..].parse().ok();
    let most = match stem {
        "ide" => 4,
        "sata" => 6,
        "scsi" => 31,
        "virtio" | "hostpci" => 16,
        "net" => 32,
        "usb" => 14,
        _ => 0,
    };
    number.is_some_and(|number| number < most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        assert!(check("pve-ipv4-config", "ip", "10.0.0.1/24").is_ok());
        assert!(check("pve-ipv4-config", "ip", "10.0.0.1").is_err());
        assert!(check("CIDRv6", "x", "10.0.0.0/8").is_err());
    }

    #[test]
    fn lists_are_checked_item_by_item() {
        assert!(check("pve-vmid-list", "vms", "100,101").is_ok());
        assert!(check("pve-vmid-list", "vms", "100,5").is_err());
        assert_eq!(
            check("pve-tag-list", "tags", "a b!;c"),
            Err("invalid characters in tag\n".to_owned())
        );
    }
}
