//! Plain descriptions of what a machine has beside files: programs, accounts, packages, units.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A program to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Command {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Given on standard input, which is empty otherwise.
    pub stdin: Option<String>,
    /// Added to the task's environment.
    pub environment: BTreeMap<String, String>,
    /// The folder in which it runs.
    pub directory: Option<PathBuf>,
    /// It is ended after so long.
    pub timeout: Option<Duration>,
}

impl Command {
    /// A program with arguments and nothing else.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Command {
        Command {
            argv: argv.into_iter().map(Into::into).collect(),
            ..Command::default()
        }
    }

    /// What it said, without the secrets that it has in its environment: programs like to repeat them in complaints.
    pub(crate) fn concealed(&self, mut output: Output) -> Output {
        let is_secret = |name: &str| {
            let words = ["PASS", "PWD", "SECRET", "TOKEN"];
            words.iter().any(|word| name.contains(word))
        };
        let secrets = self.environment.iter();
        // Shorter ones would hide what only looks like them.
        let secrets = secrets.filter(|(name, secret)| is_secret(name) && secret.len() > 3);
        for (_, secret) in secrets {
            for text in [&mut output.stdout, &mut output.stderr] {
                *text = text.replace(secret, "********");
            }
        }
        output
    }
}

/// What a program on a terminal asks, and what it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// A regular expression for the end of what was printed so far.
    pub pattern: String,
    /// One answer a time, the last one for ever where `repeats`; without a line's end.
    pub answers: Vec<String>,
    /// Whether a single answer serves each time.
    pub repeats: bool,
}

/// All that a program on a terminal may ask.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dialogue {
    /// The questions.
    pub questions: Vec<Question>,
    /// Whether the answers show in the output.
    pub echo: bool,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// Exit status; minus the signal's number when one ended it.
    pub status: i32,
    /// What it wrote, cut at [`MAX_OUTPUT`].
    pub stdout: String,
    /// What it wrote as errors, cut at [`MAX_OUTPUT`].
    pub stderr: String,
    /// Whether something was cut.
    pub truncated: bool,
}

impl Output {
    /// A program that ended well.
    pub fn success(stdout: &str) -> Output {
        Output {
            stdout: stdout.to_owned(),
            ..Output::default()
        }
    }

    /// A program that failed.
    pub fn failure(status: i32, stderr: &str) -> Output {
        Output {
            status,
            stderr: stderr.to_owned(),
            ..Output::default()
        }
    }
}

/// The most that is kept of each output of a program.
pub const MAX_OUTPUT: usize = 8 << 20;

/// A user, as in `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub comment: String,
    pub home: String,
    pub shell: String,
}

/// A group, as in `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Group {
    pub name: String,
    pub gid: u32,
    pub members: Vec<String>,
}

/// What to do with users and groups.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AccountChange {
    CreateUser {
        name: String,
        options: UserOptions,
    },
    ModifyUser {
        name: String,
        options: UserOptions,
    },
    SetPassword {
        name: String,
        hash: String,
    },
    RemoveUser {
        name: String,
        remove_home: bool,
        force: bool,
    },
    CreateGroup {
        name: String,
        gid: Option<u32>,
        system: bool,
        /// More words for the tool.
        more: Vec<String>,
    },
    ModifyGroup {
        name: String,
        gid: u32,
        more: Vec<String>,
    },
    RemoveGroup {
        name: String,
        force: bool,
    },
}

/// What is set on a user that is made or changed; `None` leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct UserOptions {
    pub uid: Option<u32>,
    pub group: Option<String>,
    pub groups: Option<Vec<String>>,
    /// The groups are added to those the user has.
    pub append: bool,
    pub comment: Option<String>,
    pub home: Option<String>,
    pub move_home: bool,
    pub create_home: bool,
    pub shell: Option<String>,
    pub system: bool,
    pub non_unique: bool,
    pub skeleton: Option<String>,
    /// The day on which the account expires, as `2030-01-31`; empty for never.
    pub expires: Option<String>,
    /// The user of SELinux.
    pub seuser: Option<String>,
    /// More words for the tool that makes a user.
    pub more: Vec<String>,
}

/// What a package manager has.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Packages {
    /// Installed packages by name (with `:arch` for a foreign architecture).
    pub installed: BTreeMap<String, Package>,
    /// Names provided by installed packages, each with one that provides it.
    pub provided: BTreeMap<String, String>,
    /// Packages that were removed and left their configuration.
    pub configured: BTreeMap<String, Package>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Package {
    pub version: String,
    pub held: bool,
}

/// What the package manager shall do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// The kind of work.
    pub verb: PackageVerb,
    /// Packages, with `=version` where one is asked for.
    pub names: Vec<String>,
    /// How.
    pub options: PackageOptions,
}

/// The kinds of work of a package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PackageVerb {
    Update,
    Install,
    Reinstall,
    BuildDependencies,
    InstallFiles,
    Remove,
    SafeUpgrade,
    FullUpgrade,
    DistributionUpgrade,
    Autoremove,
    Autoclean,
    Clean,
}

/// How a package manager works.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct PackageOptions {
    pub purge: bool,
    pub autoremove: bool,
    pub only_upgrade: bool,
    pub force: bool,
    pub allow_unauthenticated: bool,
    pub allow_downgrade: bool,
    pub allow_change_held: bool,
    pub fail_on_autoremove: bool,
    pub install_recommends: Option<bool>,
    pub default_release: Option<String>,
    pub dpkg_options: Vec<String>,
    /// Seconds to wait for another package manager.
    pub lock_timeout: u64,
    /// What `policy-rc.d` answers while packages want to start or stop their services.
    pub policy_rc_d: Option<i64>,
    /// How often lists are asked for again that did not come.
    pub update_retries: u64,
    /// The most seconds between two tries.
    pub update_max_delay: u64,
}

/// Whose units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum UnitScope {
    #[default]
    System,
    User,
    Global,
}

/// What the service manager says about a unit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unit {
    /// All properties, as `systemctl show` prints them.
    pub properties: BTreeMap<String, String>,
    /// As `systemctl is-enabled` says: `enabled`, `disabled`, `static`, `masked`, …; empty if none.
    pub enabled: String,
}

impl Unit {
    /// A property, or nothing.
    pub fn property(&self, name: &str) -> &str {
        self.properties.get(name).map_or("", String::as_str)
    }

    /// Whether there is such a unit, be it masked.
    pub fn exists(&self) -> bool {
        self.property("LoadState") != "not-found" && !self.properties.is_empty()
    }
}

/// What to do with a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct UnitChange {
    pub verb: UnitVerb,
    /// Empty for what concerns all (`daemon-reload`).
    pub name: String,
    pub scope: UnitScope,
    pub no_block: bool,
    pub force: bool,
}

/// The verbs of `systemctl` that are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum UnitVerb {
    Start,
    Stop,
    Restart,
    Reload,
    Enable,
    Disable,
    Mask,
    Unmask,
    DaemonReload,
    DaemonReexec,
}

impl UnitVerb {
    /// As `systemctl` spells it.
    pub fn name(self) -> &'static str {
        match self {
            UnitVerb::Start => "start",
            UnitVerb::Stop => "stop",
            UnitVerb::Restart => "restart",
            UnitVerb::Reload => "reload",
            UnitVerb::Enable => "enable",
            UnitVerb::Disable => "disable",
            UnitVerb::Mask => "mask",
            UnitVerb::Unmask => "unmask",
            UnitVerb::DaemonReload => "daemon-reload",
            UnitVerb::DaemonReexec => "daemon-reexec",
        }
    }
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Redirects {
    None,
    /// Those of requests that only read: GET and HEAD.
    #[default]
    Safe,
    /// Those that Python's library follows: of POST, too, which becomes a GET.
    Python,
    All,
}

/// An HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub struct HttpRequest {
    pub url: String,
    pub method: String,
    pub headers: Vec<(String, String)>,
    /// Names of header fields that do not go along to another address.
    pub unredirected: Vec<String>,
    pub body: Option<Vec<u8>>,
    /// What goes over the connection once the head of the answer is there, on a unix socket: it is a plain stream then.
    pub input: Option<Vec<u8>>,
    /// The file that is sent instead of a body.
    pub body_file: Option<PathBuf>,
    pub redirects: Redirects,
    /// Content that comes packed with gzip is unpacked.
    pub decompress: bool,
    /// The host that is connected to, where that is not the one of the address, by which the server says who it is.
    pub connect_to: Option<String>,
    /// What TLS may use, as OpenSSL writes it; anything where it is empty.
    pub ciphers: Vec<String>,
    pub timeout: Duration,
    pub verify_certificates: bool,
    pub use_proxy: bool,
    /// The unix socket on which the server listens; no proxy and no TLS then.
    pub socket: Option<PathBuf>,
    /// Who we are: files in PEM, of which the first may hold the key, too.
    pub client_certificate: Option<PathBuf>,
    pub client_key: Option<PathBuf>,
    /// Trusted beside the system's certificates: a file in PEM.
    pub authorities: Option<PathBuf>,
}
