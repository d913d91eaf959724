//! All nodes and guests of a cluster as its API tells them, for inventories.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value as Json};

use crate::{
    client::{Access, Address, Client, ClientError, Credentials, Trust, path},
    platform::Proxmox,
};

/// How many guests are asked about at a time.
const AT_A_TIME: usize = 8;

/// A cluster to be listed.
#[derive(Clone)]
pub struct Cluster {
    /// Where its API is.
    pub url: String,
    /// The user with its realm.
    pub user: String,
    /// How the user is known.
    pub secret: Secret,
    /// Whether its certificate must be one that this system trusts.
    pub validate_certs: bool,
}

/// How a user is known.
#[derive(Clone)]
pub enum Secret {
    /// By a password.
    Password(String),
    /// By a token.
    Token {
        /// Its name.
        id: String,
        /// What only the user knows.
        secret: String,
    },
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its address in the cluster.
    pub address: Option<String>,
    /// Whether it is up.
    pub online: bool,
}

/// A guest, or a template.
#[derive(Clone, Debug, PartialEq)]
pub struct Guest {
    /// The node it is on.
    pub node: String,
    /// `qemu` or `lxc`.
    pub kind: String,
    /// Its number.
    pub id: u64,
    /// Its name; its number where it has none.
    pub name: String,
    /// `running`, `stopped`, …
    pub status: String,
    /// Its tags, as they are written.
    pub tags: Option<String>,
    /// Whether it is a template.
    pub template: bool,
}

/// What is told of one guest alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Details {
    /// What it is doing.
    pub status: Map<String, Json>,
    /// Its configuration.
    pub config: Map<String, Json>,
    /// The names of its snapshots.
    pub snapshots: Vec<String>,
    /// Its interfaces, if it runs and tells them.
    pub interfaces: Vec<Json>,
}

/// A cluster that is being listed.
pub struct Listing(Arc<Client>);

impl Proxmox {
    /// Begins to list a cluster; nothing is asked yet.
    pub fn listing(&self, cluster: &Cluster) -> Result<Listing, String> {
        let told = |error: ClientError| error.to_string();
        let credentials = match &cluster.secret {
            Secret::Password(password) => Credentials::Password {
                user: cluster.user.clone(),
                password: password.clone(),
                otp: None,
            },
            Secret::Token { id, secret } => {
                Credentials::token(&format!("{}!{id}={secret}", cluster.user)).map_err(told)?
            }
        };
        let access = Access {
            endpoints: vec![Address::parse(&cluster.url).map_err(told)?],
            trust: match cluster.validate_certs {
                true => Trust::System,
                false => Trust::Anybody,
            },
            min_tls13: false,
            credentials,
        };
        Client::new(access).map(Listing).map_err(told)
    }
}

impl Listing {
    async fn get(&self, path: &str) -> Result<Json, String> {
        self.0.get(path).await.map_err(|error| error.to_string())
    }

    /// The nodes.
    pub async fn nodes(&self) -> Result<Vec<Node>, String> {
        let rows = rows(self.get("/cluster/status").await?);
        let nodes = rows.iter().filter(|row| row["type"] == "node");
        let nodes = nodes.filter_map(|row| {
            Some(Node {
                name: text(row, "name")?,
                address: text(row, "ip"),
                online: truth(&row["online"]),
            })
        });
        Ok(nodes.collect())
    }

    /// The guests of all nodes.
    pub async fn guests(&self) -> Result<Vec<Guest>, String> {
        let rows = rows(self.get("/cluster/resources?type=vm").await?);
        Ok(rows.iter().filter_map(guest).collect())
    }

    /// The pools, each with the names of the guests in it.
    pub async fn pools(&self) -> Result<Vec<(String, Vec<String>)>, String> {
        let mut found = Vec::new();
        for row in rows(self.get("/pools").await?) {
            let Some(name) = text(&row, "poolid") else {
                continue;
            };
            let pool = self.get(&path(&["pools", &name])).await?;
            let members = pool["members"].as_array().cloned().unwrap_or_default();
            let members = members.iter().filter_map(|member| text(member, "name"));
            found.push((name, members.collect()));
        }
        Ok(found)
    }

    /// What is told of each of these guests alone, in their order.
    pub async fn details(&self, guests: &[Guest]) -> Vec<Result<Details, String>> {
        let asked: Vec<_> = guests.iter().map(|guest| self.details_of(guest)).collect();
        stream::iter(asked).buffered(AT_A_TIME).collect().await
    }

    async fn details_of(&self, guest: &Guest) -> Result<Details, String> {
        let id = guest.id.to_string();
        let of = |rest: &[&str]| {
            let place = ["nodes", &guest.node, &guest.kind, &id];
            path(&[&place[..], rest].concat())
        };
        let status = map(self.get(&of(&["status", "current"])).await?);
        let config = map(self.get(&of(&["config"])).await?);
        let snapshots = rows(self.get(&of(&["snapshot"])).await?);
        let names = snapshots.iter().filter_map(|one| text(one, "name"));
        let is_running = status
            .get("status")
            .is_some_and(|status| status == "running");
        // What a guest does not tell is not there: its agent may not be up yet.
        let interfaces = match guest.kind.as_str() {
            "lxc" if is_running => self.get(&of(&["interfaces"])).await.ok(),
            "qemu" if has_agent(&config) => {
                let told = self.get(&of(&["agent", "network-get-interfaces"])).await;
                told.ok().map(|told| told["result"].clone())
            }
            _ => None,
        };
        Ok(Details {
            snapshots: names.filter(|name| name != "current").collect(),
            interfaces: interfaces.map(rows).unwrap_or_default(),
            status,
            config,
        })
    }
}

/// Whether the agent is turned on: `1`, `1,fstrim_cloned_disks=1` or `enabled=1`.
fn has_agent(config: &Map<String, Json>) -> bool {
    let said = config.get("agent").map(|agent| match agent {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    });
    let first = said.as_deref().and_then(|said| said.split(',').next());
    matches!(first, Some("1" | "enabled=1"))
}

fn guest(row: &Json) -> Option<Guest> {
    let kind = text(row, "type").filter(|kind| kind == "qemu" || kind == "lxc")?;
    let id = row["vmid"].as_u64()?;
    Some(Guest {
        node: text(row, "node")?,
        kind,
        id,
        name: text(row, "name")
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.to_string()),
        status: text(row, "status").unwrap_or_else(|| "unknown".to_owned()),
        tags: text(row, "tags").filter(|tags| !tags.is_empty()),
        template: truth(&row["template"]),
    })
}

fn rows(told: Json) -> Vec<Json> {
    match told {
        Json::Array(rows) => rows,
        _ => Vec::new(),
    }
}

fn map(told: Json) -> Map<String, Json> {
    match told {
        Json::Object(map) => map,
        _ => Map::new(),
    }
}

fn text(row: &Json, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}

fn truth(value: &Json) -> bool {
    value.as_u64() == Some(1) || value.as_bool() == Some(true)
}
