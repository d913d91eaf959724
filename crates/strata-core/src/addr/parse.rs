//! Reading addresses as users type them and as state has them.

use std::{fmt, sync::Arc};

use super::{InstanceKey, ModuleInstance, ModuleStep, Resource, ResourceInstance, ResourceMode};

/// What a command can be narrowed to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A module instance and all inside; steps without a key stand for every instance.
    Module(ModuleInstance),
    /// A resource with all its instances, or the one without a key.
    Resource(Resource),
    /// One instance.
    Instance(ResourceInstance),
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an address: {reason}")]
pub struct ParseAddressError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Reads the address of a module instance, such as `module.net["a"].module.b`; empty for the root.
pub fn parse_module(text: &str) -> Result<ModuleInstance, ParseAddressError> {
    match parse_target(text)? {
        Target::Module(module) => Ok(module),
        _ => Err(error(text, "a module was expected")),
    }
}

/// Reads the address of a resource instance, such as `module.a.incus_instance.web["x"]`.
pub fn parse_resource_instance(text: &str) -> Result<ResourceInstance, ParseAddressError> {
    match parse_target(text)? {
        Target::Instance(instance) => Ok(instance),
        Target::Resource(resource) => Ok(resource.instance(None)),
        Target::Module(_) => Err(error(text, "a resource was expected")),
    }
}

/// Reads the address of a module, a resource or one of its instances.
pub fn parse_target(text: &str) -> Result<Target, ParseAddressError> {
    parts(text)
        .and_then(target)
        .map_err(|reason| error(text, reason))
}

fn error(text: &str, reason: &'static str) -> ParseAddressError {
    ParseAddressError {
        text: text.to_owned(),
        reason,
    }
}

struct Part {
    name: Arc<str>,
    key: Option<InstanceKey>,
}

fn target(parts: Vec<Part>) -> Result<Target, &'static str> {
    let mut parts = parts.into_iter().peekable();
    let mut module = ModuleInstance::root();
    while parts.next_if(is_word("module")).is_some() {
        let Part { name, key } = parts.next().ok_or("a module's name is missing")?;
        module.0.push(ModuleStep { name, key });
    }
    if parts.peek().is_none() {
        return Ok(Target::Module(module));
    }
    let mode = if parts.next_if(is_word("data")).is_some() {
        ResourceMode::Data
    } else if parts.next_if(is_word("ephemeral")).is_some() {
        ResourceMode::Ephemeral
    } else {
        ResourceMode::Managed
    };
    let type_name = parts.next().ok_or("a resource type is missing")?;
    let name = parts.next().ok_or("a resource's name is missing")?;
    if type_name.key.is_some() || parts.next().is_some() {
        return Err("there is more than a resource's type, name and key");
    }
    let resource = module.resource(mode, type_name.name, name.name);
    Ok(match name.key {
        None => Target::Resource(resource),
        key => Target::Instance(resource.instance(key)),
    })
}

fn is_word(word: &'static str) -> impl Fn(&Part) -> bool {
    move |part| &*part.name == word && part.key.is_none()
}

fn parts(text: &str) -> Result<Vec<Part>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if !is_name(name) {
            return Err("a name was expected");
        }
        let (key, after) = match after.strip_prefix('[') {
            Some(after) => key(after).map(|(key, after)| (Some(key), after))?,
            None => (None, after),
        };
        parts.push(Part {
            name: name.into(),
            key,
        });
        rest = match after.strip_prefix('.') {
            Some("") => return Err("it ends in a dot"),
            Some(after) => after,
            None if after.is_empty() => "",
            None => return Err("a dot was expected"),
        };
    }
    Ok(parts)
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Reads what stands after `[`, and the closing bracket.
fn key(text: &str) -> Result<(InstanceKey, &str), &'static str> {
    let (key, rest) = match text.strip_prefix('"') {
        Some(quoted) => {
            string(quoted).map(|(key, rest)| (InstanceKey::String(key.into()), rest))?
        }
        None => {
            let end = text.find(']').ok_or("a bracket is not closed")?;
            let number = text[..end]
                .parse()
                .map_err(|_| "a key is neither a number nor quoted")?;
            (InstanceKey::Int(number), &text[end..])
        }
    };
    let rest = rest.strip_prefix(']').ok_or("a bracket is not closed")?;
    Ok((key, rest))
}

/// Reads what stands after an opening quote, and the closing one.
fn string(text: &str) -> Result<(String, &str), &'static str> {
    let mut key = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((key, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, 'n')) => key.push('\n'),
                Some((_, 'r')) => key.push('\r'),
                Some((_, 't')) => key.push('\t'),
                Some((_, c @ ('"' | '\\'))) => key.push(c),
                _ => return Err("a key has an escape that is not known"),
            },
            // `$${` is how `${` is written, as in a template.
            '$' | '%' if text[at + 1..].starts_with(&format!("{c}{{")) => {
                key.push(c);
                chars.next();
            }
            c => key.push(c),
        }
    }
    Err("a quote is not closed")
}

impl Target {
    /// True if it stands for this instance too.
    pub fn covers(&self, instance: &ResourceInstance) -> bool {
        match self {
            Target::Instance(target) => target == instance,
            Target::Resource(target) => *target == instance.resource,
            Target::Module(target) => covers_module(target, &instance.resource.module),
        }
    }
}

fn covers_module(target: &ModuleInstance, module: &ModuleInstance) -> bool {
    let same = |(target, step): (&ModuleStep, &ModuleStep)| {
        target.name == step.name && (target.key.is_none() || target.key == step.key)
    };
    target.0.len() <= module.0.len() && target.0.iter().zip(&module.0).all(same)
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Module(module) => module.fmt(f),
            Target::Resource(resource) => resource.fmt(f),
            Target::Instance(instance) => instance.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for text in [
            "a.b",
            "data.a.b[3]",
            r#"module.m["x.y]"].module.n[0].a-1.b_2["q\"\\\n$${x} $$"]"#,
            "module.m",
        ] {
            assert_eq!(parse_target(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "a", "a.", "a..b", "a.b[", "a.b[x]", "a.b[\"x]", "a.b.c", "1.b", "module", "a[0].b",
        ] {
            assert!(parse_target(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_module_without_key_covers_all_its_instances() {
        let instance = parse_resource_instance("module.m[1].a.b[0]").unwrap();
        let covers = |text: &str| parse_target(text).unwrap().covers(&instance);
        assert!(covers("module.m") && covers("module.m[1]") && covers("module.m[1].a.b"));
        assert!(!covers("module.m[2]") && !covers("a.b") && !covers("module.m[1].a.b[1]"));
    }
}
