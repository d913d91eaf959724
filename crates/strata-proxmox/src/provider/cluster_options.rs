//! Options of the whole cluster.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    kind::{Doing, Kind, Outcome, Work},
    value,
};
use crate::client::Params;

pub(crate) static ALL: [&dyn Kind; 1] = [&Options];

struct Options;

/// Options of the cluster: argument, parameter, and the part of it if it is a property string.
const OPTIONS: [(&str, &str, &str); 31] = [
    ("bandwidth_limit_clone", "bwlimit", "clone"),
    ("bandwidth_limit_default", "bwlimit", "default"),
    ("bandwidth_limit_migration", "bwlimit", "migration"),
    ("bandwidth_limit_move", "bwlimit", "move"),
    ("bandwidth_limit_restore", "bwlimit", "restore"),
    ("console", "console", ""),
    ("crs_ha", "crs", "ha"),
    ("crs_ha_rebalance_on_start", "crs", "ha-rebalance-on-start"),
    ("crs_ha_auto_rebalance", "crs", "ha-auto-rebalance"),
    (
        "crs_ha_auto_rebalance_hold_duration",
        "crs",
        "ha-auto-rebalance-hold-duration",
    ),
    (
        "crs_ha_auto_rebalance_margin",
        "crs",
        "ha-auto-rebalance-margin",
    ),
    (
        "crs_ha_auto_rebalance_method",
        "crs",
        "ha-auto-rebalance-method",
    ),
    (
        "crs_ha_auto_rebalance_threshold",
        "crs",
        "ha-auto-rebalance-threshold",
    ),
    ("description", "description", ""),
    ("email_from", "email_from", ""),
    ("ha_shutdown_policy", "ha", "shutdown_policy"),
    ("http_proxy", "http_proxy", ""),
    ("keyboard", "keyboard", ""),
    ("language", "language", ""),
    ("mac_prefix", "mac_prefix", ""),
    ("max_workers", "max_workers", ""),
    ("migration_cidr", "migration", "network"),
    ("migration_type", "migration", "type"),
    ("next_id.lower", "next-id", "lower"),
    ("next_id.upper", "next-id", "upper"),
    ("notify.ha_fencing_mode", "notify", "fencing"),
    ("notify.ha_fencing_target", "notify", "target-fencing"),
    ("notify.package_updates", "notify", "package-updates"),
    (
        "notify.package_updates_target",
        "notify",
        "target-package-updates",
    ),
    ("notify.replication", "notify", "replication"),
    ("notify.replication_target", "notify", "target-replication"),
];

/// The value of an argument; of `a.b` that of `b` in the nested `a`.
fn at<'a>(object: &'a Json, attribute: &str) -> &'a Json {
    match attribute.split_once('.') {
        Some((outer, inner)) => &object[outer][inner],
        None => &object[attribute],
    }
}

fn put(object: &mut Json, attribute: &str, value: Json) {
    match attribute.split_once('.') {
        Some((outer, inner)) => object[outer][inner] = value,
        None => object[attribute] = value,
    }
}

/// True if an argument is sent: how rebalancing goes is nothing where it is off, and older servers do not know it.
fn is_sent(object: &Json, attribute: &str) -> bool {
    !attribute.starts_with("crs_ha_auto_rebalance_") || object["crs_ha_auto_rebalance"] == true
}

/// What an argument is if nobody says.
fn usual(attribute: &str) -> &'static Json {
    static NONE: Json = Json::Null;
    let facts = super::schema::find("proxmox_cluster_options", false);
    facts
        .and_then(|facts| facts.args.get(attribute))
        .map_or(&NONE, |arg| &arg["d"])
}

/// The part of a property string, which older servers give as a text.
fn told<'a>(told: &'a Json, name: &str, part: &str) -> std::borrow::Cow<'a, Json> {
    use std::borrow::Cow;
    match &told[name] {
        whole if part.is_empty() => Cow::Borrowed(whole),
        Json::String(text) => Cow::Owned(json!(super::guest::parts(text).get(part))),
        whole => Cow::Borrowed(&whole[part]),
    }
}

impl Options {
    fn params(object: &Json) -> Params {
        let mut params = Params::new();
        for (attribute, name, part) in OPTIONS {
            let given = match at(object, attribute) {
                Json::Bool(truth) => Some(u8::from(*truth).to_string()),
                other => value::text(other).filter(|text| !text.is_empty()),
            };
            let Some(given) = given.filter(|_| is_sent(object, attribute)) else {
                continue;
            };
            let whole = match (part, params.get(name)) {
                ("", _) => given,
                (part, None) => format!("{part}={given}"),
                (part, Some(known)) => format!("{known},{part}={given}"),
            };
            params.set(name, whole);
        }
        params
    }

    /// Puts what an option is now into the object, if the user has it or imports it.
    fn observe(object: &mut Json, (attribute, name, part): (&str, &str, &str), all: &Json) {
        let now = told(all, name, part);
        let known = at(object, attribute);
        let computed = attribute == "mac_prefix" && known.is_null();
        let empty = now.as_str().is_some_and(|text| text.trim().is_empty());
        if now.is_null() || (empty && known.is_null()) {
            let stays = known.is_null() || known == usual(attribute) || !is_sent(object, attribute);
            if !stays {
                put(object, attribute, Json::Null);
            }
        } else if !known.is_null() || computed || object["(imported)"] == true {
            let now = match known {
                _ if attribute == "description" => {
                    json!(now.as_str().unwrap_or_default().trim_end_matches('\n'))
                }
                Json::Bool(_) => json!(value::truth(&now)),
                Json::String(_) => json!(value::text(&now)),
                _ => now.into_owned(),
            };
            put(object, attribute, now);
        }
    }
}

impl Kind for Options {
    fn name(&self) -> &'static str {
        "proxmox_cluster_options"
    }

    fn noun(&self) -> &'static str {
        "options of the cluster"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let params = Self::params(object);
            if !params.is_empty() {
                let set = work.put("/cluster/options", &params).await;
                set.doing(|| "The options of the cluster were not set".to_owned())?;
            }
            self.read(work, object).await.map(drop)
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = work.session.client.get("/cluster/options").await;
            let told = told.doing(|| "The options of the cluster cannot be read".to_owned())?;
            for option in OPTIONS {
                Self::observe(object, option, &told);
            }
            object["id"] = json!("cluster");
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
            let (before, mut params) = (Self::params(prior), Self::params(object));
            let gone: Vec<&str> = before
                .iter()
                .map(|(name, _)| name)
                .filter(|name| params.get(name).is_none())
                .collect();
            if !gone.is_empty() {
                params.set("delete", gone.join(","));
            }
            let set = work.put("/cluster/options", &params).await;
            set.doing(|| "The options of the cluster were not set".to_owned())?;
            self.read(work, object).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let params = Self::params(object);
            let names: Vec<&str> = params.iter().map(|(name, _)| name).collect();
            if names.is_empty() {
                return Ok(());
            }
            let set = work
                .put(
                    "/cluster/options",
                    &Params::new().with("delete", names.join(",")),
                )
                .await;
            set.map(drop)
                .doing(|| "The options of the cluster were not taken back".to_owned())
        })
    }

    fn import(&self, _id: &str) -> Result<Json, String> {
        Ok(json!({}))
    }
}
