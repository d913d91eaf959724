//! ACME: accounts with an authority, and the certificate of a node that it signs.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    guest::{all, parts, rfc3339, text},
    kind::{Doing, Kind, Outcome, Planned, Work},
    node::{node, of},
    value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 2] = [&Account, &Certificate];

/// `proxmox_acme_account`.
struct Account;

/// `proxmox_acme_certificate`: domains in the node's settings, then the order.
struct Certificate;

/// What an account is registered with, once, and what the server tells of that.
const REGISTERED: [&str; 2] = ["directory", "tos"];

/// How many domains stand by themselves in a node's settings.
const DOMAINS: usize = 6;

fn account(object: &Json) -> String {
    path(&[
        "cluster",
        "acme",
        "account",
        text(object, "name").unwrap_or("default"),
    ])
}

impl Kind for Account {
    fn name(&self) -> &'static str {
        "proxmox_acme_account"
    }

    fn naming(&self) -> &'static [&'static str] {
        &["name"]
    }

    fn noun(&self) -> &'static str {
        "ACME account"
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let Some(prior) = planned.prior else {
                return Ok(());
            };
            let object = planned.planned;
            // Where nobody says what it is to be registered with, it is fine as it is.
            let another = |name: &&str| !object[*name].is_null() && object[*name] != prior[*name];
            planned
                .replace
                .extend(REGISTERED.iter().filter(|name| another(name)));
            let said = ["name", "contact", "eab_kid", "eab_hmac_key"];
            planned.nothing =
                planned.replace.is_empty() && said.iter().all(|name| prior[*name] == object[*name]);
            Ok(())
        })
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "name").unwrap_or("default").to_owned();
            let mut params = Params::new().with("name", &name);
            for (attribute, parameter) in [
                ("contact", "contact"),
                ("directory", "directory"),
                ("eab_hmac_key", "eab-hmac-key"),
                ("eab_kid", "eab-kid"),
                ("tos", "tos_url"),
            ] {
                params.maybe(parameter, text(object, attribute));
            }
            let made = work.post("/cluster/acme/account", &params).await;
            made.doing(|| format!("The ACME account `{name}` was not registered"))?;
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
            let name = text(object, "name").unwrap_or("default").to_owned();
            let told = work.session.client.find(&account(object)).await;
            let Some(told) = told.doing(|| format!("The ACME account `{name}` cannot be read"))?
            else {
                return Ok(false);
            };
            let contact: Vec<&str> = all(&told["account"], "contact")
                .iter()
                .filter_map(Json::as_str)
                .map(|address| address.trim_start_matches("mailto:"))
                .collect();
            if !contact.is_empty() {
                object["contact"] = json!(contact.join(","));
            }
            let imported = object["(imported)"] == true;
            for name in REGISTERED {
                if !told[name].is_null() && (imported || !object[name].is_null()) {
                    object[name] = told[name].clone();
                }
            }
            object["created_at"] = told["account"]["createdAt"].clone();
            object["location"] = told["location"].clone();
            object["id"] = json!(name);
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "name").unwrap_or("default").to_owned();
            let mut params = Params::new();
            params.maybe("contact", text(object, "contact"));
            let changed = work.put(&account(object), &params).await;
            changed.doing(|| format!("The ACME account `{name}` was not changed"))?;
            self.read(work, object).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let gone = work.delete(&account(object), &Params::new()).await;
            let name = text(object, "name").unwrap_or("default");
            gone.doing(|| format!("The ACME account `{name}` was not removed"))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        Ok(json!({ "name": id }))
    }
}

/// What stands in the node's settings for the certificate.
fn settings(object: &Json) -> Params {
    let mut params = Params::new();
    let account = text(object, "account").unwrap_or("default");
    params.set("acme", format!("account={account}"));
    for (at, domain) in all(object, "domains").iter().take(DOMAINS).enumerate() {
        let parts = ["domain", "alias", "plugin"]
            .iter()
            .filter_map(|part| Some(format!("{part}={}", text(domain, part)?)));
        params.set(
            format!("acmedomain{at}"),
            parts.collect::<Vec<_>>().join(","),
        );
    }
    params
}

/// The account and the domains in a node's settings; the domains that need no plugin may stand beside the account.
fn settled(config: &Json) -> (String, Vec<Json>) {
    let acme = parts(config["acme"].as_str().unwrap_or_default());
    let account = acme.get("account").map_or("default", String::as_str);
    let plain = acme.get("domains").map_or("", String::as_str).split(';');
    let plain = plain.filter(|domain| !domain.is_empty());
    let mut domains: Vec<Json> = plain.map(|domain| json!({ "domain": domain })).collect();
    let settings = (0..DOMAINS).filter_map(|at| config[format!("acmedomain{at}")].as_str());
    domains.extend(settings.map(|setting| {
        let parts = parts(setting);
        let domain = parts.get("domain").or_else(|| parts.get(""));
        json!({ "domain": domain, "alias": parts.get("alias"), "plugin": parts.get("plugin") })
    }));
    (account.to_owned(), domains)
}

/// What of a domain counts: without a plugin it stands by itself.
fn counts(domain: &Json) -> [String; 3] {
    ["domain", "alias", "plugin"].map(|name| {
        let text = text(domain, name).unwrap_or_default();
        if text == "standalone" {
            String::new()
        } else {
            text.to_owned()
        }
    })
}

impl Certificate {
    /// Tells the account and the domains as the node's settings have them.
    async fn read_settings(&self, work: &Work<'_>, object: &mut Json) -> Outcome<()> {
        let config = work.session.client.get(&of(object, &["config"])).await;
        let config =
            config.doing(|| format!("The settings of node `{}` cannot be read", node(object)))?;
        let (account, domains) = settled(&config);
        object["account"] = json!(account);
        let sorted = |domains: &[Json]| {
            let mut domains: Vec<[String; 3]> = domains.iter().map(counts).collect();
            domains.sort();
            domains
        };
        if sorted(all(object, "domains")) != sorted(&domains) {
            object["domains"] = json!(domains);
        }
        Ok(())
    }

    async fn configure(&self, work: &Work<'_>, object: &Json) -> Outcome<()> {
        let mut params = settings(object);
        let unused = (all(object, "domains").len()..DOMAINS).map(|at| format!("acmedomain{at}"));
        let unused: Vec<String> = unused.collect();
        if !unused.is_empty() {
            params.set("delete", unused.join(","));
        }
        let set = work.put(&of(object, &["config"]), &params).await;
        set.map(drop)
            .doing(|| format!("The domains of node `{}` were not set", node(object)))
    }

    async fn order(&self, work: &Work<'_>, object: &mut Json, force: bool) -> Outcome<()> {
        let params = Params::new().with("force", u8::from(force || object["force"] == true));
        let place = of(object, &["certificates", "acme", "certificate"]);
        let ordered = work.post(&place, &params).await;
        ordered.doing(|| format!("The certificate of node `{}` was not ordered", node(object)))?;
        self.read(work, object).await.map(drop)
    }
}

impl Kind for Certificate {
    fn name(&self) -> &'static str {
        "proxmox_acme_certificate"
    }

    fn noun(&self) -> &'static str {
        "ACME certificate"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            self.configure(work, object).await?;
            self.order(work, object, false).await
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let place = of(object, &["certificates", "info"]);
            let told = work.session.client.get(&place).await;
            let told = told
                .doing(|| format!("The certificates of node `{}` cannot be read", node(object)))?;
            let rows = told.as_array().cloned().unwrap_or_default();
            let Some(info) = rows
                .iter()
                .find(|row| row["filename"] == "pveproxy-ssl.pem")
            else {
                return Ok(false);
            };
            for (attribute, name) in [
                ("certificate", "pem"),
                ("fingerprint", "fingerprint"),
                ("issuer", "issuer"),
                ("subject", "subject"),
                ("subject_alternative_names", "san"),
            ] {
                object[attribute] = info[name].clone();
            }
            for (attribute, name) in [("not_after", "notafter"), ("not_before", "notbefore")] {
                object[attribute] = json!(value::number(&info[name]).map(rfc3339));
            }
            self.read_settings(work, object).await?;
            object["id"] = json!(node(object));
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            self.configure(work, object).await?;
            self.order(work, object, true).await
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let place = of(object, &["certificates", "acme", "certificate"]);
            let gone = work.delete(&place, &Params::new()).await;
            gone.doing(|| format!("The certificate of node `{}` was not removed", node(object)))?;
            let names: Vec<String> = settings(object)
                .iter()
                .map(|(name, _)| name.to_owned())
                .collect();
            let params = Params::new().with("delete", names.join(","));
            let cleared = work.put(&of(object, &["config"]), &params).await;
            cleared
                .map(drop)
                .doing(|| format!("The domains of node `{}` were not taken back", node(object)))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        Ok(json!({ "node_name": id }))
    }
}
