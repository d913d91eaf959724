//! The daemon is killed in the middle of an apply, and comes back: the next run makes what is missing.
//!
//! The daemon is one of the test's own, beside the one of all other tests, and holds instances of an image
//! without a system: they are made, but never started.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use serde_json::{Value as Json, json};
use strata_core::Value;
use strata_incus::Incus;

use crate::{
    faults::converge,
    raw,
    testbed::{Testbed, settings, short, socket},
};

const COUNT: usize = 20;

/// A daemon that lives as long as this.
struct Daemon {
    program: &'static str,
    folder: tempfile::TempDir,
    child: Child,
}

impl Daemon {
    /// Starts one, if this machine has the program.
    fn start() -> Option<Self> {
        let program = ["/usr/libexec/incus/incusd", "/opt/incus/bin/incusd"];
        let program = program.iter().find(|path| Path::new(path).exists())?;
        let folder = tempfile::tempdir().unwrap();
        let child = run(program, folder.path());
        let mut daemon = Self {
            program,
            folder,
            child,
        };
        daemon.wait();
        Some(daemon)
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("unix.socket")
    }

    /// Waits until it answers.
    fn wait(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        let ready = || std::os::unix::net::UnixStream::connect(self.socket()).is_ok();
        while !ready() {
            assert!(Instant::now() < end, "the daemon does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        // It listens before all is there; this call waits until it is.
        while self.ask("GET", "/1.0", &Json::Null)["error_code"] != 0 {
            assert!(Instant::now() < end, "the daemon is not ready");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Json) -> Json {
        raw::request(&self.socket(), method, path, body).1
    }

    /// Kills it and starts it again.
    fn restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = run(self.program, self.folder.path());
        self.wait();
    }

    fn testbed(&self) -> Testbed {
        let path = self.socket().display().to_string();
        let incus = Incus::new(settings(&[("INCUS_SOCKET", path.as_str())], short()));
        let provider = incus.provider();
        let block = provider.schema().provider.empty_value();
        Testbed::of(incus, provider.configure(block).unwrap())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        // What it mounted would keep the folder from going.
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
        let ours = self.folder.path().display().to_string();
        let places = mounts.lines().filter_map(|line| line.split(' ').nth(1));
        for place in places.filter(|place| place.starts_with(&ours)) {
            drop(Command::new("umount").args(["-l", place]).status());
        }
    }
}

fn run(program: &str, folder: &Path) -> Child {
    let log = folder.join("log").display().to_string();
    let mut command = Command::new(program);
    let command = command.args(["--group", "root", "--logfile", &log]);
    let command = command.env("INCUS_DIR", folder).env_remove("INCUS_SOCKET");
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

/// An image with no system in it.
fn image(folder: &Path) -> Vec<u8> {
    let root = folder.join("image/rootfs/sbin");
    std::fs::create_dir_all(&root).unwrap();
    // Large enough that unpacking takes its time.
    std::fs::write(root.join("init"), vec![b'x'; 8 << 20]).unwrap();
    let metadata = "architecture: x86_64\ncreation_date: 1700000000\n";
    std::fs::write(folder.join("image/metadata.yaml"), metadata).unwrap();
    let tar = Command::new("tar")
        .arg("-C")
        .arg(folder.join("image"))
        .args(["-czf", "-", "metadata.yaml", "rootfs"])
        .output()
        .unwrap();
    tar.stdout
}

async fn ground(daemon: &Daemon) {
    let pool = json!({ "name": "default", "driver": "dir" });
    daemon.ask("POST", "/1.0/storage-pools", &pool);
    let root = json!({ "devices": { "root": { "type": "disk", "path": "/", "pool": "default" } } });
    daemon.ask("PUT", "/1.0/profiles/default", &root);
    let path = daemon.folder.path().join("image.tar.gz");
    std::fs::write(&path, image(daemon.folder.path())).unwrap();
    let testbed = daemon.testbed();
    let mut image = testbed.resource("incus_image");
    let files = Value::object([("data_path", Value::from(path.display().to_string()))]);
    let alias = Value::tuple(vec![Value::object([("name", Value::from("empty"))])]);
    image
        .apply(&[("source_file", files), ("alias", alias)])
        .await;
}

fn attributes(number: usize) -> Vec<(&'static str, Value)> {
    vec![
        ("name", Value::from(format!("r{number}"))),
        ("image", Value::from("empty")),
        ("running", Value::from(false)),
    ]
}

#[tokio::test]
async fn a_daemon_that_is_killed_in_the_middle_of_an_apply_and_comes_back() {
    // Without a daemon for all tests there is none for this one either.
    let Some(_) = socket() else { return };
    let Some(mut daemon) = Daemon::start() else {
        let required = std::env::var_os("STRATA_TEST_INCUS_REQUIRED").is_some();
        assert!(!required, "no `incusd` to start");
        println!("skipped: no `incusd` to start");
        return;
    };
    ground(&daemon).await;
    let testbed = daemon.testbed();
    let planned = join_all((0..COUNT).map(async |number| {
        let resource = testbed.resource("incus_instance");
        let config = resource.config(&attributes(number));
        let plan = resource.plan(&config).await;
        (resource, config, plan)
    }));
    let planned = planned.await;
    let applying = join_all(
        planned
            .iter()
            .map(|(resource, config, plan)| resource.try_apply(config, plan)),
    );
    let killing = tokio::task::spawn_blocking(move || {
        let made = |daemon: &Daemon| {
            let all = daemon.ask("GET", "/1.0/instances", &Json::Null);
            all["metadata"].as_array().map_or(0, Vec::len)
        };
        while made(&daemon) < 2 {
            std::thread::sleep(Duration::from_millis(5));
        }
        daemon.restart();
        daemon
    });
    let (responses, daemon) = tokio::join!(applying, killing);
    let daemon = daemon.unwrap();
    let failed = responses
        .iter()
        .filter(|response| response.diagnostics.has_errors());
    println!("{} of {COUNT} creates were cut off", failed.count());

    let next = daemon.testbed();
    let mut made = Vec::new();
    for (number, response) in responses.into_iter().enumerate() {
        let attributes = attributes(number);
        if !response.diagnostics.has_errors() {
            let mut resource = next.resource("incus_instance");
            resource.object = response.object;
            resource.settled(&attributes).await;
            made.push(resource);
            continue;
        }
        let marker = planned[number].0.marker.clone();
        made.push(
            converge(
                &next,
                "incus_instance",
                &marker,
                response.object,
                &attributes,
            )
            .await,
        );
    }
    let all = daemon.ask("GET", "/1.0/instances", &Json::Null);
    assert_eq!(all["metadata"].as_array().unwrap().len(), COUNT);
    for mut resource in made {
        resource.delete().await;
    }
    let all = daemon.ask("GET", "/1.0/instances", &Json::Null);
    assert_eq!(all["metadata"], json!([]));
}
