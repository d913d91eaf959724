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
const OPTIONS: [(&str, &str, &str); 18] = [
    ("bandwidth_limit_clone", "bwlimit", "clone"),
    ("bandwidth_limit_default", "bwlimit", "default"),
    ("bandwidth_limit_migration", "bwlimit", "migration"),
    ("bandwidth_limit_move", "bwlimit", "move"),
    ("bandwidth_limit_restore", "bwlimit", "restore"),
    ("console", "console", ""),
    ("crs_ha", "crs", "ha"),
    ("crs_ha_rebalance_on_start", "crs", "ha-rebalance-on-start"),
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
];

impl Options {
    fn params(object: &Json) -> Params {
        let mut params = Params::new();
        for (attribute, name, part) in OPTIONS {
            let given = match &object[attribute] {
                Json::Bool(truth) => Some(u8::from(*truth).to_string()),
                other => value::text(other).filter(|text| !text.is_empty()),
            };
            let Some(given) = given else {
                continue;
            };
            let whole = match (part, params.get(name)) {
                ("", _) => given,
                (part, None) => format!("{part}={given}"),
                (part, Some(known)) => format!("{known},{part}={given}"),
            };
            params.set(name, whole);
        }
        let next = &object["next_id"];
        let range: Vec<String> = ["lower", "upper"]
            .iter()
            .filter_map(|name| Some(format!("{name}={}", value::text(&next[*name])?)))
            .collect();
        if !range.is_empty() {
            params.set("next-id", range.join(","));
        }
        params
    }
}

impl Kind for Options {
    fn name(&self) -> &'static str {
        "proxmox_cluster_options"
    }

    fn noun(&self) -> &'static str {
        "options of the cluster"
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "notify",
            "crs_ha_auto_rebalance",
            "crs_ha_auto_rebalance_hold_duration",
            "crs_ha_auto_rebalance_margin",
            "crs_ha_auto_rebalance_method",
            "crs_ha_auto_rebalance_threshold",
        ]
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let params = Self::params(object);
            let notes = |text: &str| work.note(text);
            if !params.is_empty() {
                let set = work.session.put("/cluster/options", &params, &notes).await;
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
            for (attribute, name, part) in OPTIONS {
                let now = if part.is_empty() {
                    &told[name]
                } else {
                    &told[name][part]
                };
                let computed = attribute == "mac_prefix" && object[attribute].is_null();
                if !now.is_null() && (!object[attribute].is_null() || computed) {
                    object[attribute] = match &object[attribute] {
                        Json::Bool(_) => json!(value::truth(now)),
                        _ => now.clone(),
                    };
                }
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
            let notes = |text: &str| work.note(text);
            let set = work.session.put("/cluster/options", &params, &notes).await;
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
            let notes = |text: &str| work.note(text);
            let set = work
                .session
                .put(
                    "/cluster/options",
                    &Params::new().with("delete", names.join(",")),
                    &notes,
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
