//! Containers from nothing to their addresses: `strata up` beside the same calls made by hand.
//!
//! The two take turns on the real daemon, and make things of the same names ([`scene`]). What is
//! timed ends when every container has an address; deleting is not timed. Whatever a run leaves
//! behind when it fails is deleted at its end, and at the start of the next one.

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
use scene::{PREFIX, Scene};

const PAIRS: usize = 3;
const INSTANCES: usize = 10;

/// Measures both and compares their medians.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    let socket = testbed::socket()
        .ok_or_else(|| Failure::new("`up` needs an Incus daemon: `cargo xtask testbed up`"))?;
    let api = Api(socket);
    let scene = Scene {
        instances: options.instances.unwrap_or(INSTANCES),
        image: "debian/12",
        network: std::env::var("STRATA_TEST_INCUS_NETWORK").unwrap_or_else(|_| "br0".to_owned()),
        pool: "default",
    };
    raw::delete(&api, PREFIX)?;
    let sweeper = Sweeper(&api);
    let figures = take_turns(options, &api, &scene);
    drop(sweeper);
    figures.map(|figures| compare(&scene, &figures))
}

/// Seconds of each turn.
#[derive(Debug, Default)]
struct Figures {
    strata: Vec<f64>,
    raw: Vec<f64>,
}

fn take_turns(options: &Options, api: &Api, scene: &Scene) -> Result<Figures, Failure> {
    let project = match options.runs(Side::Strata) {
        true => Some(Project::write(&strata(options)?, api, scene)?),
        false => None,
    };
    let mut figures = Figures::default();
    for pair in 1..=options.pairs.unwrap_or(PAIRS) {
        if options.runs(Side::Peer) {
            figures.raw.push(timed(api, scene, || raw::up(api, scene))?);
            raw::delete(api, PREFIX)?;
            println!("up, pair {pair}: raw    {:.3} s", figures.raw[pair - 1]);
        }
        if let Some(project) = &project {
            figures.strata.push(timed(api, scene, || project.up())?);
            project.down()?;
            println!("up, pair {pair}: strata {:.3} s", figures.strata[pair - 1]);
        }
    }
    Ok(figures)
}

/// Times the work and makes sure that it was done.
fn timed(api: &Api, scene: &Scene, work: impl Fn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let start = Instant::now();
    work()?;
    let seconds = start.elapsed().as_secs_f64();
    for name in scene.names() {
        if !raw::has_address(&api.get(&format!("/1.0/instances/{name}/state"))?) {
            return Err(Failure::new(format!("`{name}` has no address after all")));
        }
    }
    Ok(seconds)
}

fn compare(scene: &Scene, figures: &Figures) -> Vec<Goal> {
    if figures.strata.is_empty() || figures.raw.is_empty() {
        return Vec::new();
    }
    let (ours, theirs) = (median(&figures.strata), median(&figures.raw));
    let count = scene.instances;
    println!("up of {count} containers: strata {ours:.3} s, raw {theirs:.3} s (medians)");
    vec![Goal {
        name: format!("up of {count} containers, strata / raw API calls"),
        unit: "",
        measured: ours / theirs,
        wanted: Some(1.2),
        at_most: 1.5,
    }]
}

/// Deletes what a failed turn left on the daemon.
struct Sweeper<'a>(&'a Api);

impl Drop for Sweeper<'_> {
    fn drop(&mut self) {
        if let Err(failure) = raw::delete(self.0, PREFIX) {
            eprintln!("xtask: some of `{PREFIX}*` is left on the daemon: {failure}");
        }
    }
}
