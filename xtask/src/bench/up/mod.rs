//! Containers from nothing to their addresses: `strata up` beside the same calls made by hand.
//!
//! The two take turns on the real daemon, and make things of the same names ([`scene`]). Making ends
//! when every container has an address; then all is deleted, which is timed for itself. The raw side makes as many calls
//! at once as there are containers, `strata` as many as it makes where nobody says how many. All names are those
//! of this run alone, and whatever it leaves behind when it fails is deleted at its end. No call and no turn
//! takes longer than a limit, and what the machine cannot hold is told before anything is made.

mod api;
mod project;
mod raw;
mod scene;

use std::time::Instant;

use super::options::{Options, Side};
use super::{Goal, median, strata};
use crate::failure::Failure;
use crate::testbed;
use api::Api;
use project::Project;
use scene::Scene;

const PAIRS: usize = 3;
const INSTANCES: usize = 10;

/// Measures both and compares their medians.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    let socket = testbed::socket()
        .ok_or_else(|| Failure::new("`up` needs an Incus daemon: `cargo xtask testbed up`"))?;
    let api = Api(socket);
    let scene = Scene {
        prefix: Scene::prefix_of_this_run(),
        instances: options.instances.unwrap_or(INSTANCES),
        image: "debian/12",
        network: std::env::var("STRATA_TEST_INCUS_NETWORK").unwrap_or_else(|_| "br0".to_owned()),
        pool: "default",
    };
    fits(scene.instances)?;
    let sweeper = Sweeper(&api, &scene);
    let figures = take_turns(options, &api, &scene);
    drop(sweeper);
    figures.map(|figures| compare(&scene, &figures))
}

/// What the `systemd` of a guest takes of the host's inotify instances; the roots of all guests are one user
/// to the kernel, so that they share its limit. Where it is reached, guests end right after they were started.
const INOTIFY_INSTANCES: usize = 7;

/// Fails if this machine cannot hold so many guests at once.
fn fits(instances: usize) -> Result<(), Failure> {
    let setting = "fs.inotify.max_user_instances";
    let path = format!("/proc/sys/{}", setting.replace('.', "/"));
    let limit = std::fs::read_to_string(path).unwrap_or_default();
    match limit.trim().parse::<usize>() {
        Ok(limit) if limit < instances * INOTIFY_INSTANCES => Err(Failure::new(format!(
            "{instances} containers need more than {setting} = {limit}: `cargo xtask testbed up` raises it"
        ))),
        _ => Ok(()),
    }
}

/// Seconds of each turn of one side.
#[derive(Debug, Default)]
struct Turns {
    up: Vec<f64>,
    down: Vec<f64>,
}

/// Seconds of each turn.
#[derive(Debug, Default)]
struct Figures {
    strata: Turns,
    raw: Turns,
}

impl Turns {
    /// Makes everything and deletes it again, and tells how long each took.
    fn take(
        &mut self,
        (api, scene): (&Api, &Scene),
        side: &str,
        up: impl Fn() -> Result<(), Failure>,
        down: impl Fn() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let made = timed(up)?;
        all_have_addresses(api, scene)?;
        let deleted = timed(down)?;
        self.up.push(made);
        self.down.push(deleted);
        let pair = self.up.len();
        println!("up, pair {pair}: {side:<6} {made:.3} s, deleted in {deleted:.3} s");
        Ok(())
    }
}

fn take_turns(options: &Options, api: &Api, scene: &Scene) -> Result<Figures, Failure> {
    let project = match options.runs(Side::Strata) {
        true => Some(Project::write(&strata(options)?, api, scene)?),
        false => None,
    };
    let mut figures = Figures::default();
    for _ in 0..options.pairs.unwrap_or(PAIRS) {
        if options.runs(Side::Peer) {
            let (up, down) = (|| raw::up(api, scene), || raw::delete(api, scene));
            figures.raw.take((api, scene), "raw", up, down)?;
        }
        if let Some(project) = &project {
            let (up, down) = (|| project.up(), || project.down());
            figures.strata.take((api, scene), "strata", up, down)?;
        }
    }
    Ok(figures)
}

fn timed(work: impl Fn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

/// Makes sure that the work was done.
fn all_have_addresses(api: &Api, scene: &Scene) -> Result<(), Failure> {
    for name in scene.names() {
        if !raw::has_address(&api.get(&format!("/1.0/instances/{name}/state"))?) {
            return Err(Failure::new(format!("`{name}` has no address after all")));
        }
    }
    Ok(())
}

fn compare(scene: &Scene, Figures { strata, raw }: &Figures) -> Vec<Goal> {
    let count = scene.instances;
    let parts = [
        ("up", &strata.up, &raw.up),
        ("down", &strata.down, &raw.down),
    ];
    let compared = parts
        .into_iter()
        .filter(|(_, ours, theirs)| !ours.is_empty() && !theirs.is_empty());
    let goal = |(part, ours, theirs): (&str, &Vec<f64>, &Vec<f64>)| {
        let (ours, theirs) = (median(ours), median(theirs));
        println!("{part} of {count} containers: strata {ours:.3} s, raw {theirs:.3} s (medians)");
        Goal {
            name: format!("{part} of {count} containers, strata / raw API calls"),
            unit: "",
            measured: ours / theirs,
            wanted: Some(1.2),
            at_most: 1.5,
        }
    };
    compared.map(goal).collect()
}

/// Deletes what a failed turn left on the daemon.
struct Sweeper<'a>(&'a Api, &'a Scene);

impl Drop for Sweeper<'_> {
    fn drop(&mut self) {
        let Sweeper(api, scene) = self;
        if let Err(failure) = raw::delete(api, scene) {
            let prefix = &scene.prefix;
            eprintln!("xtask: some of `{prefix}*` is left on the daemon: {failure}");
        }
    }
}
