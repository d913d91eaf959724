//! `podman_image`: an image is there, pulled or built, pushed elsewhere, or gone, or is described for systemd.
//!
//! As `containers.podman.podman_image` 1.18. A password goes to Podman in a file that only the same user can read, under the
//! registries that names say, so that a name without one is refused where there is a password.

use serde_json::{Map, Value, json};

use super::quadlet::{Found, Quadlet};
use super::{SHARED, Step, Thing, changes, flags, told};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::digest;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::modules::scratch::Scratch;
use crate::protocol::Task;
use build::Build;
use push::Push;
use registry::{Access, Name};

mod build;
mod push;
mod registry;

pub(in crate::modules) struct PodmanImage {
    thing: Thing,
    name: Name,
    /// As it was given, which may be the beginning of an id.
    given: String,
    state: String,
    arch: Option<String>,
    pulls: bool,
    pull_words: Vec<String>,
    force: bool,
    build: Build,
    push: Option<Push>,
    access: Access,
    check: bool,
    quadlet: Quadlet,
}

/// What there is, and what is left to do.
pub(in crate::modules) struct Current {
    info: Option<Value>,
    steps: Vec<Step>,
    /// What goes is told as gone.
    goes: bool,
    pushes: bool,
    /// Holds files with a password, or with what an image is built by.
    _scratch: Option<Scratch>,
}

impl Module for PodmanImage {
    const SPEC: Spec = Spec::new(
        "containers.podman.podman_image",
        &[
            Field::str("name").required(),
            Field::str("arch"),
            Field::str("tag").default("latest"),
            Field::bool("pull", true),
            Field::str("pull_extra_args"),
            Field::bool("push", false),
            Field::str("path"),
            Field::bool("force", false),
            Field::str("state")
                .choices(&["absent", "present", "build", "quadlet"])
                .default("present"),
            Field::maybe("validate_certs").alias(&["tlsverify", "tls_verify"]),
            Field::path("auth_file").alias(&["authfile"]),
            Field::str("username"),
            Field::str("password"),
            Field::path("ca_cert_dir"),
            Field::new("build", FieldKind::Dict).alias(&["build_args", "buildargs"]),
            Field::new("push_args", FieldKind::Dict),
        ],
    )
    .with(SHARED)
    .exclusive(&[&["auth_file", "username"], &["auth_file", "password"]]);
    type Current = Found<Current>;

    fn new(arguments: &Arguments, task: &Task) -> Result<PodmanImage, ModuleError> {
        let access = Access::read(arguments, task.check)?;
        let extra = arguments.filled("pull_extra_args").unwrap_or_default();
        let given = arguments.text("name");
        let push = Push::read(arguments)?;
        let one = |name: &str| arguments.string(name).into_iter().collect();
        let verifies = arguments.maybe("validate_certs");
        let lines = vec![
            ("Arch", one("arch")),
            ("AuthFile", one("auth_file")),
            ("CertDir", one("ca_cert_dir")),
            ("Creds", access.credentials().into_iter().collect()),
            ("Image", vec![given.clone()]),
            (
                "TLSVerify",
                verifies
                    .map(|value| value.to_string())
                    .into_iter()
                    .collect(),
            ),
        ];
        Ok(PodmanImage {
            thing: Thing::read("image", arguments),
            name: Name::read(&given, &arguments.text("tag")),
            quadlet: Quadlet::read(arguments, "image", "Image", lines)?
                .hidden(access.credentials().is_some()),
            state: arguments.text("state"),
            arch: arguments.filled("arch"),
            pulls: arguments.bool("pull"),
            pull_words: programs::words(&extra)?,
            force: arguments.bool("force"),
            build: Build::read(arguments)?,
            push: arguments.bool("push").then_some(push),
            access,
            check: task.check,
            given,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found<Current>, ModuleError> {
        if self.state == "quadlet" {
            return self.quadlet.observe(host).map(Found::Quadlet);
        }
        programs::required(host, &self.thing.executable)?;
        let mut current = Current {
            info: self.find(host)?,
            steps: Vec::new(),
            goes: self.state == "absent",
            pushes: false,
            _scratch: None,
        };
        match current.goes {
            true => self.decide_removal(host, &mut current)?,
            false => self.decide_steps(host, &mut current)?,
        }
        Ok(Found::Thing(Box::new(current)))
    }

    fn decide(&self, found: &Found<Current>) -> Vec<Change> {
        match found {
            Found::Quadlet(found) => self.quadlet.changes(found),
            Found::Thing(current) => changes(&current.steps),
        }
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found<Current>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let current = match found {
            Found::Quadlet(_) => return Ok(Report::of(values(Quadlet::values("image")))),
            Found::Thing(current) => current,
        };
        let (mut actions, mut commands) = told(&current.steps);
        if outcome.check {
            commands.clear();
        }
        // The push tells its command among the actions, too.
        let pushing = commands.last().filter(|_| current.pushes);
        let pushing =
            pushing.map(|last| last.replacen(&format!("{} ", self.thing.executable), "", 1));
        if let Some(pushing) = &pushing {
            actions.insert(actions.len() - 1, pushing);
        }
        let image = match current.goes {
            true if current.steps.is_empty() => json!({}),
            true => json!({"state": "Deleted"}),
            false => match self.find(host)? {
                Some(info) => json!([info]),
                None => json!({}),
            },
        };
        Ok(Report::of(values(json!({
            "actions": actions,
            "podman_actions": commands,
            "image": image,
            "stdout": said(current, outcome),
        }))))
    }
}

/// What building and pushing said; nobody asks what pulling says.
fn said(current: &Current, outcome: &Outcome) -> String {
    let mut told = String::new();
    for (step, output) in current.steps.iter().zip(&outcome.outputs) {
        if step.told.starts_with("Pushed ") {
            told.push('\n');
        } else if !step.told.starts_with("Built ") {
            continue;
        }
        told.push_str(&output.stdout);
        told.push_str(&output.stderr);
    }
    told
}

impl PodmanImage {
    /// What Podman tells of the image, if it is there for the processor that is asked for.
    fn find(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        let info = self
            .thing
            .inspect_other(host, "image", &self.name.whole())?;
        let arch = self.arch.as_deref();
        Ok(info.filter(|info| arch.is_none_or(|arch| info["Architecture"] == arch)))
    }

    fn decide_steps(&self, host: &dyn Host, current: &mut Current) -> Result<(), ModuleError> {
        let whole = self.name.whole();
        let builds = self.state == "build" || self.build.path.is_some();
        let text = self.build.text(host)?;
        let hash = text.as_ref().map(|text| digest::sha256(text.as_bytes()));
        let is_there = current.info.as_ref().is_some_and(|info| {
            let built_by = info["Labels"]["containerfile.hash"].as_str();
            hash.is_none() || built_by == hash.as_deref()
        });
        if !is_there || self.force {
            if builds {
                self.build.check()?;
            } else if !self.pulls {
                return Err(ModuleError::new(format!(
                    "Image {whole} not found locally and pull is disabled"
                )));
            }
            let mut names = vec![whole.clone()];
            if builds {
                names.extend(text.iter().flat_map(|text| build::bases(text)));
            }
            let mut scratch = self.access.scratch(host)?;
            let access = self.access.words(host, &scratch, "from.json", &names)?;
            let step = match builds {
                true => {
                    let file = match self.check {
                        true => None,
                        false => self.build.file(host, &mut scratch)?,
                    };
                    self.built(&whole, access, hash.as_deref(), file)
                }
                false => self.pulled(&whole, access),
            };
            current.steps.push(step);
            current._scratch = scratch;
        }
        self.decide_push(host, current)
    }

    fn decide_push(&self, host: &dyn Host, current: &mut Current) -> Result<(), ModuleError> {
        let Some(push) = &self.push else {
            return Ok(());
        };
        let target = push.target(&self.name.whole())?;
        let access = match push.is_by_ssh() {
            true => Vec::new(),
            false => {
                if current._scratch.is_none() {
                    current._scratch = self.access.scratch(host)?;
                }
                let names = [target.clone()];
                let scratch = &current._scratch;
                self.access.words(host, scratch, "to.json", &names)?
            }
        };
        let words = push.words(&self.name.whole(), &target, access);
        let whole = self.name.whole();
        current.pushes = true;
        current.steps.push(self.step(
            words,
            format!("Pushed image {whole}"),
            match push.is_by_ssh() {
                true => format!("Failed to scp image {whole} to {}", push.dest()),
                false => format!("Failed to push image {whole}"),
            },
        ));
        Ok(())
    }

    fn pulled(&self, whole: &str, access: Vec<String>) -> Step {
        let mut words = vec!["pull".to_owned(), whole.to_owned()];
        let arch: Vec<String> = self.arch.iter().cloned().collect();
        words.extend(flags("--arch", &arch));
        words.extend(access);
        words.extend(self.pull_words.iter().cloned());
        self.step(
            words,
            format!("Pulled image {whole}"),
            format!("Failed to pull image {whole}"),
        )
    }

    fn built(
        &self,
        whole: &str,
        access: Vec<String>,
        hash: Option<&str>,
        file: Option<String>,
    ) -> Step {
        let mut words = vec!["build".to_owned(), "-t".to_owned(), whole.to_owned()];
        words.extend(access);
        words.extend(self.build.words(hash));
        let file: Vec<String> = file.into_iter().collect();
        words.extend(flags("--file", &file));
        let path = self.build.path.as_deref().unwrap_or("context");
        self.step(
            words,
            format!("Built image {whole} from {path}"),
            format!("Failed to build image {whole}: {{stdout}} {{stderr}}"),
        )
    }

    fn decide_removal(&self, host: &dyn Host, current: &mut Current) -> Result<(), ModuleError> {
        let whole = self.name.whole();
        if current.info.is_some() {
            current.steps.push(self.removed(&whole, "image", ""));
            return Ok(());
        }
        let id = match self.given.split_once(':') {
            Some((id, _)) if id != "sha256" => id,
            _ => &self.given,
        };
        let words = ["image", "ls", "--quiet", "--no-trunc"];
        let said = host.run(&self.thing.podman(words))?;
        let mut ids = said.stdout.lines().map(|line| line.replace("sha256:", ""));
        if said.status == 0 && ids.any(|one| one.starts_with(id)) {
            current
                .steps
                .push(self.removed(id, "image with ID", "with ID "));
        }
        Ok(())
    }

    fn removed(&self, what: &str, told: &str, failed: &str) -> Step {
        let mut words = vec!["rmi".to_owned(), what.to_owned()];
        words.extend(self.force.then(|| "--force".to_owned()));
        self.step(
            words,
            format!("Removed {told} {what}"),
            format!("Failed to remove image {failed}{what}: {{stderr}}"),
        )
    }

    fn step(&self, words: Vec<String>, told: String, failure: String) -> Step {
        let start = [self.thing.executable.clone()].into_iter();
        let argv: Vec<String> = start.chain(words).collect();
        Step {
            shown: argv.join(" "),
            argv,
            told,
            failure,
        }
    }
}

/// The arguments inside of one of ours, with their own types.
fn inner(spec: &Spec, arguments: &Arguments, name: &str) -> Result<Arguments, ModuleError> {
    let given: Map<String, Value> = arguments
        .raw(name)
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    spec.read(&given, &Default::default())
}
