//! A guest of telmate's: said in our words, done by our kinds, and told in telmate's words again.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostic, Diagnostics};

use super::{container, devices, disks, ha, machine, told::Told};
use crate::provider::{
    OPEN, PRIVATE,
    container::Container,
    guest::{all, first, text},
    kind::{Doing, Failure, Kind, Outcome, Planned, Work},
    session::Session,
    value,
    vm::{Vm, is_duration, patience},
};

/// A kind of guest: telmate's names and ours.
pub(super) struct Guest {
    name: &'static str,
    /// The word in ids: `pve/qemu/100`.
    word: &'static str,
    ours: &'static dyn Kind,
    say: fn(&Json, Option<i64>) -> Json,
    refused: &'static [&'static str],
    /// Arguments that may say one thing alone, as JSON.
    fixed: &'static [(&'static str, &'static str)],
}

pub(super) static MACHINE: Guest = Guest {
    name: "proxmox_vm_qemu",
    word: "qemu",
    ours: &Vm,
    say: machine::ours,
    refused: &["disk.file", "disk.volume"],
    fixed: &machine::FIXED,
};

pub(super) static CONTAINER: Guest = Guest {
    name: "proxmox_lxc",
    word: "lxc",
    ours: &Container,
    say: container::ours,
    refused: &container::REFUSED,
    fixed: &container::FIXED,
};

/// Name servers and search domain.
pub(super) fn dns(object: &Json) -> Json {
    let servers = machine::words(text(object, "nameserver").unwrap_or_default());
    let domain = text(object, "searchdomain");
    match servers.is_empty() && domain.is_none() {
        true => json!([]),
        false => json!([{ "servers": servers, "domain": domain }]),
    }
}

/// The id of a template that only a rehearsal has: the same for the same name, and far from those that are drawn.
fn stand_in(name: &str) -> i64 {
    let sum = |sum: i64, byte: u8| (sum * 31 + i64::from(byte)) % 99_999_000;
    900_000_000 + name.bytes().fold(0, sum)
}

impl Guest {
    /// The id of what a guest is cloned from, which telmate names by its name.
    async fn template(
        &self,
        session: &Session,
        object: &Json,
        planning: bool,
    ) -> Outcome<Option<i64>> {
        if let Some(id) = value::number(&object["clone_id"]).filter(|id| *id > 0) {
            return Ok(Some(id));
        }
        let Some(name) = text(object, "clone") else {
            return Ok(None);
        };
        if let (Ok(id), "lxc") = (name.parse(), self.word) {
            return Ok(Some(id));
        }
        let cluster = session.cluster().await;
        let cluster = cluster.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
        let named = cluster
            .guests
            .iter()
            .filter(|(_, row)| row["type"] == self.word && row["name"] == name);
        let node = machine::node(object).unwrap_or_default();
        // The one on the same node is nearer.
        let found = named.max_by_key(|(id, row)| (row["node"] == node, std::cmp::Reverse(**id)));
        match found {
            Some((id, _)) => Ok(Some(i64::from(*id))),
            // It is made before by the same plan, which does not know its id yet.
            None if planning && session.intended().has_name(name) => Ok(None),
            None if session.manner.rehearses => Ok(Some(stand_in(name))),
            None => Err(Failure::new(
                Diagnostic::error(
                    "proxmox-no-template",
                    format!("There is no guest `{name}` to clone"),
                )
                .hint("`clone` names a template as the list of guests shows it"),
            )),
        }
    }

    /// Our object for one of telmate's that is there.
    fn known(&self, object: &Json) -> Json {
        // What it was cloned from matters no more, but that it was does.
        let cloned = text(object, "clone").is_some() || !object["clone_id"].is_null();
        let mut ours = (self.say)(object, cloned.then_some(0));
        ours[PRIVATE] = object[PRIVATE].clone();
        ours
    }

    /// Tells in telmate's words what is there.
    fn tell(&self, before: &Json, ours: &mut Json, object: &mut Json) {
        let told = Told { before, ours };
        match self.word {
            "qemu" => told.machine(object),
            _ => told.container(object),
        }
        let id = &ours["vm_id"];
        let node = ours["node_name"].as_str().unwrap_or_default().to_owned();
        let number = value::number(id).unwrap_or_default();
        object["vmid"] = json!(number);
        object["id"] = json!(format!("{node}/{}/{number}", self.word));
        self.computed(ours, object, &node);
        object[PRIVATE] = ours[PRIVATE].take();
    }

    /// What only the server tells.
    fn computed(&self, ours: &Json, object: &mut Json, node: &str) {
        match self.word {
            "qemu" => {
                let address = |name: &str| {
                    let lists = all(ours, name).iter().flat_map(|list| {
                        list.as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(Json::as_str)
                    });
                    let outside = |address: &&str| {
                        !address.starts_with("127.")
                            && *address != "::1"
                            && !address.starts_with("fe80:")
                    };
                    let mut lists = lists;
                    lists.find(outside).unwrap_or_default().to_owned()
                };
                let (four, six) = (address("ipv4_addresses"), address("ipv6_addresses"));
                object["ssh_host"] = json!(if four.is_empty() { &six } else { &four });
                object["default_ipv4_address"] = json!(four);
                object["default_ipv6_address"] = json!(six);
                object["ssh_port"] = json!("22");
                object["reboot_required"] = json!(false);
                object["current_node"] = json!(node);
                if object["boot"].is_null() {
                    let order = crate::provider::guest::texts(ours, "boot_order");
                    object["boot"] = match order.is_empty() {
                        // It says all, and goes on saying it.
                        _ if object["bootdisk"].is_string() => json!("c"),
                        true => json!(""),
                        false => json!(format!("order={}", order.join(";"))),
                    };
                }
                macs(ours, object, "network_device", "macaddr");
            }
            _ => {
                if object["ostype"].is_null() {
                    let system = first(ours, "operating_system");
                    object["ostype"] = json!(text(system, "type").unwrap_or_default());
                }
                macs(ours, object, "network_interface", "hwaddr");
                if let Some(devices) = object["network"].as_array_mut() {
                    for device in devices.iter_mut().filter(|device| device["type"].is_null()) {
                        device["type"] = json!("veth");
                    }
                }
                let path = first(ours, "disk")["path_in_datastore"].clone();
                if let Some(root) = object
                    .pointer_mut("/rootfs/0/volume")
                    .filter(|root| root.is_null())
                {
                    *root = json!(path.as_str().unwrap_or_default());
                }
            }
        }
    }
}

/// Says in our words how long each kind of call may take, in seconds, as far as `timeouts` says it.
pub(super) fn limit(ours: &mut Json, limits: &[(&str, &str)], object: &Json) {
    let said = &object["timeouts"];
    for (name, call) in limits {
        let said = text(said, call).or_else(|| text(said, "default"));
        ours[*name] = json!(said.map(|said| patience(said).as_secs()));
    }
}

/// The addresses that network devices were given.
fn macs(ours: &Json, object: &mut Json, devices: &str, name: &str) {
    let given: Vec<Json> = all(ours, devices)
        .iter()
        .map(|device| device["mac_address"].clone())
        .collect();
    let known = object["network"].as_array_mut().into_iter().flatten();
    for (device, given) in known.zip(given) {
        let is = given.as_str().unwrap_or_default();
        let same = device[name]
            .as_str()
            .is_some_and(|known| known.eq_ignore_ascii_case(is));
        if !same {
            device[name] = json!(is);
        }
    }
}

/// What an attribute of ours is called there.
fn theirs(name: &'static str) -> &'static [&'static str] {
    match name {
        "ipv4_addresses" => &["default_ipv4_address", "ssh_host"],
        "ipv6_addresses" => &["default_ipv6_address"],
        "boot_order" => &["boot"],
        "node_name" => &["target_node"],
        "efi_disk" => &["efidisk"],
        "tpm_state" => &["tpm_state"],
        "vm_id" => &["vmid"],
        _ => &[],
    }
}

impl Kind for Guest {
    fn name(&self) -> &'static str {
        self.name
    }

    fn noun(&self) -> &'static str {
        self.ours.noun()
    }

    fn refused(&self) -> &'static [&'static str] {
        self.refused
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        for (name, usual) in self.fixed {
            let given = &config[*name];
            let usual: Json = serde_json::from_str(usual).unwrap_or_default();
            if !given.is_null() && *given != usual {
                let summary = format!("`{name}` of `{}` is not supported yet", self.name);
                let found = Diagnostic::error("proxmox-not-supported", summary)
                    .detail(format!("it may only be `{usual}`, as it is anyway"));
                diags.push(match *name {
                    "oncreate" => found.hint("Write `vm_state = \"stopped\"` for a machine that is made and not started."),
                    _ => found,
                });
            }
        }
        let wrong = [
            machine::wrong_boot(config),
            devices::wrong_numbers(config),
            machine::wrong_node(config).map(str::to_owned),
        ];
        for wrong in wrong.into_iter().flatten() {
            diags.push(Diagnostic::error("proxmox-invalid-value", wrong));
        }
        if matches!(text(config, "os_type"), Some("ubuntu" | "centos"))
            && config["preprovision"] != false
        {
            if text(config, "os_network_config").is_some() {
                diags.push(
                    Diagnostic::error(
                        "proxmox-not-supported",
                        format!("`os_network_config` of `{}` is not supported yet", self.name),
                    )
                    .detail("nothing is written into a guest over ssh; with another `os_type`, or `preprovision = false`, it says nothing"),
                );
            }
            diags.push(
                Diagnostic::warning("proxmox-no-provisioning", "Nothing is set up in the guest over ssh")
                    .detail("with this `os_type` telmate writes a host name and `os_network_config` into the guest. Here cloud-init does that (`ciuser`, `ipconfig0`), or a playbook; `preprovision = false` says that it is known."),
            );
        }
        for size in disks::wrong_sizes(config) {
            diags.push(
                Diagnostic::error(
                    "proxmox-invalid-value",
                    format!("`{size}` is no size of a disk"),
                )
                .detail("it is a whole number of K, M, G or T, such as `32G`"),
            );
        }
        let roots = all(config, "rootfs")
            .iter()
            .filter_map(|root| text(root, "size"));
        for size in roots.filter(|size| disks::gigabytes(size).is_none()) {
            diags.push(
                Diagnostic::error(
                    "proxmox-invalid-value",
                    format!("`{size}` is no size of a container's disk"),
                )
                .detail("it is a whole number of GiB, such as `32G`"),
            );
        }
        for (call, said) in value::members(&config["timeouts"]) {
            let said = said.as_str().filter(|said| !is_duration(said));
            diags.extend(said.map(|said| {
                let summary = format!("`{said}` in `timeouts.{call}` is no time");
                Diagnostic::error("proxmox-invalid-value", summary)
                    .hint("Write it as `20m` or `1h30m`.")
            }));
        }
        let mut ours = (self.say)(config, None);
        ours[OPEN] = config[OPEN].clone();
        self.ours.validate(&ours, diags);
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            if planned
                .prior
                .is_some_and(|prior| prior["bootdisk"] != planned.planned["bootdisk"])
                && planned.said.is_some_and(|said| said["boot"].is_null())
            {
                // What was told of the order that was there says nothing of the one that is wanted.
                planned.reopen.push("boot");
            }
            let template = match (planned.session, planned.prior) {
                (Some(session), None) => self.template(session, planned.planned, true).await?,
                _ => None,
            };
            let prior = planned.prior.map(|prior| self.known(prior));
            let ours = match planned.prior {
                Some(_) => self.known(planned.planned),
                None => (self.say)(planned.planned, template),
            };
            if prior
                .as_ref()
                .is_some_and(|prior| prior["node_name"] != ours["node_name"])
            {
                planned.reopen.push("current_node");
            }
            let mut look = Planned::new(planned.session, prior.as_ref(), &ours, planned.directory);
            self.ours.plan(&mut look).await?;
            let Planned {
                reopen,
                effects,
                warnings,
                replace,
                ..
            } = look;
            let named = |names: Vec<&'static str>| -> Vec<&'static str> {
                names.into_iter().flat_map(theirs).copied().collect()
            };
            planned.reopen.extend(named(reopen));
            planned.replace.extend(named(replace));
            planned.effects.extend(effects);
            planned.warnings.extend(warnings);
            Ok(())
        })
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let template = self.template(work.session, object, false).await?;
            let mut ours = (self.say)(object, template);
            let before = ours.clone();
            let made = self.ours.create(work, &mut ours).await;
            if made.is_ok() || made.as_ref().is_err_and(|failure| failure.made) {
                self.tell(&before, &mut ours, object);
            }
            made?;
            let settled = ha::settle(work, self.word, None, object).await;
            settled.map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let mut ours = self.known(object);
            if object["(imported)"] == true {
                ours["(imported)"] = json!(true);
            }
            let before = ours.clone();
            let there = self.ours.read(work, &mut ours).await?;
            if there {
                self.tell(&before, &mut ours, object);
                ha::tell(work, self.word, object).await?;
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
            let before = self.known(prior);
            let mut ours = self.known(object);
            ours["vm_id"] = before["vm_id"].clone();
            ours["id"] = before["id"].clone();
            let wanted = ours.clone();
            self.ours.update(work, &before, &mut ours).await?;
            self.tell(&wanted, &mut ours, object);
            ha::settle(work, self.word, Some(prior), object).await
        })
    }

    fn continues(&self) -> bool {
        true
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            // What the cluster keeps running would be started again.
            ha::release(work, self.word, object).await?;
            self.ours.delete(work, &self.known(object)).await
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let parts: Vec<&str> = id.split('/').collect();
        match parts.as_slice() {
            [node, word, number] if *word == self.word && number.parse::<u32>().is_ok() => {
                let number: u32 = number.parse().unwrap_or_default();
                Ok(json!({ "target_node": node, "vmid": number, "id": id }))
            }
            _ => Err(format!("an id looks like `node/{}/100`", self.word)),
        }
    }

    fn find<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(async move {
            let mut ours = (self.say)(object, None);
            let before = ours.clone();
            let found = self.ours.find(work, &mut ours).await?;
            if found == Some(true) {
                self.tell(&before, &mut ours, object);
            }
            Ok(found)
        })
    }
}
