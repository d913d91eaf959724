//! `testbed`: a real Incus daemon with real containers, on the machine at hand.
//!
//! `up` goes through [`packages`], [`limits`], [`daemon`], [`network`] and [`images`] in that order; each looks
//! at what is there and makes only what is missing, so a second `up` takes a second. `down` ends
//! the daemon only if `up` started it. Everything it keeps lies outside the source tree: see
//! [`site::Site`]. It needs root on Debian 12, and no systemd. Start reading at [`up`].

mod daemon;
mod image_metadata;
mod images;
mod limits;
mod listing;
mod network;
mod packages;
mod site;
mod ssh_target;

use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::process;
use site::Site;

const USAGE: &str = "\
Usage: cargo xtask testbed COMMAND

  up                 make and start whatever is missing
  down [--purge]     end the daemon if `up` started it; --purge also forgets what it stored
  status             one line a part
  env                what tests read, as shell exports
  list               everything on the daemon, sorted, to compare before and after
  ssh-target NAME    a container that answers ssh, with a key pair made on the spot
  remove NAME        remove such a container and its keys";

/// Runs one of the testbed's commands.
pub(crate) fn run(words: &[&str]) -> Result<(), Failure> {
    let site = Site::from_environment();
    match words {
        ["up"] => up(&site),
        ["down"] => down(&site, false),
        ["down", "--purge"] => down(&site, true),
        ["status"] => status(&site),
        ["env"] => {
            print!("{}", site.exports());
            Ok(())
        }
        ["list"] => {
            print!("{}", listing::everything(&site)?);
            Ok(())
        }
        ["ssh-target", name] => {
            print!("{}", ssh_target::create(&site, name)?);
            Ok(())
        }
        ["remove", name] => ssh_target::remove(&site, name),
        _ => Err(Failure::new(USAGE)),
    }
}

/// Gives the socket of the daemon that tests will find, if one answers there.
///
/// Tests look at `STRATA_TEST_INCUS_SOCKET` first and then where the daemon usually is.
pub(crate) fn socket() -> Option<PathBuf> {
    let named = std::env::var_os("STRATA_TEST_INCUS_SOCKET").map(PathBuf::from);
    let socket = named.unwrap_or_else(|| Site::from_environment().socket());
    UnixStream::connect(&socket).is_ok().then_some(socket)
}

/// Lists everything on the daemon, as `testbed list` does.
pub(crate) fn everything() -> Result<String, Failure> {
    listing::everything(&Site::from_environment())
}

/// Makes a container that answers ssh, and gives what a client needs as `name=value` lines.
pub(crate) fn ssh_target(name: &str) -> Result<String, Failure> {
    ssh_target::create(&Site::from_environment(), name)
}

/// Waits until such a container has booted.
pub(crate) fn wait_for_boot(name: &str) -> Result<(), Failure> {
    ssh_target::wait_for_boot(&Site::from_environment(), name)
}

/// Removes such a container.
pub(crate) fn remove(name: &str) -> Result<(), Failure> {
    ssh_target::remove(&Site::from_environment(), name)
}

fn up(site: &Site) -> Result<(), Failure> {
    require_root()?;
    packages::install()?;
    limits::raise();
    daemon::start(site)?;
    network::set_up(site)?;
    images::set_up(site)?;
    status(site)
}

fn down(site: &Site, purge: bool) -> Result<(), Failure> {
    require_root()?;
    let ended = daemon::stop(site)?;
    println!(
        "{}",
        if ended {
            "ended"
        } else {
            "not ours or not running: left alone"
        }
    );
    if purge {
        daemon::forget(site)?;
        network::forget(site);
    }
    Ok(())
}

fn status(site: &Site) -> Result<(), Failure> {
    println!("daemon   {}", daemon::describe(site));
    println!("socket   {}", site.socket().display());
    if daemon::answers(site) {
        println!("https    {}", network::https_address(site)?);
        println!("network  {} {}", site.network, site.subnet);
        println!("images   {}", images::aliases(site)?.join(" "));
    }
    Ok(())
}

fn require_root() -> Result<(), Failure> {
    match process::output(&["id", "-u"])?.trim() {
        "0" => Ok(()),
        _ => Err(Failure::new(
            "the testbed makes containers and networks: run it as root",
        )),
    }
}
