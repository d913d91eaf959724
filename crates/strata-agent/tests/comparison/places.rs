//! Where modules run in the comparison: in a folder of this machine or in a container, by
//! Ansible's code or by ours.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use strata_agent::change::NoContents;
use strata_agent::host::Local;
use strata_agent::module::Context;
use strata_agent::modules;
use strata_agent::protocol::{self, Frame, Request, Response, Task};

/// Where one suite runs.
pub(crate) trait Place {
    /// The path of the folder `D`.
    fn root(&self) -> String;
    /// Runs a line of the shell, and gives what it prints.
    fn shell(&mut self, line: &str) -> String;
    /// Runs the module.
    fn module(&mut self, args: &Value, check: bool) -> Map<String, Value>;
}

/// A container that goes with this value, unless it was there before; and where in it we work.
pub(crate) struct Container {
    name: String,
    is_ours: bool,
    folder: String,
}

/// The image that has what the modules need.
const IMAGE: &str = "debian/12/modules";

impl Container {
    /// Starts one; or takes the one that a variable names, in which packages may be waiting.
    pub(crate) fn start(what: &str, variable: &str) -> Container {
        if let Ok(name) = std::env::var(variable) {
            return Container {
                name,
                is_ours: false,
                folder: "system".to_owned(),
            };
        }
        let name = format!("modules-{what}-{}", std::process::id());
        // Docker runs inside of it.
        incus(&["launch", IMAGE, &name, "-c", "security.nesting=true"]);
        let container = Container {
            name,
            is_ours: true,
            folder: "system".to_owned(),
        };
        // `systemctl` waits for the end of the start; degraded is up, too.
        let wait = "cloud-init status --wait >/dev/null 2>&1; systemctl is-system-running --wait";
        let exec = ["exec", &container.name, "--", "sh", "-c", wait];
        Command::new("incus").args(exec).output().ok();
        container
    }

    /// Brings an agent of ours there, for all that follow.
    pub(crate) fn with_agent(self, agent: &Path) -> Container {
        let target = format!("{}/usr/local/bin/strata-agent", self.name);
        let agent = agent.to_string_lossy();
        incus(&["file", "push", "-q", "--mode", "0755", &agent, &target]);
        self
    }

    /// The same container, and a folder of its own in there.
    pub(crate) fn folder(&self, folder: String) -> Container {
        Container {
            name: self.name.clone(),
            is_ours: false,
            folder,
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.is_ours {
            // A container left over is seen in the list; a panic here would hide the test's own.
            Command::new("incus")
                .args(["delete", "-f", &self.name])
                .output()
                .ok();
        }
    }
}

/// A folder of this machine, or of a container.
enum Ground {
    Folder(tempfile::TempDir),
    /// Its name, and the folder in there.
    Container(String, String),
}

pub(crate) fn has_testbed() -> bool {
    let listed = Command::new("incus")
        .args(["image", "list", "-f", "csv", "-c", "l"])
        .output();
    let is_there =
        listed.is_ok_and(|listed| String::from_utf8_lossy(&listed.stdout).contains(IMAGE));
    let required = std::env::var_os("STRATA_TEST_INCUS_REQUIRED").is_some();
    assert!(
        is_there || !required,
        "the testbed has no image `{IMAGE}`: `cargo xtask testbed up` makes it"
    );
    is_there
}

fn incus(args: &[&str]) -> String {
    let output = Command::new("incus")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "incus {args:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

impl Ground {
    /// A folder of its own, with the programs that a suite brings: they may stand before whatever runs there.
    fn new(suite: &Value, container: Option<&Container>) -> Ground {
        let Some(container) = container else {
            return Ground::Folder(tempfile::tempdir().unwrap());
        };
        let folder = format!("/root/{}", container.folder);
        let ground = Ground::Container(container.name.clone(), folder.clone());
        ground.shell(&format!("cd /; rm -rf {folder}; mkdir -p {folder}/D"));
        for name in suite["bring"].as_array().into_iter().flatten() {
            ground.bring(name.as_str().unwrap());
        }
        ground
    }

    fn root(&self) -> String {
        match self {
            Ground::Folder(folder) => folder.path().join("D").to_string_lossy().into_owned(),
            Ground::Container(_, folder) => format!("{folder}/D"),
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        match self {
            Ground::Folder(_) => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]);
                command
            }
            Ground::Container(name, _) => {
                let mut command = Command::new("incus");
                command.args(["exec", name, "--"]).args(words);
                command
            }
        }
    }

    fn shell(&self, line: &str) -> String {
        let root = self.root();
        let line = format!("umask 022; mkdir -p {root}; cd {root}; {line}");
        if let Ground::Container(name, _) = self {
            return strata_testing::container::shell(name, &line);
        }
        let mut command = self.command(&["sh", "-c", &line]);
        let output = command.stdin(Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Puts a program of `programs/` there.
    fn bring(&self, name: &str) {
        let Ground::Container(container, _) = self else {
            panic!("programs are brought to containers, not to this machine");
        };
        let program = Path::new(super::TESTS).join("programs").join(name);
        let target = format!("{container}/usr/local/sbin/{name}");
        incus(&[
            "file",
            "push",
            "-q",
            "--mode",
            "0755",
            &program.to_string_lossy(),
            &target,
        ]);
    }
}

/// The words that a suite wants before those that run a module.
fn under(suite: &Value) -> Vec<String> {
    let words = suite["under"].as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

/// The Python that has ansible-core.
fn python() -> String {
    let programs = strata_testing::peers::ansible().expect("recordings need ansible-core");
    programs.join("python").to_string_lossy().into_owned()
}

/// Where a Python keeps the packages that were installed for it.
fn packages(python: &str) -> String {
    let asked = Command::new(python)
        .args([
            "-c",
            "import sysconfig; print(sysconfig.get_path('purelib'))",
        ])
        .output();
    String::from_utf8_lossy(&asked.unwrap().stdout)
        .trim()
        .to_owned()
}

/// Ansible's module, run as its own program.
pub(crate) struct Ansible {
    ground: Ground,
    module: String,
    under: Vec<String>,
}

impl Ansible {
    pub(crate) fn new(suite: &Value, container: Option<&Container>) -> Ansible {
        let ground = Ground::new(suite, container);
        if let Ground::Container(name, _) = &ground {
            let mut tar = Command::new("tar")
                .args([
                    "-C",
                    &packages(&python()),
                    "-cz",
                    "ansible",
                    "yaml",
                    "jinja2",
                    "markupsafe",
                ])
                .args(["packaging", "passlib"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let into = Command::new("incus")
                .args(["exec", name, "--", "sh", "-c"])
                .arg("mkdir -p /opt/a; tar -xz -C /opt/a")
                .stdin(tar.stdout.take().unwrap())
                .status();
            assert!(into.unwrap().success() && tar.wait().unwrap().success());
            if let Ok(collections) = std::env::var("STRATA_COLLECTIONS") {
                let mut tar = Command::new("tar")
                    .args([
                        "-C",
                        &collections,
                        "-cz",
                        "ansible_collections/community/general",
                    ])
                    .args(["ansible_collections/ansible/posix"])
                    .args(["ansible_collections/community/crypto"])
                    .args(["ansible_collections/community/postgresql"])
                    .args(["ansible_collections/community/mysql"])
                    .args(["ansible_collections/community/docker"])
                    .args(["ansible_collections/community/rabbitmq"])
                    .args(["ansible_collections/community/library_inventory_filtering_v1"])
                    .args(["ansible_collections/containers/podman"])
                    .args(["ansible_collections/kubernetes/core"])
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap();
                let into = Command::new("incus")
                    .args(["exec", name, "--", "tar", "-xz", "-C", "/opt/a"])
                    .stdin(tar.stdout.take().unwrap())
                    .status();
                assert!(into.unwrap().success() && tar.wait().unwrap().success());
            }
        }
        Ansible {
            ground,
            module: suite["run"].as_str().unwrap().to_owned(),
            under: under(suite),
        }
    }
}

impl Place for Ansible {
    fn root(&self) -> String {
        self.ground.root()
    }

    fn shell(&mut self, line: &str) -> String {
        self.ground.shell(line)
    }

    fn module(&mut self, args: &Value, check: bool) -> Map<String, Value> {
        let mut args = args.clone();
        args["_ansible_check_mode"] = check.into();
        let input = json!({"ANSIBLE_MODULE_ARGS": args}).to_string();
        let collections = std::env::var("STRATA_COLLECTIONS").unwrap_or_default();
        let (python, path) = match &self.ground {
            Ground::Folder(_) => (python(), collections.as_str()),
            Ground::Container(..) => ("python3".to_owned(), "/opt/a"),
        };
        let path = format!("PYTHONPATH={path}");
        let words = ["env", &path, "HOME=/root", &python, "-m", &self.module];
        let words: Vec<&str> = self.under.iter().map(String::as_str).chain(words).collect();
        let mut child = self
            .ground
            .command(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().rfind(|line| line.starts_with('{'));
        let why = String::from_utf8_lossy(&output.stderr);
        let file = format!("{}.py\", line", self.module.replace('.', "/"));
        let crashed = why.contains("Traceback") && why.contains(&file);
        // To a user a failure like others, but not in words.
        let crash = r#"{"failed": true, "msg": "*"}"#;
        let line = line.or(crashed.then_some(crash));
        let line = line.unwrap_or_else(|| panic!("{args}: {said}{why}"));
        // The public half of an RSA key is a number that JSON's readers give up on.
        let long = regex::Regex::new(r"([\[: ])(\d{100,})([,}\]])").unwrap();
        serde_json::from_str(&long.replace_all(line, "$1\"$2\"$3")).unwrap()
    }
}

/// Our module: in this process, or the agent in the container.
pub(crate) struct Strata {
    ground: Ground,
    module: String,
    agent: Option<Child>,
    tasks: u64,
}

impl Strata {
    pub(crate) fn new(suite: &Value, name: &str, container: Option<&Container>) -> Strata {
        let ground = Ground::new(suite, container);
        let agent = match &ground {
            Ground::Folder(_) => None,
            Ground::Container(..) => {
                let agent = ["env", "HOME=/root", "/usr/local/bin/strata-agent"];
                let under = under(suite);
                let words: Vec<&str> = under.iter().map(String::as_str).chain(agent).collect();
                let child = ground
                    .command(&words)
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .spawn();
                Some(child.unwrap())
            }
        };
        let mut strata = Strata {
            ground,
            module: suite["module"].as_str().unwrap_or(name).to_owned(),
            agent,
            tasks: 0,
        };
        strata.say(&Request::Hello {
            version: protocol::VERSION,
        });
        strata
    }

    fn say(&mut self, request: &Request) {
        if let Some(agent) = &mut self.agent {
            let mut input = agent.stdin.as_mut().unwrap();
            protocol::write_message(&mut input, request).unwrap();
        }
    }

    fn hear(&mut self) -> Map<String, Value> {
        let output = self.agent.as_mut().unwrap().stdout.as_mut().unwrap();
        loop {
            let frame = protocol::read_frame::<Response>(output).unwrap();
            if let Some(Frame::Message(Response::Result { result, .. })) = frame {
                return result.to_values();
            }
            assert!(frame.is_some(), "the agent is gone");
        }
    }
}

impl Drop for Strata {
    fn drop(&mut self) {
        if let Some(mut agent) = self.agent.take() {
            drop(agent.stdin.take());
            agent.wait().ok();
        }
    }
}

impl Place for Strata {
    fn root(&self) -> String {
        self.ground.root()
    }

    fn shell(&mut self, line: &str) -> String {
        self.ground.shell(line)
    }

    fn module(&mut self, args: &Value, check: bool) -> Map<String, Value> {
        let task = Task {
            module: self.module.clone(),
            args: args.as_object().cloned().unwrap_or_default(),
            check,
            ..Task::default()
        };
        if self.agent.is_some() {
            self.tasks += 1;
            let id = self.tasks;
            self.say(&Request::Task { id, task });
            return self.hear();
        }
        let host = Local::new(&task.environment, Arc::default());
        let context = Context {
            task: &task,
            host: &host,
            contents: &NoContents,
        };
        modules::run(&context).to_values()
    }
}
