//! IP sets of firewalls.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    firewall::{named, scope},
    guest::{all, text},
    kind::{Doing, Kind, Outcome, Work},
    value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 1] = [&IpSet];

struct IpSet;

impl IpSet {
    async fn set_members(
        work: &Work<'_>,
        one: &str,
        before: &[Json],
        after: &[Json],
    ) -> Outcome<()> {
        let summary = || "The IP set was not changed".to_owned();
        for gone in before.iter().filter(|member| !after.contains(member)) {
            let member = path(&[text(gone, "name").unwrap_or_default()]);
            work.delete(&format!("{one}{member}"), &Params::new())
                .await
                .doing(summary)?;
        }
        for new in after.iter().filter(|member| !before.contains(member)) {
            let mut params = Params::new();
            params
                .maybe("cidr", text(new, "name"))
                .maybe("comment", text(new, "comment"));
            if new["nomatch"] == true {
                params.flag("nomatch", true);
            }
            work.post(one, &params).await.doing(summary)?;
        }
        Ok(())
    }

    /// Only the list of all sets tells what is said of one.
    async fn read_comment(work: &Work<'_>, all_sets: &str, object: &mut Json) -> Outcome<()> {
        let sets = work.session.client.get(all_sets).await;
        let sets = sets.doing(|| "The IP sets cannot be listed".to_owned())?;
        let own = all(&json!({ "sets": sets }), "sets")
            .iter()
            .find(|set| set["name"] == object["name"])
            .cloned()
            .unwrap_or_default();
        if text(object, "comment") != text(&own, "comment") {
            object["comment"] = own["comment"].clone();
        }
        Ok(())
    }

    fn place(object: &Json) -> (String, String) {
        let (place, _) = scope(object);
        let all = format!("{place}/ipset");
        let one = format!("{all}{}", path(&[text(object, "name").unwrap_or_default()]));
        (all, one)
    }
}

impl Kind for IpSet {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_firewall_ipset"
    }

    fn naming(&self) -> &'static [&'static str] {
        &["name", "node_name", "vm_id", "container_id"]
    }

    fn noun(&self) -> &'static str {
        "IP set"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (all_sets, one) = Self::place(object);
            let mut params = Params::new();
            params
                .maybe("name", text(object, "name"))
                .maybe("comment", text(object, "comment"));
            let made = work.post(&all_sets, &params).await;
            made.doing(|| "The IP set was not created".to_owned())?;
            object["id"] = object["name"].clone();
            Self::set_members(work, &one, &[], all(object, "cidr"))
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
            let (all_sets, one) = Self::place(object);
            let told = work.session.client.find(&one).await;
            let Some(told) = told.doing(|| "The IP set cannot be read".to_owned())? else {
                return Ok(false);
            };
            Self::read_comment(work, &all_sets, object).await?;
            let mut members: Vec<Json> = told.as_array().into_iter().flatten().map(|member| json!({
                "name": member["cidr"], "comment": member["comment"].as_str().unwrap_or_default(),
                "nomatch": value::truth(&member["nomatch"]).unwrap_or(false),
            })).collect();
            let mut was: Vec<Json> = all(object, "cidr").iter().map(|member| json!({
                "name": member["name"], "comment": member["comment"].as_str().unwrap_or_default(),
                "nomatch": member["nomatch"] == true,
            })).collect();
            members.sort_by_key(Json::to_string);
            was.sort_by_key(Json::to_string);
            if members != was {
                let told = members.into_iter().map(|mut member| {
                    if member["comment"] == "" {
                        member["comment"] = Json::Null;
                    }
                    member
                });
                object["cidr"] = told.collect();
            }
            object["id"] = object["name"].clone();
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
            let (all_sets, one) = Self::place(object);
            if prior["name"] != object["name"] || prior["comment"] != object["comment"] {
                let mut params = Params::new();
                params
                    .maybe("name", text(object, "name"))
                    .maybe("rename", text(prior, "name"));
                params.set("comment", text(object, "comment").unwrap_or_default());
                let changed = work.post(&all_sets, &params).await;
                changed.doing(|| "The IP set was not changed".to_owned())?;
            }
            object["id"] = object["name"].clone();
            Self::set_members(work, &one, all(prior, "cidr"), all(object, "cidr")).await
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (_, one) = Self::place(object);
            let gone = work.delete(&one, &Params::new().with("force", 1)).await;
            gone.doing(|| "The IP set was not deleted".to_owned())
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        named(id)
    }
}
