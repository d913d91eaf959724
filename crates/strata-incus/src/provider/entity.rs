//! What tells one kind of plain object from the others, and how a server describes them.

use serde::Deserialize;
use serde_json::Value as Json;
use strata_core::{Diagnostics, Value, schema::Resource};

use super::{
    attributes::{self, Attributes, Texts},
    config::IsComputed,
    devices::Devices,
    source::SourceFile,
    table::Table,
};
use crate::client::{ApiPath, Holder};

/// The status of what is announced on some cluster members, but not made yet.
pub(crate) const PENDING: &str = "Pending";

/// What tells one kind of plain object from the others.
pub(crate) trait Entity: Send + Sync {
    /// The type in configuration.
    fn type_name(&self) -> &'static str;

    /// The word for it in messages.
    fn noun(&self) -> &'static str;

    /// Its attributes.
    fn schema(&self) -> Resource;

    /// What computed attributes are if configuration does not say.
    fn defaults(&self) -> Vec<(&'static str, Value)> {
        let description = ("description", Value::from(""));
        let config = ("config", attributes::map(&Texts::new()));
        let description = self.has_description().then_some(description);
        let config = self.has_config().then_some(config);
        description.into_iter().chain(config).collect()
    }

    /// Attributes whose change needs a new object.
    fn replacing(&self) -> &'static [&'static str];

    /// Attributes that the schema has but that are refused if set.
    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    /// Further checks of a configuration.
    fn validate(&self, _config: Attributes<'_>, _diags: &mut Diagnostics) {}

    /// Computed attributes that follow from what is planned.
    fn derived(&self, _planned: Attributes<'_>) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Where it is, below `/1.0`; without the last segment, where its kind is made.
    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str>;

    /// Where its kind is made.
    fn collection(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let segments = self.segments(object);
        let (_, above) = segments.split_last().unwrap_or((&"", &[]));
        self.placed(ApiPath::new(above), object, project)
    }

    /// Where it is.
    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        self.placed(ApiPath::new(&self.segments(object)), object, project)
    }

    /// The path with its project, and with the cluster member if one is named.
    fn placed(&self, path: ApiPath, object: Attributes<'_>, project: &str) -> ApiPath {
        let path = match self.has_project() {
            true => path.project(project),
            false => path,
        };
        match object.some_text("target") {
            Some(member) => path.query("target", member),
            None => path,
        }
    }

    /// Keys that the server adds to its `config`.
    fn is_computed(&self) -> IsComputed {
        |_| false
    }

    /// True if it has a `description`.
    fn has_description(&self) -> bool {
        true
    }

    /// True if it has a `config`.
    fn has_config(&self) -> bool {
        true
    }

    /// True if its `config` may carry our mark. Where it cannot, the name is looked for once more right
    /// before the create, and what is found after a create without an answer is ours if it is as planned.
    fn is_markable(&self, object: Attributes<'_>) -> bool {
        self.has_config() && !self.is_part(object) && !self.is_given(object)
    }

    /// True if it is only a cluster member's part of an object, which is made and removed as a whole.
    fn is_part(&self, _object: Attributes<'_>) -> bool {
        false
    }

    /// True if it is there as soon as its project is: it is changed instead of made, and emptied instead of removed.
    fn is_given(&self, _object: Attributes<'_>) -> bool {
        false
    }

    /// True if it may be a bridge of the server's: made and removed in a call that the server goes on with when
    /// nobody waits for its answer.
    fn may_be_bridge(&self, _object: Attributes<'_>) -> bool {
        false
    }

    /// True if another `name` renames it.
    fn is_renamed(&self) -> bool {
        false
    }

    /// True if it has `device` blocks.
    fn has_devices(&self) -> bool {
        false
    }

    /// Sets of small objects that it has.
    fn tables(&self) -> &'static [Table] {
        &[]
    }

    /// The attribute that names it in messages, and in the create call if that is `name`.
    fn name_attribute(&self) -> &'static str {
        "name"
    }

    /// Brings back keys that the server keeps in other words than the user's.
    fn as_written(&self, _known: &Texts, _server: &Texts, _shown: &mut Texts) {}

    /// What the create call says beside name, description, config, devices and tables.
    fn create_fields(&self, _object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    /// The backup that it is made from, if it is.
    fn source_file<'a>(&self, _object: Attributes<'a>) -> Option<SourceFile<'a>> {
        None
    }

    /// The remote of what it is copied from, if that is another one than its own.
    fn source_remote<'a>(&self, _object: Attributes<'a>) -> Option<&'a str> {
        None
    }

    /// Where its `file` blocks go, if it has some.
    fn files(&self, _object: Attributes<'_>, _project: &str) -> Option<Holder> {
        None
    }

    /// What the update call says beside description, config, devices and tables.
    fn update_fields(
        &self,
        _object: Attributes<'_>,
        _server: &ServerObject,
    ) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    /// Attributes beside name, description, config, devices and tables that the server tells.
    fn read_fields(
        &self,
        _known: Attributes<'_>,
        _server: &ServerObject,
    ) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The path for the delete call, if it says more than where the object is.
    fn delete_path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        match self.is_part(object) {
            true => ApiPath::new(&self.segments(object)).project(project),
            false => self.path(object, project),
        }
    }

    /// What to do when a create is refused, as far as its reason tells.
    fn create_hint(&self, _object: Attributes<'_>, _reason: &str) -> Option<String> {
        None
    }

    /// What to do when a delete is refused.
    fn delete_hint(&self) -> Option<&'static str> {
        None
    }

    /// The attributes that an import id names, after remote and project.
    fn import_names(&self) -> &'static [&'static str] {
        &["name"]
    }

    /// Attributes that an imported object has although no server tells them.
    fn imported(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// True if it is in a project.
    fn has_project(&self) -> bool {
        true
    }
}

/// A plain object as the server describes it.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ServerObject {
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) config: Option<Texts>,
    #[serde(default)]
    pub(crate) devices: Option<Devices>,
    #[serde(default, rename = "type")]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) managed: bool,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) location: String,
    #[serde(default)]
    pub(crate) content_type: String,
    /// All else that it is told with.
    #[serde(flatten)]
    pub(crate) rest: serde_json::Map<String, Json>,
}

impl ServerObject {
    /// A list of texts that it has.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let texts = self.rest.get(name).and_then(Json::as_array);
        let texts = texts.into_iter().flatten().filter_map(Json::as_str);
        texts.map(str::to_owned).collect()
    }
}
