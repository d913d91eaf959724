//! What is in a pool, and users fetched from a directory.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostic, Diagnostics};

use super::{
    guest::{all, text},
    kind::{Doing, Kind, Outcome, Work},
    value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 2] = [&Membership, &RealmSync];

/// `proxmox_pool_membership`: one guest or storage in one pool.
struct Membership;

/// `proxmox_realm_sync`: users and groups fetched when it is made and when it changes.
struct RealmSync;

/// The parameter, the type and the name of what is in the pool.
fn member(object: &Json) -> (&'static str, &'static str, String) {
    match value::text(&object["vm_id"]) {
        Some(id) => ("vms", "vm", id),
        None => {
            let storage = text(object, "storage_id").unwrap_or_default();
            ("storage", "storage", storage.to_owned())
        }
    }
}

async fn change(work: &Work<'_>, object: &Json, delete: bool) -> Outcome<()> {
    let (parameter, kind, name) = member(object);
    let pool = text(object, "pool_id").unwrap_or_default();
    let mut params = Params::new().with("poolid", pool).with(parameter, &name);
    if delete {
        params.flag("delete", true);
    }
    let changed = work.put("/pools", &params).await;
    let doing = if delete { "taken out of" } else { "put into" };
    changed
        .map(drop)
        .doing(|| format!("The {kind} `{name}` was not {doing} the pool `{pool}`"))
}

impl Kind for Membership {
    fn name(&self) -> &'static str {
        "proxmox_pool_membership"
    }

    fn noun(&self) -> &'static str {
        "pool membership"
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        // What is not known yet reads as null here, so only two that are given are wrong for certain.
        if !config["vm_id"].is_null() && !config["storage_id"].is_null() {
            diags.push(
                Diagnostic::error("proxmox-invalid", "Invalid Attribute Combination")
                    .detail("`vm_id` and `storage_id` cannot be given together"),
            );
        }
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            change(work, object, false).await?;
            let (_, kind, name) = member(object);
            let pool = text(object, "pool_id").unwrap_or_default();
            object["id"] = json!(format!("{pool}/{kind}/{name}"));
            object["type"] = json!(kind);
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let (_, kind, name) = member(object);
            let pool = text(object, "pool_id").unwrap_or_default().to_owned();
            let told = work.session.client.find(&path(&["pools", &pool])).await;
            let Some(told) = told.doing(|| format!("The pool `{pool}` cannot be read"))? else {
                return Ok(false);
            };
            let key = if kind == "vm" { "vmid" } else { "storage" };
            let there = all(&told, "members")
                .iter()
                .any(|member| value::text(&member[key]).as_deref() == Some(name.as_str()));
            object["id"] = json!(format!("{pool}/{kind}/{name}"));
            object["type"] = json!(kind);
            Ok(there)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        // Each of its arguments makes it anew.
        Box::pin(async move { self.read(work, object).await.map(drop) })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            match self.read(work, &mut object.clone()).await? {
                true => change(work, object, true).await,
                false => Ok(()),
            }
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let parts: Vec<&str> = id.rsplitn(3, '/').collect();
        match parts.as_slice() {
            [number, "vm", pool] if number.parse::<u32>().is_ok() => {
                let number: u32 = number.parse().unwrap_or_default();
                Ok(json!({ "pool_id": pool, "vm_id": number }))
            }
            [storage, "storage", pool] => Ok(json!({ "pool_id": pool, "storage_id": storage })),
            _ => Err("an id looks like `POOL/vm/100` or `POOL/storage/NAME`".to_owned()),
        }
    }
}

impl Kind for RealmSync {
    fn name(&self) -> &'static str {
        "proxmox_realm_sync"
    }

    fn noun(&self) -> &'static str {
        "synchronization of realm"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let realm = text(object, "realm").unwrap_or_default().to_owned();
            let mut params = Params::new();
            for (attribute, name) in [
                ("dry_run", "dry-run"),
                ("enable_new", "enable-new"),
                ("full", "full"),
                ("purge", "purge"),
            ] {
                params.maybe(name, object[attribute].as_bool().map(u8::from));
            }
            params
                .maybe("remove-vanished", text(object, "remove_vanished"))
                .maybe("scope", text(object, "scope"));
            let sync = path(&["access", "domains", &realm, "sync"]);
            let done = work.post(&sync, &params).await;
            done.doing(|| format!("The realm `{realm}` was not synchronized"))?;
            object["id"] = json!(realm);
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let realm = text(object, "realm").unwrap_or_default().to_owned();
            let one = path(&["access", "domains", &realm]);
            let told = work.session.client.find(&one).await;
            let told = told.doing(|| format!("The realm `{realm}` cannot be read"))?;
            object["id"] = json!(realm);
            Ok(told.is_some())
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        self.create(work, object)
    }

    fn delete<'a>(&'a self, _work: &'a Work<'a>, _object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        // Users who were fetched stay.
        Box::pin(async { Ok(()) })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        Ok(json!({ "realm": id }))
    }

    fn find<'a>(
        &'a self,
        _work: &'a Work<'a>,
        _object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(async { Ok(None) })
    }
}
