//! Machines are switched on, and waited for: whether it boots, has an agent, has an address.

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value as Json, json};

use super::cannot;
use crate::{
    client::Params,
    provider::{
        guest::{self, Place, first, text},
        kind::{Doing, Outcome, Work},
        value,
    },
};

/// The pause between two questions to the agent.
const PAUSE: Duration = Duration::from_secs(1);

/// How often a command in the guest is asked for its end.
const STATUS_TRIES: u32 = 5;

pub(super) async fn start(work: &Work<'_>, object: &Json, place: &Place) -> Outcome<()> {
    power(
        work,
        place,
        "start",
        Params::new(),
        guest::limit(object, "timeout_start_vm", 1800),
    )
    .await
}

pub(super) async fn reboot(work: &Work<'_>, object: &Json, place: &Place) -> Outcome<()> {
    let limit = guest::limit(object, "timeout_reboot", 1800);
    power(
        work,
        place,
        "reboot",
        Params::new().with("timeout", limit.as_secs()),
        limit,
    )
    .await
}

pub(super) async fn shutdown(work: &Work<'_>, object: &Json, place: &Place) -> Outcome<()> {
    let limit = guest::limit(object, "timeout_shutdown_vm", 1800);
    power(
        work,
        place,
        "shutdown",
        Params::new().with("timeout", limit.as_secs()),
        limit,
    )
    .await
}

async fn power(
    work: &Work<'_>,
    place: &Place,
    action: &str,
    params: Params,
    limit: Duration,
) -> Outcome<()> {
    work.note(&format!("{action} of VM {}", place.id));
    let path = place.path(&["status", action]);
    let done = work.change(Method::POST, &path, &params, limit).await;
    match done {
        Err(error) if action == "start" && error.words().contains("already running") => Ok(()),
        done => done
            .map(drop)
            .doing(|| format!("The {action} of VM {} failed", place.id)),
    }
}

/// How long the agent is waited for: `15m`, `90s`, `1h`.
fn patience_of(agent: &Json) -> Duration {
    patience(text(agent, "timeout").unwrap_or("15m"))
}

/// A time as users write it: `15m`, `90s`, `1h5m`; a quarter of an hour if it is none.
pub(crate) fn patience(text: &str) -> Duration {
    let mut seconds = 0;
    let mut number = String::new();
    for c in text.chars() {
        let factor = match c {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            c => {
                number.push(c);
                continue;
            }
        };
        let part = number.parse::<u64>().unwrap_or(0).saturating_mul(factor);
        seconds = part.saturating_add(seconds);
        number.clear();
    }
    Duration::from_secs(if seconds == 0 { 900 } else { seconds })
}

/// True for a time as users write it.
pub(crate) fn is_duration(text: &str) -> bool {
    let parts = text.split_inclusive(['h', 'm', 's']);
    let is_part = |part: &str| {
        let digits = part.trim_end_matches(['h', 'm', 's']);
        part.len() == digits.len() + 1 && digits.parse::<u64>().is_ok()
    };
    !text.is_empty() && parts.into_iter().all(is_part)
}

/// Waits until a machine that has an agent tells an address, and says which step it stands at.
pub(super) async fn guest(work: &Work<'_>, object: &mut Json, place: &Place) -> Outcome<()> {
    let agent = first(object, "agent").clone();
    let wait_for = first(&agent, "wait_for_ip").clone();
    if agent["enabled"] != true || wait_for["disabled"] == true {
        return Ok(());
    }
    let limit = work
        .session
        .manner
        .guest_limit
        .unwrap_or_else(|| patience_of(&agent));
    let begun = Instant::now();
    loop {
        let step = match work
            .session
            .client
            .get(&place.path(&["agent", "network-get-interfaces"]))
            .await
        {
            Ok(told) => {
                show(object, &told["result"]);
                if has_address(&told["result"], &wait_for) {
                    return Ok(());
                }
                Step::NoAddress
            }
            Err(error) if error.words().contains("agent is not running") => Step::NoAgent,
            Err(error) if error.words().contains("is not running") => {
                return Err(cannot(
                    "proxmox-not-running",
                    format!("The VM {} does not run any more", place.id),
                    "it was started, and switched itself off while it was waited for: look at its console",
                ));
            }
            Err(error) if error.is_ambiguous() => Step::NoAgent,
            Err(error) => {
                return Err(error)
                    .doing(|| format!("The agent of VM {} cannot be asked", place.id));
            }
        };
        if begun.elapsed() > limit {
            if let (Step::NoAddress, Some(log)) = (&step, cloud_init(work, place).await) {
                return Err(cannot(
                    "proxmox-cloud-init",
                    format!("cloud-init failed in VM {}, which has no address", place.id),
                    log,
                ));
            }
            return Err(step.failure(place.id, limit));
        }
        work.note(step.text());
        tokio::time::sleep(PAUSE.min(limit)).await;
    }
}

/// Has cloud-init forget that it ran, so that all of it runs at the next boot.
pub(super) async fn begin_again(work: &Work<'_>, place: &Place) -> Outcome<()> {
    work.note("cloud-init is to run again");
    let command = ["cloud-init", "clean", "--logs"].join("\0");
    let params = Params::new().with("command", command);
    let client = &work.session.client;
    let begun = client
        .call(Method::POST, &place.path(&["agent", "exec"]), &params)
        .await;
    let begun = begun.doing(|| {
        format!(
            "cloud-init could not be told to run again in VM {}",
            place.id
        )
    })?;
    let told = ended(work, place, &begun["pid"]).await.unwrap_or_default();
    match value::number(&told["exitcode"]) {
        Some(0) => Ok(()),
        _ => Err(cannot(
            "proxmox-cloud-init",
            format!(
                "cloud-init could not be told to run again in VM {}",
                place.id
            ),
            text(&told, "err-data").unwrap_or("`cloud-init clean` did not end well in the guest"),
        )),
    }
}

/// Waits for a command in the guest, and gives what is told of its end.
async fn ended(work: &Work<'_>, place: &Place, pid: &Json) -> Option<Json> {
    let path = place.path(&["agent", "exec-status"]);
    let status = format!("{path}?pid={}", pid.as_i64()?);
    for _ in 0..STATUS_TRIES {
        let told = work.session.client.get(&status).await.ok()?;
        if value::truth(&told["exited"]) == Some(true) {
            return Some(told);
        }
        tokio::time::sleep(PAUSE).await;
    }
    None
}

/// What cloud-init says of its failure; none if it did not fail, or cannot be asked.
async fn cloud_init(work: &Work<'_>, place: &Place) -> Option<String> {
    let command = ["cloud-init", "status", "--long"].join("\0");
    let exec = place.path(&["agent", "exec"]);
    let params = Params::new().with("command", command);
    let client = &work.session.client;
    let begun = client.call(Method::POST, &exec, &params).await.ok()?;
    let told = ended(work, place, &begun["pid"]).await?;
    let text = told["out-data"].as_str()?.trim();
    text.contains("status: error").then(|| text.to_owned())
}

enum Step {
    NoAgent,
    NoAddress,
}

impl Step {
    fn text(&self) -> &'static str {
        match self {
            Step::NoAgent => "booting: no answer from the guest agent yet",
            Step::NoAddress => "the guest agent answers, but there is no address yet",
        }
    }

    fn failure(&self, id: u32, limit: Duration) -> Box<crate::provider::kind::Failure> {
        let seconds = limit.as_secs();
        match self {
            Step::NoAgent => cannot(
                "proxmox-no-agent",
                format!("The guest agent of VM {id} did not answer within {seconds} s"),
                "the machine runs. Install `qemu-guest-agent` in its image (or by cloud-init), or set `agent.enabled = false`, or `agent.wait_for_ip { disabled = true }`.",
            ),
            Step::NoAddress => cannot(
                "proxmox-no-address",
                format!("The VM {id} had no address within {seconds} s"),
                "its guest agent answers, but tells no address that counts: look at its DHCP or `initialization.ip_config`.",
            ),
        }
    }
}

fn has_address(interfaces: &Json, wait_for: &Json) -> bool {
    let (v4, v6) = usable(interfaces);
    match (wait_for["ipv4"] == true, wait_for["ipv6"] == true) {
        (false, false) => v4 || v6,
        (wants4, wants6) => (v4 || !wants4) && (v6 || !wants6),
    }
}

/// Whether there are addresses that others can reach.
fn usable(interfaces: &Json) -> (bool, bool) {
    let mut found = (false, false);
    let all = interfaces.as_array().into_iter().flatten();
    for address in
        all.flat_map(|interface| interface["ip-addresses"].as_array().into_iter().flatten())
    {
        match address["ip-address"]
            .as_str()
            .and_then(|text| text.parse::<std::net::IpAddr>().ok())
        {
            Some(std::net::IpAddr::V4(ip)) => found.0 |= !ip.is_loopback() && !ip.is_link_local(),
            Some(std::net::IpAddr::V6(ip)) => {
                found.1 |= !ip.is_loopback() && !ip.is_unicast_link_local()
            }
            None => {}
        }
    }
    found
}

/// Puts what the agent told into the object: one list for each interface, loopback included.
pub(super) fn show(object: &mut Json, interfaces: &Json) {
    let all = interfaces.as_array().cloned().unwrap_or_default();
    let of = |family: &str| -> Json {
        all.iter()
            .map(|interface| {
                let addresses = interface["ip-addresses"].as_array().into_iter().flatten();
                let fits = addresses.filter(|address| address["ip-address-type"] == family);
                fits.map(|address| address["ip-address"].clone())
                    .collect::<Json>()
            })
            .collect()
    };
    let (v4, v6) = (of("ipv4"), of("ipv6"));
    object["ipv4_addresses"] = v4;
    object["ipv6_addresses"] = v6;
    let names = all
        .iter()
        .map(|interface| interface["name"].clone())
        .collect();
    object["network_interface_names"] = names;
    let macs = all
        .iter()
        .map(|interface| match interface["hardware-address"].as_str() {
            Some(mac) => json!(mac.to_uppercase()),
            None => json!(""),
        });
    object["mac_addresses"] = macs.collect();
}

/// Asks the agent once for addresses; what it does not tell stays as it was.
pub(super) async fn addresses(work: &Work<'_>, place: &Place, object: &mut Json) {
    if first(object, "agent")["enabled"] != true {
        return;
    }
    let path = place.path(&["agent", "network-get-interfaces"]);
    if let Ok(told) = work
        .session
        .client
        .call(Method::GET, &path, &Params::new())
        .await
    {
        show(object, &told["result"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_is_read_as_users_write_it() {
        assert_eq!(patience("90s"), Duration::from_secs(90));
        assert_eq!(patience("1h5m"), Duration::from_secs(3900));
        assert_eq!(patience_of(&json!({})), Duration::from_secs(900));
        assert_eq!(
            patience("99999999999999999h"),
            Duration::from_secs(u64::MAX)
        );
        let wrong = ["", "soon", "5", "m", "5x", "1h5"];
        assert!(is_duration("1h5m") && !wrong.into_iter().any(is_duration));
    }

    #[test]
    fn only_addresses_that_others_reach_count() {
        let interfaces = json!([{ "ip-addresses": [
            { "ip-address": "127.0.0.1", "ip-address-type": "ipv4" },
            { "ip-address": "fe80::1", "ip-address-type": "ipv6" },
        ] }]);
        assert!(!has_address(&interfaces, &Json::Null));
    }
}
