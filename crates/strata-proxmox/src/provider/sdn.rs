//! Parts of the software-defined network that one call does not make: subnets, and applying it all.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostic};

use super::{
    form::Form,
    guest::text,
    kind::{Doing, Failure, Kind, Outcome, Work},
    plain::Plain,
    tables::{PLAIN, flag, form, id, text as plain_text},
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 2] = [&Subnet, &Applier];

/// `proxmox_sdn_subnet`: its name holds the zone of its vnet, which is asked for.
struct Subnet;

/// `proxmox_sdn_applier`: makes what is written run, when it is made and when it is removed.
struct Applier;

static SUBNET: Plain = Plain {
    name: "proxmox_sdn_subnet",
    noun: "SDN subnet",
    all: "/cluster/sdn/vnets/{vnet}/subnets",
    one: "/cluster/sdn/vnets/{vnet}/subnets/{id}",
    fixed: &[("type", "subnet")],
    fields: &[
        id("cidr", "subnet"),
        plain_text("gateway", "gateway"),
        plain_text("dhcp_dns_server", "dhcp-dns-server"),
        plain_text("dns_zone_prefix", "dnszoneprefix"),
        flag("snat", "snat"),
        form(
            "dhcp_range",
            "dhcp-range",
            Form::Object(&[
                ("start_address", "start-address"),
                ("end_address", "end-address"),
            ]),
        ),
    ],
    ..PLAIN
};

/// Gives a subnet the name that the server will give it.
async fn name(work: &Work<'_>, object: &mut Json) -> Outcome<()> {
    if text(object, "id").is_some_and(|id| !id.is_empty()) {
        return Ok(());
    }
    let vnet = text(object, "vnet").unwrap_or_default().to_owned();
    let told = work
        .session
        .client
        .find(&path(&["cluster", "sdn", "vnets", &vnet]))
        .await;
    let told = told.doing(|| format!("The SDN vnet `{vnet}` cannot be read"))?;
    let Some(zone) = told.as_ref().and_then(|told| told["zone"].as_str()) else {
        return Err(Failure::new(Diagnostic::error(
            "proxmox-not-found",
            format!("There is no SDN vnet `{vnet}`"),
        )));
    };
    let cidr = text(object, "cidr").unwrap_or_default().replace('/', "-");
    object["id"] = json!(format!("{zone}-{cidr}"));
    Ok(())
}

impl Kind for Subnet {
    fn name(&self) -> &'static str {
        SUBNET.name
    }

    fn noun(&self) -> &'static str {
        SUBNET.noun
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            name(work, object).await?;
            SUBNET.create(work, object).await
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            name(work, object).await?;
            SUBNET.read(work, object).await
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            object["id"] = prior["id"].clone();
            SUBNET.update(work, prior, object).await
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        SUBNET.delete(work, object)
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let parts = id.split_once('/').and_then(|(vnet, subnet)| {
            let (_, cidr) = subnet.split_once('-')?;
            let (network, mask) = cidr.rsplit_once('-')?;
            Some(json!({ "vnet": vnet, "id": subnet, "cidr": format!("{network}/{mask}") }))
        });
        parts.ok_or_else(|| "an id looks like `VNET/ZONE-10.0.0.0-24`".to_owned())
    }
}

async fn apply(work: &Work<'_>) -> Outcome<()> {
    let applied = work.put("/cluster/sdn", &Params::new()).await;
    applied
        .map(drop)
        .doing(|| "The software-defined network was not applied".to_owned())
}

impl Kind for Applier {
    fn name(&self) -> &'static str {
        "proxmox_sdn_applier"
    }

    fn noun(&self) -> &'static str {
        "SDN applier"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            if object["on_create"] != false {
                apply(work).await?;
            }
            object["id"] = json!(format!("sdn-applier-{}", uuid::Uuid::new_v4()));
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        _work: &'a Work<'a>,
        _object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        // It is something done, which nothing on the server tells of.
        Box::pin(async { Ok(true) })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            match object["on_destroy"] != false {
                true => apply(work).await,
                false => Ok(()),
            }
        })
    }

    fn import(&self, _id: &str) -> Result<Json, String> {
        Err("what was done once cannot be imported".to_owned())
    }

    fn find<'a>(
        &'a self,
        _work: &'a Work<'a>,
        _object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        // To apply once more does no harm.
        Box::pin(async { Ok(None) })
    }
}
