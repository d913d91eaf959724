//! Plain objects: made, read, changed and removed by one call each, as a table says.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostics};

use super::{
    kind::{Doing, Kind, Outcome, Planned, Work},
    value,
};
use crate::client::{ClientError, Params, path};

/// How an attribute is written as a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A text or number.
    Text,
    /// A truth as 0 or 1.
    Flag,
    /// A list with commas.
    List,
    /// A list with spaces.
    Spaces,
    /// A time as RFC 3339, which PVE keeps as seconds.
    Time,
    /// Members that exist: `{ "A": 1 }`.
    Members,
    /// `name:number` pairs with commas.
    Priorities,
}

/// One attribute and its parameter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) attribute: &'static str,
    pub(crate) parameter: &'static str,
    pub(crate) form: Form,
    /// Sent on create alone.
    pub(crate) once: bool,
    /// Never read back: it is secret, or the server gives it otherwise.
    pub(crate) blind: bool,
}

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
    pub(crate) refused: &'static [&'static str],
}

/// Puts attributes in the place of their names.
fn fill(template: &str, object: &Json) -> String {
    let segments = template.split('/').filter(|segment| !segment.is_empty());
    let segments: Vec<String> = segments.map(|segment| insert(segment, object)).collect();
    path(&segments.iter().map(String::as_str).collect::<Vec<_>>())
}

fn insert(template: &str, object: &Json) -> String {
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

impl Field {
    /// The parameter for an attribute's value; none if there is nothing to send.
    fn write(&self, given: &Json) -> Option<String> {
        let list = |separator: &str| {
            let items = given.as_array()?.iter().filter_map(value::text);
            let mut items: Vec<String> = items.collect();
            if self.form != Form::Spaces {
                items.sort();
            }
            Some(items.join(separator))
        };
        match self.form {
            _ if given.is_null() => None,
            Form::Text => value::text(given),
            Form::Flag => given.as_bool().map(|truth| u8::from(truth).to_string()),
            Form::List | Form::Members => list(","),
            Form::Spaces => list(" "),
            Form::Time => Some(super::guest::seconds(given.as_str()?)?.to_string()),
            Form::Priorities => {
                let pairs =
                    value::members(given)
                        .iter()
                        .map(|(name, number)| match number.is_null() {
                            true => name.clone(),
                            false => format!("{name}:{number}"),
                        });
                Some(pairs.collect::<Vec<_>>().join(","))
            }
        }
    }

    /// The attribute's value as the server tells it.
    fn read(&self, told: &Json) -> Json {
        match self.form {
            Form::Members => told.as_object().map_or(json!([]), |members| {
                members
                    .iter()
                    .filter(|(_, value)| **value == 1)
                    .map(|(name, _)| json!(name))
                    .collect()
            }),
            _ if told.is_null() => Json::Null,
            Form::Text => match told {
                Json::String(text) => json!(text.trim_end_matches('\n')),
                other => other.clone(),
            },
            Form::Flag => value::truth(told).map_or(Json::Null, Json::Bool),
            Form::List | Form::Spaces => items(told),
            Form::Time => {
                value::number(told).map_or(Json::Null, |at| json!(super::guest::rfc3339(at)))
            }
            Form::Priorities => {
                let text = told.as_str().unwrap_or_default();
                let pairs = text
                    .split(',')
                    .filter(|pair| !pair.is_empty())
                    .map(|pair| match pair.split_once(':') {
                        Some((name, number)) => {
                            (name.to_owned(), json!(number.parse::<i64>().ok()))
                        }
                        None => (pair.to_owned(), Json::Null),
                    });
                Json::Object(pairs.collect())
            }
        }
    }
}

fn items(told: &Json) -> Json {
    match told {
        Json::Array(_) => told.clone(),
        Json::String(text) => {
            let separator = |c: char| c == ',' || c == ';' || c == ' ';
            text.split(separator)
                .filter(|item| !item.is_empty())
                .map(|item| json!(item))
                .collect()
        }
        _ => Json::Null,
    }
}

impl Plain {
    fn params(&self, object: &Json, creating: bool) -> Params {
        let mut params = Params::new();
        for field in self.fields.iter().filter(|field| creating || !field.once) {
            params.maybe(field.parameter, field.write(&object[field.attribute]));
        }
        params
    }

    async fn reload(&self, work: &Work<'_>, object: &Json) -> Outcome<()> {
        let Some(then) = self.then else {
            return Ok(());
        };
        let notes = |text: &str| work.note(text);
        let reloaded = work
            .session
            .put(&fill(then, object), &Params::new(), &notes)
            .await;
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
            let notes = |text: &str| work.note(text);
            let made = match self.all.strip_prefix("PUT ") {
                Some(all) => work.session.put(&fill(all, object), &params, &notes).await,
                None => {
                    work.session
                        .post(&fill(self.all, object), &params, &notes)
                        .await
                }
            };
            let answer = made.doing(|| format!("The {} was not created", self.shown(object)))?;
            if let Some(token) = answer["value"].as_str() {
                let id = answer["full-tokenid"].as_str().unwrap_or_default();
                object["value"] = json!(format!("{id}={token}"));
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
            let found = work.session.client.find(&fill(self.one, object)).await;
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
                let mut read = field.read(source);
                // What the server leaves out stands at its default, and that is what state has.
                let stays = read.is_null() && is_default(&object[field.attribute]) && !imported;
                if stays {
                    continue;
                }
                // An empty list and none at all are the same to the server.
                let nothing = read == json!([]) || (field.form == Form::Time && read == NEVER);
                if nothing && object[field.attribute].is_null() {
                    continue;
                }
                if read.is_null() && object[field.attribute].is_array() {
                    read = json!([]);
                }
                object[field.attribute] = read;
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
            for field in self.fields.iter().filter(|field| !field.once) {
                let (before, after) = (&prior[field.attribute], &object[field.attribute]);
                if before == after && !self.whole {
                    continue;
                }
                match field.write(after) {
                    Some(text) => drop(params.set(field.parameter, text)),
                    None if before.is_null() => {}
                    None if self.deletes => gone.push(field.parameter),
                    None => drop(params.set(field.parameter, "")),
                }
            }
            if !gone.is_empty() {
                params.set("delete", gone.join(","));
            }
            let _turn = self.lock(work, object).await;
            let notes = |text: &str| work.note(text);
            if !params.is_empty() {
                if self.whole {
                    for (name, text) in self.fixed {
                        params.set(*name, text);
                    }
                }
                let changed = work
                    .session
                    .put(&fill(self.one, object), &params, &notes)
                    .await;
                changed.doing(|| format!("The {} was not changed", self.shown(object)))?;
                self.reload(work, object).await?;
            }
            self.read(work, object).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let _turn = self.lock(work, object).await;
            let notes = |text: &str| work.note(text);
            if self.all.starts_with("PUT ") {
                // A setting of the node itself: there is nothing to take away.
                return Ok(());
            }
            let gone = work
                .session
                .delete(&fill(self.one, object), &Params::new(), &notes)
                .await;
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

/// The time that stands for none.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// True for what an argument is when nobody has set it.
fn is_default(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => true,
        Json::String(text) => text.is_empty() || text == NEVER,
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
    }
}

/// Takes an import id apart by a template such as `{node_name}:{name}`.
pub(crate) fn read_import(template: &str, id: &str) -> Option<Json> {
    let mut object = json!({});
    let (mut template, mut id) = (template, id);
    while let Some((_, rest)) = template.split_once('{') {
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
