//! Users with their groups, and the access list.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostic, Diagnostics};

use super::{
    guest::{all, rfc3339, seconds, text, texts},
    kind::{Doing, Kind, Outcome, Work},
    plain::Plain,
    tables::{PLAIN, id, text as plain_text},
    value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 3] = [&User, &Group, &Acl];

/// `proxmox_virtual_environment_user`.
struct User;

/// `proxmox_virtual_environment_group`: plain but for its rights.
struct Group;

static GROUP: Plain = Plain {
    name: "proxmox_virtual_environment_group",
    noun: "group",
    all: "/access/groups",
    one: "/access/groups/{group_id}",
    id: "{group_id}",
    import: "{group_id}",
    fields: &[id("group_id", "groupid"), plain_text("comment", "comment")],
    deletes: false,
    ..PLAIN
};

impl Kind for Group {
    fn name(&self) -> &'static str {
        GROUP.name
    }

    fn noun(&self) -> &'static str {
        GROUP.noun
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            GROUP.create(work, object).await?;
            entries(work, &Json::Null, object, ("groups", "group_id"))
                .await
                .map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let there = GROUP.read(work, object).await?;
            if there {
                let name = text(object, "group_id").unwrap_or_default().to_owned();
                read_entries(work, object, "group", &name).await?;
            }
            Ok(there)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            GROUP.update(work, prior, object).await?;
            entries(work, prior, object, ("groups", "group_id")).await
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        GROUP.delete(work, object)
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        GROUP.import(id)
    }
}

/// `proxmox_acl`: one entry of the access list.
struct Acl;

/// The parameters of a user but for password and name.
fn user(object: &Json) -> Params {
    let mut params = Params::new();
    for (attribute, name) in [
        ("comment", "comment"),
        ("email", "email"),
        ("first_name", "firstname"),
        ("last_name", "lastname"),
        ("keys", "keys"),
    ] {
        params.set(name, text(object, attribute).unwrap_or_default());
    }
    params.flag("enable", object["enabled"] != false);
    let expire = text(object, "expiration_date").and_then(seconds);
    params.set("expire", expire.unwrap_or(0));
    params.set("groups", texts(object, "groups").join(","));
    params
}

impl Kind for User {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_user"
    }

    fn noun(&self) -> &'static str {
        "user"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "user_id").unwrap_or_default().to_owned();
            let mut params = user(object);
            params
                .set("userid", &name)
                .maybe("password", text(object, "password"));
            for (name, value) in params.clone().iter().filter(|(_, value)| value.is_empty()) {
                let _ = value;
                params.remove(name);
            }
            let made = work.post("/access/users", &params).await;
            made.doing(|| format!("The user `{name}` was not created"))?;
            object["id"] = json!(name);
            entries(work, &Json::Null, object, ("users", "user_id"))
                .await
                .map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let name = text(object, "user_id").unwrap_or_default().to_owned();
            let told = work
                .session
                .client
                .find(&path(&["access", "users", &name]))
                .await;
            let Some(told) = told.doing(|| format!("The user `{name}` cannot be read"))? else {
                return Ok(false);
            };
            for (attribute, key) in [
                ("comment", "comment"),
                ("email", "email"),
                ("first_name", "firstname"),
                ("last_name", "lastname"),
                ("keys", "keys"),
            ] {
                let now = told[key].as_str().unwrap_or_default();
                if text(object, attribute).unwrap_or_default() != now {
                    object[attribute] = json!(now);
                }
            }
            object["enabled"] = json!(value::truth(&told["enable"]).unwrap_or(true));
            object["expiration_date"] = json!(rfc3339(value::number(&told["expire"]).unwrap_or(0)));
            let mut was = texts(object, "groups");
            let mut now: Vec<String> = all(&told, "groups")
                .iter()
                .filter_map(value::text)
                .collect();
            was.sort();
            now.sort();
            if was != now {
                object["groups"] = json!(now);
            }
            read_entries(work, object, "user", &name).await?;
            object["id"] = json!(name);
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
            let name = text(object, "user_id").unwrap_or_default().to_owned();
            let (before, after) = (user(prior), user(object));
            let mut params = Params::new();
            for (key, value) in after
                .iter()
                .filter(|(key, value)| before.get(key) != Some(value))
            {
                params.set(key, value);
            }
            if !params.is_empty() {
                let changed = work.put(&path(&["access", "users", &name]), &params).await;
                changed.doing(|| format!("The user `{name}` was not changed"))?;
            }
            if prior["password"] != object["password"]
                && let Some(password) = text(object, "password")
            {
                let params = Params::new()
                    .with("userid", &name)
                    .with("password", password);
                let changed = work.put("/access/password", &params).await;
                changed.doing(|| format!("The password of user `{name}` was not changed"))?;
            }
            entries(work, prior, object, ("users", "user_id")).await
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "user_id").unwrap_or_default();
            let gone = work
                .delete(&path(&["access", "users", name]), &Params::new())
                .await;
            gone.doing(|| format!("The user `{name}` was not deleted"))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        match id.contains('@') {
            true => Ok(json!({ "user_id": id })),
            false => Err("an id looks like `name@realm`".to_owned()),
        }
    }
}

/// Brings the `acl` blocks of a user or group into the access list: those that are new are added, those that are gone removed.
async fn entries(
    work: &Work<'_>,
    prior: &Json,
    object: &Json,
    (parameter, attribute): (&str, &str),
) -> Outcome<()> {
    let name = text(object, attribute).unwrap_or_default();
    let (before, after) = (all(prior, "acl"), all(object, "acl"));
    let gone = before
        .iter()
        .filter(|entry| !after.contains(entry))
        .map(|entry| (entry, true));
    let new = after
        .iter()
        .filter(|entry| !before.contains(entry))
        .map(|entry| (entry, false));
    for (entry, delete) in gone.chain(new) {
        let mut params = Params::new().with(parameter, name);
        params
            .maybe("path", text(entry, "path"))
            .maybe("roles", text(entry, "role_id"));
        params.flag("propagate", entry["propagate"] == true);
        if delete {
            params.flag("delete", true);
        }
        let changed = work.put("/access/acl", &params).await;
        changed.doing(|| format!("The rights of `{name}` were not changed"))?;
    }
    Ok(())
}

/// Tells what became of the `acl` blocks of a user or group. Where there are none, nothing is told: as with the
/// original, rights that `proxmox_acl` gives are no business of theirs.
async fn read_entries(work: &Work<'_>, object: &mut Json, kind: &str, name: &str) -> Outcome<()> {
    let known = all(object, "acl");
    if known.is_empty() {
        return Ok(());
    }
    let rows = work.session.client.get("/access/acl").await;
    let rows = rows.doing(|| "The access list cannot be read".to_owned())?;
    let rows = rows.as_array().into_iter().flatten();
    let own: Vec<&Json> = rows
        .filter(|row| row["type"] == kind && row["ugid"] == name)
        .collect();
    let told = known.iter().filter_map(|entry| {
        let row = own
            .iter()
            .find(|row| row["path"] == entry["path"] && row["roleid"] == entry["role_id"])?;
        let propagate = value::truth(&row["propagate"]).unwrap_or(true);
        Some(json!({ "path": row["path"], "role_id": row["roleid"], "propagate": propagate }))
    });
    let told: Json = told.collect();
    object["acl"] = told;
    Ok(())
}

/// Who an entry is for: the parameter, the type in the list, and the name.
fn whom(object: &Json) -> (&'static str, &'static str, String) {
    for (attribute, parameter, kind) in [
        ("user_id", "users", "user"),
        ("group_id", "groups", "group"),
        ("token_id", "tokens", "token"),
    ] {
        if let Some(name) = text(object, attribute) {
            return (parameter, kind, name.to_owned());
        }
    }
    ("users", "user", String::new())
}

impl Acl {
    async fn change(work: &Work<'_>, object: &Json, delete: bool) -> Outcome<()> {
        let (parameter, _, name) = whom(object);
        let mut params = Params::new().with(parameter, &name);
        params
            .maybe("path", text(object, "path"))
            .maybe("roles", text(object, "role_id"));
        params.flag("propagate", object["propagate"] != false);
        if delete {
            params.flag("delete", true);
        }
        let changed = work.put("/access/acl", &params).await;
        changed
            .map(drop)
            .doing(|| format!("The rights of `{name}` were not changed"))
    }
}

impl Kind for Acl {
    fn name(&self) -> &'static str {
        "proxmox_acl"
    }

    fn noun(&self) -> &'static str {
        "access list entry"
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        let set = ["user_id", "group_id", "token_id"]
            .iter()
            .filter(|name| !config[**name].is_null());
        if set.count() > 1 {
            diags.push(Diagnostic::error(
                "proxmox-invalid-value",
                "only one of `user_id`, `group_id` and `token_id` may be set",
            ));
        }
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            Self::change(work, object, false).await?;
            let (_, _, name) = whom(object);
            let (place, role) = (text(object, "path"), text(object, "role_id"));
            object["id"] = json!(format!(
                "{}?{name}?{}",
                place.unwrap_or_default(),
                role.unwrap_or_default()
            ));
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let (_, kind, name) = whom(object);
            let rows = work.session.client.get("/access/acl").await;
            let rows = rows.doing(|| "The access list cannot be read".to_owned())?;
            let fits = |row: &&Json| {
                row["type"] == kind
                    && row["ugid"] == name
                    && row["path"] == object["path"]
                    && row["roleid"] == object["role_id"]
            };
            let found = rows.as_array().into_iter().flatten().find(fits).cloned();
            let Some(row) = found else {
                return Ok(false);
            };
            object["propagate"] = json!(value::truth(&row["propagate"]).unwrap_or(true));
            object["id"] = json!(format!(
                "{}?{name}?{}",
                text(&row, "path").unwrap_or_default(),
                text(&row, "roleid").unwrap_or_default()
            ));
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(Self::change(work, object, false))
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(Self::change(work, object, true))
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let parts: Vec<&str> = id.split('?').collect();
        let [place, name, role] = parts.as_slice() else {
            return Err("an id looks like `/path?user@realm?role`".to_owned());
        };
        let key = match (name.contains('!'), name.contains('@')) {
            (true, _) => "token_id",
            (_, true) => "user_id",
            _ => "group_id",
        };
        Ok(json!({ "path": place, key: name, "role_id": role }))
    }
}
