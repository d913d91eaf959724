//! The same playbook by each tool on containers of its own age: made anew for each, run twice.

use super::super::Goal;
use super::super::meter::{self, Reading};
use super::super::options::{Options, Side};
use super::super::scratch::Scratch;
use super::peers::{self, Peer};
use super::targets::{Targets, Way};
use super::tasks;
use crate::failure::Failure;

const HOSTS: [usize; 3] = [1, 5, 10];
const RUNS: [&str; 2] = ["first run", "second run"];

/// Measures ourselves and all peers, with each number of hosts.
pub(super) fn measure(strata: &str, way: Way, options: &Options) -> Result<Vec<Goal>, Failure> {
    let counts = options
        .instances
        .map_or(HOSTS.to_vec(), |count| vec![count]);
    let mut goals = Vec::new();
    for hosts in counts {
        let ours = options
            .runs(Side::Strata)
            .then(|| run(&us(strata, hosts), way, hosts))
            .transpose()?;
        // Incus is a connection of ours and of a collection that peers mostly lack: they go by ssh, as they would.
        let peers = match options.runs(Side::Peer) {
            true => peers::found(hosts),
            false => Vec::new(),
        };
        for peer in peers {
            let theirs = run(&peer, Way::Ssh, hosts)?;
            if let Some(ours) = &ours {
                goals.extend(goals_of(way, hosts, &peer, ours, &theirs));
            }
        }
    }
    Ok(goals)
}

fn us(strata: &str, hosts: usize) -> Peer {
    let forks = hosts.to_string();
    let words = [
        strata, "playbook", "-i", "hosts", "site.yml", "--forks", &forks,
    ];
    Peer {
        name: "strata",
        words: words.map(str::to_owned).to_vec(),
        times_faster: 1.0,
        cpu: None,
    }
}

/// Runs it twice on new containers.
fn run(peer: &Peer, way: Way, hosts: usize) -> Result<[Reading; 2], Failure> {
    let targets = Targets::make(hosts)?;
    let folder = folder(&targets, way)?;
    let words: Vec<&str> = peer.words.iter().map(String::as_str).collect();
    let mut readings = Vec::new();
    for run in RUNS {
        let reading = meter::measure(folder.path(), &words, 0)?;
        println!(
            "{hosts} hosts over {}, {run}: {} {}",
            way.name(),
            peer.name,
            reading.shown()
        );
        readings.push(reading);
    }
    Ok([readings[0], readings[1]])
}

fn folder(targets: &Targets, way: Way) -> Result<Scratch, Failure> {
    let folder = Scratch::with(&[
        ("hosts", targets.inventory(way)),
        ("site.yml", tasks::playbook()),
        ("templates/bench.j2", tasks::TEMPLATE.to_owned()),
        ("ansible.cfg", peers::SETTINGS.to_owned()),
        ("inventory.py", targets.pyinfra()),
        ("deploy.py", tasks::deploy()),
    ])?;
    for (path, text) in tasks::deployed() {
        folder.write(&path, &text)?;
    }
    Ok(folder)
}

fn goals_of(
    way: Way,
    hosts: usize,
    peer: &Peer,
    ours: &[Reading; 2],
    theirs: &[Reading; 2],
) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (run, (ours, theirs)) in RUNS.iter().zip(ours.iter().zip(theirs)) {
        let mut goal = |what: &str, measured: f64, at_most: f64| {
            goals.push(Goal {
                name: format!(
                    "{hosts} hosts over {}, {run}, {what}, strata / {}",
                    way.name(),
                    peer.name
                ),
                unit: "",
                measured,
                wanted: None,
                at_most,
            });
        };
        goal(
            "time",
            ours.seconds / theirs.seconds,
            1.0 / peer.times_faster,
        );
        if let Some(part) = peer.cpu {
            goal("CPU of the controller", ours.cpu / theirs.cpu, part);
        }
    }
    goals
}

const TIMES: usize = 5;

/// One task on one host to which the agent went before.
pub(super) fn one_task(strata: &str) -> Result<Vec<Goal>, Failure> {
    let targets = Targets::make(1)?;
    let mut goals = Vec::new();
    for way in [Way::Ssh, Way::Incus] {
        let folder = folder(&targets, way)?;
        let words = [strata, "run", "all", "-i", "hosts", "-m", "ping"];
        meter::measure(folder.path(), &words, 0)?;
        let mut readings = Vec::new();
        for _ in 0..TIMES {
            readings.push(meter::measure(folder.path(), &words, 0)?);
        }
        let middle = Reading::middle(&readings);
        println!(
            "one task over {}: strata {} (median of {TIMES})",
            way.name(),
            middle.shown()
        );
        goals.push(Goal {
            name: format!("one task over {}, the agent there", way.name()),
            unit: " s",
            measured: middle.seconds,
            wanted: None,
            at_most: 0.15,
        });
    }
    Ok(goals)
}
