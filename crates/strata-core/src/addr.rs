//! What things are called: addresses, absolute and printed as users type them.

mod parse;

use std::{cmp::Ordering, fmt, sync::Arc};

pub use parse::{ParseAddressError, Target, parse_module, parse_resource_instance, parse_target};

/// Which instance of something with `count` or `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstanceKey {
    /// With `count`, from 0.
    Int(i64),
    /// With `for_each`.
    String(Arc<str>),
}

/// One call of a module on the way from the root, with its instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleStep {
    /// The name of the `module` block.
    pub name: Arc<str>,
    /// None without `count` and `for_each`.
    pub key: Option<InstanceKey>,
}

/// An instance of a module: the steps from the root module, which is the empty path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleInstance(pub Vec<ModuleStep>);

/// A module as configuration has it, without instances: the names of the calls from the root.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Module(pub Vec<Arc<str>>);

/// What kind of object a `resource`, `data` or `ephemeral` block describes; data sources come first, as in Terraform's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceMode {
    /// A `data` block: Strata reads it.
    Data,
    /// A `resource` block: Strata makes it.
    Managed,
    /// An `ephemeral` block: Strata opens it for one run, and keeps nothing of it.
    Ephemeral,
}

/// A resource block as configuration has it, in a module without instances.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConfigResource {
    /// The module that the block is in.
    pub module: Module,
    /// `resource` or `data`.
    pub mode: ResourceMode,
    /// The resource type, such as `incus_instance`.
    pub type_name: Arc<str>,
    /// The block's name.
    pub name: Arc<str>,
}

/// A resource in one module instance, with all its instances.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// The module instance.
    pub module: ModuleInstance,
    /// `resource` or `data`.
    pub mode: ResourceMode,
    /// The resource type, such as `incus_instance`.
    pub type_name: Arc<str>,
    /// The block's name.
    pub name: Arc<str>,
}

/// One instance of a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceInstance {
    /// The resource.
    pub resource: Resource,
    /// None without `count` and `for_each`.
    pub key: Option<InstanceKey>,
}

/// A host by its inventory name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Host(pub Arc<str>);

impl ResourceMode {
    /// What stands before the type in an address.
    pub fn prefix(self) -> &'static str {
        match self {
            ResourceMode::Managed => "",
            ResourceMode::Data => "data.",
            ResourceMode::Ephemeral => "ephemeral.",
        }
    }

    /// Its name in state files and JSON.
    pub fn name(self) -> &'static str {
        match self {
            ResourceMode::Managed => "managed",
            ResourceMode::Data => "data",
            ResourceMode::Ephemeral => "ephemeral",
        }
    }
}

impl ModuleInstance {
    /// The root module.
    pub fn root() -> Self {
        Self::default()
    }

    /// The module called from this one.
    #[must_use]
    pub fn child(&self, name: impl Into<Arc<str>>, key: Option<InstanceKey>) -> Self {
        let mut steps = self.0.clone();
        steps.push(ModuleStep {
            name: name.into(),
            key,
        });
        Self(steps)
    }

    /// The module without instances.
    pub fn module(&self) -> Module {
        Module(self.0.iter().map(|step| step.name.clone()).collect())
    }

    /// A resource in this module instance.
    pub fn resource(
        &self,
        mode: ResourceMode,
        type_name: impl Into<Arc<str>>,
        name: impl Into<Arc<str>>,
    ) -> Resource {
        Resource {
            module: self.clone(),
            mode,
            type_name: type_name.into(),
            name: name.into(),
        }
    }
}

impl Module {
    /// The root module.
    pub fn root() -> Self {
        Self::default()
    }

    /// The module called from this one.
    #[must_use]
    pub fn child(&self, name: impl Into<Arc<str>>) -> Self {
        let mut names = self.0.clone();
        names.push(name.into());
        Self(names)
    }
}

impl Resource {
    /// One instance of this resource.
    pub fn instance(&self, key: Option<InstanceKey>) -> ResourceInstance {
        ResourceInstance {
            resource: self.clone(),
            key,
        }
    }

    /// The block that describes this resource.
    pub fn config(&self) -> ConfigResource {
        ConfigResource {
            module: self.module.module(),
            mode: self.mode,
            type_name: self.type_name.clone(),
            name: self.name.clone(),
        }
    }
}

/// Many resources share the text of their type: then there is nothing to compare, nor to fetch from memory.
fn order_types(left: &Arc<str>, right: &Arc<str>) -> Ordering {
    match Arc::ptr_eq(left, right) {
        true => Ordering::Equal,
        false => left.cmp(right),
    }
}

impl Ord for ConfigResource {
    /// By module, mode, type and name.
    fn cmp(&self, other: &Self) -> Ordering {
        let places = (&self.module, self.mode).cmp(&(&other.module, other.mode));
        places
            .then_with(|| order_types(&self.type_name, &other.type_name))
            .then_with(|| self.name.cmp(&other.name))
    }
}

impl PartialOrd for ConfigResource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Resource {
    /// By module instance, mode, type and name.
    fn cmp(&self, other: &Self) -> Ordering {
        let places = (&self.module, self.mode).cmp(&(&other.module, other.mode));
        places
            .then_with(|| order_types(&self.type_name, &other.type_name))
            .then_with(|| match Arc::ptr_eq(&self.name, &other.name) {
                true => Ordering::Equal,
                false => self.name.cmp(&other.name),
            })
    }
}

impl PartialOrd for Resource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for InstanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InstanceKey::Int(index) => write!(f, "[{index}]"),
            InstanceKey::String(key) => write!(f, "[{}]", quote(key)),
        }
    }
}

/// Quotes text as an HCL string literal, so that the address can be pasted into a configuration or a shell.
fn quote(text: &str) -> String {
    if !text.contains(['"', '\\', '\n', '\r', '\t', '$', '%']) {
        return ["\"", text, "\""].concat();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted.replace("${", "$${").replace("%{", "%%{")
}

impl fmt::Display for ModuleInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            let dot = if position == 0 { "" } else { "." };
            for part in [dot, "module.", &step.name] {
                f.write_str(part)?;
            }
            step.key.iter().try_for_each(|key| key.fmt(f))?;
        }
        Ok(())
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: Vec<_> = self.0.iter().map(|name| format!("module.{name}")).collect();
        f.write_str(&calls.join("."))
    }
}

fn write_resource(
    f: &mut fmt::Formatter<'_>,
    module: Option<&dyn fmt::Display>,
    mode: ResourceMode,
    type_name: &str,
    name: &str,
) -> fmt::Result {
    if let Some(module) = module {
        module.fmt(f)?;
        f.write_str(".")?;
    }
    for part in [mode.prefix(), type_name, ".", name] {
        f.write_str(part)?;
    }
    Ok(())
}

impl fmt::Display for ConfigResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module: &dyn fmt::Display = &self.module;
        let module = Some(module).filter(|_| !self.module.0.is_empty());
        write_resource(f, module, self.mode, &self.type_name, &self.name)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let module: &dyn fmt::Display = &self.module;
        let module = Some(module).filter(|_| !self.module.0.is_empty());
        write_resource(f, module, self.mode, &self.type_name, &self.name)
    }
}

impl fmt::Display for ResourceInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resource.fmt(f)?;
        self.key.iter().try_for_each(|key| key.fmt(f))
    }
}

impl serde::Serialize for ResourceInstance {
    /// As users type it.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_print_as_users_type_them() {
        let module = ModuleInstance::root().child("net", Some(InstanceKey::String("a\"b".into())));
        let resource = module.resource(ResourceMode::Data, "incus_network", "lan");
        let instance = resource.instance(Some(InstanceKey::Int(2)));
        assert_eq!(
            instance.to_string(),
            r#"module.net["a\"b"].data.incus_network.lan[2]"#
        );
        assert_eq!(
            resource.config().to_string(),
            "module.net.data.incus_network.lan"
        );
        let root = ModuleInstance::root()
            .resource(ResourceMode::Managed, "a", "b")
            .instance(None);
        assert_eq!(root.to_string(), "a.b");
    }
}
