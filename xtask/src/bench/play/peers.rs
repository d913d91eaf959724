//! The other tools: each is a command to run in the folder of the playbook, if it is installed.
//!
//! ansible-core is `ansible-playbook` on the path or in `STRATA_BENCH_ANSIBLE`; mitogen, pyinfra and ansible-core-rs are
//! virtual environments named by `STRATA_BENCH_MITOGEN` (with an ansible-core in it), `STRATA_BENCH_PYINFRA` and
//! `STRATA_BENCH_ANSIBLE_RS`.

use std::env;
use std::path::PathBuf;

use crate::process;

/// One tool.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) words: Vec<String>,
    /// How many times faster we are to be.
    pub(super) times_faster: f64,
    /// The part of its processor time that we may use, if that is a goal.
    pub(super) cpu: Option<f64>,
}

/// All that are there; the others are told.
pub(super) fn found(forks: usize) -> Vec<Peer> {
    let all = [ansible(), mitogen(), pyinfra(), ansible_rs()];
    let found: Vec<Peer> = all
        .into_iter()
        .filter_map(|found| {
            found
                .map_err(|missing| println!("play: without {missing}"))
                .ok()
        })
        .collect();
    let forked = |mut peer: Peer| {
        if peer.name != "pyinfra" {
            peer.words.extend(["--forks".to_owned(), forks.to_string()]);
        }
        peer
    };
    found.into_iter().map(forked).collect()
}

/// Settings that make ansible-core quick; all peers get them.
pub(super) const SETTINGS: &str = "[defaults]\nhost_key_checking = true\nretry_files_enabled = false\ntimeout = 60\n\
     interpreter_python = /usr/bin/python3\n\n[ssh_connection]\npipelining = true\n\
     ssh_args = -o ControlMaster=auto -o ControlPersist=60s\n";

fn ansible() -> Result<Peer, &'static str> {
    let named = env::var("STRATA_BENCH_ANSIBLE").unwrap_or_else(|_| "ansible-playbook".to_owned());
    if !process::succeeds(&[&named, "--version"]) {
        return Err("ansible-core: set STRATA_BENCH_ANSIBLE to its `ansible-playbook`");
    }
    Ok(Peer {
        name: "ansible-core",
        words: playbook(&named),
        times_faster: 50.0,
        cpu: Some(0.05),
    })
}

fn mitogen() -> Result<Peer, &'static str> {
    let missing = "mitogen: set STRATA_BENCH_MITOGEN to a virtual environment with it";
    let root = PathBuf::from(env::var("STRATA_BENCH_MITOGEN").map_err(|_| missing)?);
    let python = root.join("bin/python").display().to_string();
    let script = "import ansible_mitogen, os; print(os.path.dirname(ansible_mitogen.__file__))";
    let plugins = process::output(&[&python, "-c", script]).map_err(|_| missing)?;
    let program = root.join("bin/ansible-playbook").display().to_string();
    let strategies = format!(
        "ANSIBLE_STRATEGY_PLUGINS={}/plugins/strategy",
        plugins.trim()
    );
    let mut words = vec![
        "env".to_owned(),
        strategies,
        "ANSIBLE_STRATEGY=mitogen_linear".to_owned(),
    ];
    words.extend(playbook(&program));
    Ok(Peer {
        name: "mitogen",
        words,
        times_faster: 10.0,
        cpu: None,
    })
}

fn pyinfra() -> Result<Peer, &'static str> {
    let missing = "pyinfra: set STRATA_BENCH_PYINFRA to a virtual environment with it";
    let root = PathBuf::from(env::var("STRATA_BENCH_PYINFRA").map_err(|_| missing)?);
    let program = root.join("bin/pyinfra").display().to_string();
    if !process::succeeds(&[&program, "--version"]) {
        return Err(missing);
    }
    Ok(Peer {
        name: "pyinfra",
        words: [&program, "-y", "inventory.py", "deploy.py"]
            .map(str::to_owned)
            .to_vec(),
        times_faster: 5.0,
        cpu: None,
    })
}

fn ansible_rs() -> Result<Peer, &'static str> {
    let missing = "ansible-core-rs: set STRATA_BENCH_ANSIBLE_RS to a virtual environment with it";
    let root = PathBuf::from(env::var("STRATA_BENCH_ANSIBLE_RS").map_err(|_| missing)?);
    let program = root.join("bin/ansible").display().to_string();
    if !process::succeeds(&[&program, "--version"]) {
        return Err(missing);
    }
    Ok(Peer {
        name: "ansible-core-rs",
        words: [&program, "playbook", "-i", "hosts", "site.yml"]
            .map(str::to_owned)
            .to_vec(),
        times_faster: 5.0,
        cpu: None,
    })
}

fn playbook(program: &str) -> Vec<String> {
    [program, "-i", "hosts", "site.yml"]
        .map(str::to_owned)
        .to_vec()
}
