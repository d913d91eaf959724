//! Plain objects: made, read, changed and removed by one call each, as a table says.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostics};

use super::{
    form::{Field, Form},
    kind::{Doing, Kind, Outcome, Planned, Work},
    value,
};
use crate::client::{ClientError, Params, path};

/// A plain kind.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) name: &'static str,
    pub(crate) noun: &'static str,
    /// Where all are; `{attribute}` stands for an attribute's value.
    pub(crate) all: &'static str,
    /// Where one is.
    pub(crate) one: &'static str,
    /// The id in state, made of attributes.
    pub(crate) id: &'static str,
    /// What an import id looks like, by attributes.
    pub(crate) import: &'static str,
    pub(crate) fields: &'static [Field],
    /// Parameters that are always sent on create.
    pub(crate) fixed: &'static [(&'static str, &'static str)],
    /// True if an update sends all, because the server forgets what is left out.
    pub(crate) whole: bool,
    /// True if settings are taken away by `delete`.
    pub(crate) deletes: bool,
    /// A path to PUT to when something changed, such as a reload.
    pub(crate) then: Option<&'static str>,
    /// True for settings of something that is always there: removing them takes them back.
    pub(crate) resets: bool,
    pub(crate) refused: &'static [&'static str],
    /// Where one is read, if not at `one`.
    pub(crate) read: Option<&'static str>,
    /// Parameters of its removal.
    pub(crate) removal: &'static [Field],
    /// Attributes that are told and never set, and what tells them.
    pub(crate) told: &'static [(&'static str, &'static str)],
    /// True if nothing can be changed: each field makes it anew.
    pub(crate) frozen: bool,
    /// Attributes that each change sends again, because the server asks for them.
    pub(crate) always: &'static [&'static str],
    /// How the names of attributes begin that belong to one `type` alone, and that type.
    pub(crate) of_type: &'static [(&'static str, &'static str)],
    /// Attributes that the server tells anew when another one changes, each with that other.
    pub(crate) follows: &'static [(&'static str, &'static str)],
}

/// Puts attributes in the place of their names.
fn fill(template: &str, object: &Json) -> String {
    let segments = template.split('/').filter(|segment| !segment.is_empty());
    let segments: Vec<String> = segments.map(|segment| insert(segment, object)).collect();
    path(&segments.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(crate) fn insert(template: &str, object: &Json) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        text.push_str(&value::text(&object[name]).unwrap_or_default());
        rest = after;
    }
    text.push_str(rest);
    text
}

impl Plain {
    fn params(&self, object: &Json, creating: bool) -> Params {
        let mut params = Params::new();
        let sent = |field: &&Field| (creating || !field.once) && self.is_sent(field, object);
        for field in self.fields.iter().filter(sent) {
            params.maybe(field.parameter, field.write(field.of(object)));
        }
        params
    }

    /// True if a field belongs to the type that an object has.
    fn is_sent(&self, field: &Field, object: &Json) -> bool {
        let mut types = self.of_type.iter();
        types.all(|(start, ty)| !field.attribute.starts_with(start) || object["type"] == *ty)
    }

    /// True if it is known how an object was made: of an imported one it is not.
    fn is_remembered(&self, prior: &Json) -> bool {
        let names = |field: &Field| self.one.contains(&format!("{{{}}}", field.attribute));
        let mut made = self
            .fields
            .iter()
            .filter(|field| field.blind && !names(field));
        made.any(|field| !field.of(prior).is_null())
    }

    /// True for what an argument is when nobody has set it, or what says as much.
    fn is_usual(&self, field: &Field, known: &Json) -> bool {
        let facts = super::schema::find(self.name, false);
        let usual = facts.and_then(|facts| facts.args.get(field.attribute));
        let usual = usual.map_or(&Json::Null, |arg| &arg["d"]);
        *known == false || known == usual || is_empty(known)
    }

    /// What others keep in a nested object that a field does not tell.
    fn keep_others(&self, field: &Field, object: &Json, read: Json) -> Json {
        let Form::Object(parts) = field.form else {
            return read;
        };
        let known = value::members(&object[field.attribute]).iter();
        let others = known.filter(|(name, value)| {
            !value.is_null() && !parts.iter().any(|(part, _)| part == name)
        });
        let others: Vec<(&String, &Json)> = others.collect();
        if others.is_empty() {
            return read;
        }
        let mut read = match read.is_null() {
            true => field.read(&json!({})),
            false => read,
        };
        for (name, value) in others {
            read[name] = value.clone();
        }
        read
    }

    async fn reload(&self, work: &Work<'_>, object: &Json) -> Outcome<()> {
        let Some(then) = self.then else {
            return Ok(());
        };
        let reloaded = work.put(&fill(then, object), &Params::new()).await;
        reloaded
            .map(drop)
            .doing(|| format!("The change of {} could not be applied", self.shown(object)))
    }

    fn shown(&self, object: &Json) -> String {
        format!("{} `{}`", self.noun, insert(self.id, object))
    }

    async fn lock(
        &self,
        work: &Work<'_>,
        object: &Json,
    ) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        match (self.then, object["node_name"].as_str()) {
            (Some(_), Some(node)) => Some(work.session.node_lock(node).lock_owned().await),
            _ => None,
        }
    }
}

impl Kind for Plain {
    fn name(&self) -> &'static str {
        self.name
    }

    fn noun(&self) -> &'static str {
        self.noun
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn validate(&self, _config: &Json, _diags: &mut Diagnostics) {}

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            if let Some(prior) = planned.prior {
                // What is in the place of an object cannot be changed: it names the object.
                let place = |object: &Json| insert(self.one, object);
                if place(prior) != place(planned.planned) {
                    let names = self
                        .one
                        .split('{')
                        .skip(1)
                        .filter_map(|part| part.split('}').next());
                    let changed = names.filter(|name| prior[*name] != planned.planned[*name]);
                    planned.replace.extend(changed);
                }
                let changes = |name: &str| prior[name] != planned.planned[name];
                let follows = self.follows.iter().filter(|(_, other)| changes(other));
                planned.reopen.extend(follows.map(|(name, _)| *name));
                if self.frozen && self.is_remembered(prior) {
                    let changed = |field: &&Field| field.of(prior) != field.of(planned.planned);
                    let names = self
                        .fields
                        .iter()
                        .filter(changed)
                        .map(|field| field.attribute);
                    planned.replace.extend(names);
                }
            }
            Ok(())
        })
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let mut params = self.params(object, true);
            for (name, text) in self.fixed {
                params.set(*name, text);
            }
            let _turn = self.lock(work, object).await;
            let made = match self.all.strip_prefix("PUT ") {
                Some(all) => work.put(&fill(all, object), &params).await,
                None => work.post(&fill(self.all, object), &params).await,
            };
            let answer = made.doing(|| format!("The {} was not created", self.shown(object)))?;
            if let Some(token) = answer["value"].as_str() {
                let id = answer["full-tokenid"].as_str().unwrap_or_default();
                object["value"] = json!(format!("{id}={token}"));
            }
            let key = answer["config"]["encryption-key"].as_str();
            if let Some(key) = key.filter(|_| object["generate_encryption_key"] == true) {
                object["generated_encryption_key"] = json!(key);
            }
            object["id"] = json!(insert(self.id, object));
            self.reload(work, object)
                .await
                .map_err(|failure| failure.half_made())?;
            self.read(work, object)
                .await
                .map(drop)
                .map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let found = work
                .session
                .client
                .find(&fill(self.read.unwrap_or(self.one), object))
                .await;
            let told = match found {
                Ok(Some(told)) => told,
                Ok(None) => return Ok(false),
                Err(error) => {
                    return Err::<bool, ClientError>(error)
                        .doing(|| format!("The {} cannot be read", self.shown(object)));
                }
            };
            let imported = object["(imported)"] == true;
            for field in self.fields.iter().filter(|field| !field.blind) {
                let source = if field.form == Form::Members {
                    &told
                } else {
                    &told[field.parameter]
                };
                let known = field.of(object);
                // What was written by its other name is kept in no state.
                let written = format!("{}_wo_version", field.attribute);
                if known.is_null() && !object[written.as_str()].is_null() {
                    continue;
                }
                let mut read = self.keep_others(field, object, field.read(source));
                // What the server leaves out stands at its default, and that is what state has.
                let stays = read.is_null() && self.is_usual(field, known) && !imported;
                if stays {
                    continue;
                }
                // An empty list or text and none at all are the same to the server.
                let nothing = read == json!([])
                    || read == ""
                    || (field.form == Form::Time && read == NEVER)
                    || (field.form == Form::On && read == true);
                if nothing && known.is_null() {
                    continue;
                }
                if read.is_null() && known.is_array() {
                    read = json!([]);
                }
                if !same(known, &read) {
                    field.put(object, read);
                }
            }
            for (attribute, name) in self.told {
                object[*attribute] = told[*name].clone();
            }
            object["id"] = json!(insert(self.id, object));
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let mut params = Params::new();
            let mut gone = Vec::new();
            let changeable = |field: &&Field| !field.once && self.is_sent(field, object);
            for field in self.fields.iter().filter(changeable) {
                let (before, after) = (field.of(prior), field.of(object));
                let always = self.whole || self.always.contains(&field.attribute);
                if before == after && !always {
                    continue;
                }
                match field.write(after) {
                    Some(text) => drop(params.set(field.parameter, text)),
                    None if before.is_null() => {}
                    // No time at all is a number of its own.
                    None if field.form == Form::Time => drop(params.set(field.parameter, 0)),
                    None if self.deletes => gone.push(field.parameter),
                    None => drop(params.set(field.parameter, "")),
                }
            }
            if !gone.is_empty() {
                params.set("delete", gone.join(","));
            }
            let _turn = self.lock(work, object).await;
            if !params.is_empty() {
                if self.whole {
                    for (name, text) in self.fixed {
                        params.set(*name, text);
                    }
                }
                let changed = work.put(&fill(self.one, object), &params).await;
                changed.doing(|| format!("The {} was not changed", self.shown(object)))?;
                self.reload(work, object).await?;
            }
            self.read(work, object).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let _turn = self.lock(work, object).await;
            if self.all.starts_with("PUT ") && !self.resets {
                // A setting of the node itself: there is nothing to take away.
                return Ok(());
            }
            if self.resets {
                let names: Vec<&str> = self.fields.iter().map(|field| field.parameter).collect();
                let params = Params::new().with("delete", names.join(","));
                let one = fill(self.one, object);
                let reset = work.put(&one, &params).await;
                return reset
                    .map(drop)
                    .doing(|| format!("The {} was not taken back", self.shown(object)));
            }
            let mut params = Params::new();
            for field in self.removal {
                params.maybe(field.parameter, field.write(field.of(object)));
            }
            let gone = work.delete(&fill(self.one, object), &params).await;
            gone.doing(|| format!("The {} was not deleted", self.shown(object)))?;
            self.reload(work, object).await
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        read_import(self.import, id)
            .ok_or_else(|| format!("an id looks like `{}`", self.import.replace(['{', '}'], "")))
    }

    fn find<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(async move {
            let planned = self.params(object, false);
            if !self.read(work, object).await? {
                return Ok(None);
            }
            // It carries no mark; one that is wholly as planned is taken for ours.
            Ok(Some(self.params(object, false) == planned))
        })
    }
}

/// True for lists that hold the same: most servers keep no order.
fn same(known: &Json, told: &Json) -> bool {
    match (known, told) {
        (Json::Array(known), Json::Array(told)) if known.len() == told.len() => {
            let texts = |items: &[Json]| {
                let mut texts: Vec<String> = items
                    .iter()
                    .map(|item| value::text(item).unwrap_or_else(|| item.to_string()))
                    .collect();
                texts.sort();
                texts
            };
            texts(known) == texts(told)
        }
        _ => known == told,
    }
}

/// The time that stands for none.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// True for what says nothing.
fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Bool(_) | Json::Number(_) => false,
        Json::String(text) => text.is_empty() || text == NEVER,
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
    }
}

/// Takes an import id apart by a template such as `{node_name}:{name}`.
pub(crate) fn read_import(template: &str, id: &str) -> Option<Json> {
    let mut object = json!({});
    let (mut template, mut id) = (template, id);
    while let Some((before, rest)) = template.split_once('{') {
        id = id.strip_prefix(before)?;
        let (name, rest) = rest.split_once('}')?;
        let end = rest.split('{').next().unwrap_or_default();
        let (text, left) = match end.is_empty() {
            true => (id, ""),
            false => id.split_once(end)?,
        };
        if text.is_empty() {
            return None;
        }
        object[name] = json!(text);
        (template, id) = (&rest[end.len()..], left);
    }
    id.is_empty().then_some(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn import_ids_are_taken_apart_by_their_template() {
        assert_eq!(
            read_import("{node_name}:{name}", "pve:vmbr9"),
            Some(json!({ "node_name": "pve", "name": "vmbr9" }))
        );
        assert_eq!(read_import("{node_name}:{name}", "vmbr9"), None);
        assert_eq!(read_import("{id}", "a/b"), Some(json!({ "id": "a/b" })));
        let pool = Some(json!({ "poolid": "p" }));
        assert_eq!(read_import("pools/{poolid}", "pools/p"), pool);
        assert_eq!(read_import("pools/{poolid}", "p"), None);
    }

    #[test]
    fn paths_are_filled_with_attributes() {
        let object = json!({ "user_id": "a@pve", "token_name": "t/1" });
        assert_eq!(
            fill("/access/users/{user_id}/token/{token_name}", &object),
            "/access/users/a%40pve/token/t%2F1"
        );
        assert_eq!(insert("{user_id}!{token_name}", &object), "a@pve!t/1");
    }
}
