//! The command line: what can be asked for, as data.
//!
//! Options keep the spelling of the tool whose command it is: one dash for Terraform's, two for
//! Ansible's. Both work everywhere, see [`single_dash`].

mod check;
pub(crate) mod environment;
mod infrastructure;
mod initialize;
mod language;
mod playbook;
mod project;
pub(crate) mod single_dash;
mod state;
mod test;
mod truth;
mod twin;
mod variables;

use std::{
    borrow::Cow,
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Args as _, FromArgMatches};

pub(crate) use check::Check;
pub(crate) use infrastructure::{
    Apply, Destroy, Import, Output, Plan, Refresh, Settings, Show, Validate,
};
pub(crate) use initialize::{Get, Init};
pub(crate) use language::{Console, Format, Graph, Metadata, MetadataCommand};
pub(crate) use playbook::{
    Adhoc, Galaxy, GalaxyCommand, GalaxyInstall, GalaxyKind, GalaxyPlace, Hosts, Inventory,
    Passwords, Playbook, Vault, VaultCommand, VaultFiles,
};
pub(crate) use project::{Down, Environment, PlanTarget, Stages, Status, Up};
pub(crate) use state::{
    ForceUnlock, Held, State, StateCommand, StateFile, Taint, Workspace, WorkspaceCommand,
};

pub(crate) use test::Test;
pub(crate) use twin::{Platform, Twin};

/// What was asked for.
#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) everywhere: Everywhere,
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
pub(crate) struct Everywhere {
    /// Work in this folder.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    /// No colours.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
}

impl Args {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    ///
    /// What is wrong with it, or the help that was asked for.
    pub(crate) fn parse(argv: &[OsString]) -> Result<Self, clap::Error> {
        // Describing all commands takes a third of the time of a short run. Those that are not
        // named can only matter to help and to suggestions.
        let argv = &in_words(argv);
        let named = |name: &str| argv.iter().any(|word| word == name);
        Self::with(argv, named).or_else(|_| Self::with(argv, |_| true))
    }

    fn with(argv: &[OsString], known: impl Fn(&str) -> bool) -> Result<Self, clap::Error> {
        let matches = describe(known).try_get_matches_from(argv)?;
        Ok(Self {
            everywhere: Everywhere::from_arg_matches(&matches)?,
            command: Command::from_arg_matches(&matches)?,
        })
    }
}

/// `strata help COMMAND` is `strata COMMAND --help`, and `-v` is `--version`, as with Terraform.
fn in_words(argv: &[OsString]) -> Cow<'_, [OsString]> {
    match argv {
        [program, help, command @ ..] if help == "help" => {
            let mut asked = vec![program.clone()];
            asked.extend_from_slice(command);
            asked.push("--help".into());
            asked.into()
        }
        [program, version] if version == "-v" => vec![program.clone(), "--version".into()].into(),
        _ => argv.into(),
    }
}

/// The program, with all its commands.
pub(crate) fn whole() -> clap::Command {
    describe(|_| true)
}

/// The program, with the commands that are `known`.
fn describe(known: impl Fn(&str) -> bool) -> clap::Command {
    let program = clap::Command::new("strata")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        // Clap's has all commands once more; see `in_words`.
        .disable_help_subcommand(true);
    Everywhere::augment_args(program)
        .about("Runs Terraform configuration and Ansible playbooks on Incus and Proxmox VE")
        .subcommands(Command::describe(known))
}

/// The commands: what each is about, its options, and its name.
macro_rules! commands {
    ($($(#[doc = $about:literal])+ $command:ident($options:ty) = $name:literal,)+) => {
        #[derive(Debug)]
        pub(crate) enum Command {
            $($(#[doc = $about])+ $command($options),)+
        }

        impl Command {
            /// Those that are `known`, with their options.
            fn describe(known: impl Fn(&str) -> bool) -> Vec<clap::Command> {
                let mut commands = Vec::new();
                $(if known($name) {
                    let about = concat!($($about),+).trim().trim_end_matches('.');
                    let command = <$options>::augment_args(clap::Command::new($name));
                    // Of an option that is given twice the last one counts.
                    let command = command.args_override_self(true);
                    commands.push(command.about(about).long_about(None));
                })+
                commands
            }

            fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
                match matches.subcommand() {
                    $(Some(($name, matches)) => {
                        <$options>::from_arg_matches(matches).map(Self::$command)
                    })+
                    _ => Err(clap::Error::new(clap::error::ErrorKind::MissingSubcommand)),
                }
            }
        }
    };
}

commands! {
    /// Bring up an environment: make its machines, configure them, verify its services.
    Up(Up) = "up",
    /// Take down an environment: delete everything that `up` made.
    Down(Down) = "down",
    /// Run only the playbooks of an environment, on machines that exist.
    Configure(Stages) = "configure",
    /// Run only the checks of an environment.
    Verify(Stages) = "verify",
    /// Show which stages of an environment are up, out of date, changed outside or missing.
    Status(Status) = "status",
    /// Look for known mistakes in both layers, in a project or in any folder.
    Check(Check) = "check",
    /// Show what would change, in an environment or for the configuration in this folder.
    Plan(PlanTarget) = "plan",
    /// Apply the Terraform configuration in this folder.
    Apply(Apply) = "apply",
    /// Destroy everything that the configuration in this folder made.
    Destroy(Destroy) = "destroy",
    /// Bring an existing object into the state.
    Import(Import) = "import",
    /// Update the state to match what exists.
    Refresh(Refresh) = "refresh",
    /// Prepare this folder: fetch modules, set up the backend, check what else is needed.
    Init(Init) = "init",
    /// Fetch the modules that the configuration in this folder calls.
    Get(Get) = "get",
    /// Check the configuration in this folder.
    Validate(Validate) = "validate",
    /// Run the tests of the configuration in this folder, as `terraform test` does.
    Test(Test) = "test",
    /// Evaluate expressions against the configuration and the state in this folder.
    Console(Console) = "console",
    /// Write the graph of what depends on what, for Graphviz.
    Graph(Graph) = "graph",
    /// List the modules that the configuration calls.
    Modules(Modules) = "modules",
    /// Show which module requires which providers.
    Providers(Providers) = "providers",
    /// Not supported: says where to put the token of a host.
    Login(Login) = "login",
    /// Not supported: says where the token of a host may be kept.
    Logout(Login) = "logout",
    /// Describe the language itself.
    Metadata(Metadata) = "metadata",
    /// Rewrite configuration files in the canonical style, as `terraform fmt` does.
    Fmt(Format) = "fmt",
    /// Show output values from the state.
    Output(Output) = "output",
    /// Show the state, a state file or a saved plan.
    Show(Show) = "show",
    /// Inspect the state, and change it by hand.
    State(State) = "state",
    /// Mark an object to be replaced by the next apply.
    Taint(Taint) = "taint",
    /// Unmark an object that was to be replaced.
    Untaint(Taint) = "untaint",
    /// Release the state's lock, whoever holds it.
    ForceUnlock(ForceUnlock) = "force-unlock",
    /// Manage workspaces: several states of one configuration.
    Workspace(Workspace) = "workspace",
    /// The former name of `workspace`.
    Env(Workspace) = "env",
    /// Run playbooks, as `ansible-playbook` does.
    Playbook(Playbook) = "playbook",
    /// Show an inventory, as `ansible-inventory` does.
    Inventory(Inventory) = "inventory",
    /// Run one module on some hosts, as `ansible` does.
    Run(Adhoc) = "run",
    /// Install roles and collections, as `ansible-galaxy` does.
    Galaxy(Galaxy) = "galaxy",
    /// Encrypt and decrypt files and values, as `ansible-vault` does.
    Vault(Vault) = "vault",
    /// Describe a resource or data source; without a name, list them all.
    Doc(Doc) = "doc",
    /// Serve models of Incus and Proxmox VE to other programs, until Ctrl-C.
    Twin(Twin) = "twin",
    /// Write a script that completes commands and options in a shell.
    Completion(Completion) = "completion",
    /// Show the version.
    Version(Version) = "version",
}

/// `providers`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Providers {
    /// Folder with test files, beside those in this one; what they need is listed, too.
    #[arg(long, default_value = "tests", value_name = "DIR")]
    pub(crate) test_directory: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Option<ProvidersCommand>,
}

/// What else there is to know of providers.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ProvidersCommand {
    /// Show the schemas of the configuration's providers.
    Schema {
        /// As JSON, the only form there is.
        #[arg(long, required = true)]
        json: bool,
    },
    /// Check whether Strata has the providers to lock; `.terraform.lock.hcl` is left alone.
    Lock {
        /// Addresses of providers, such as `hashicorp/random`; without any, all that the configuration uses.
        #[arg(value_name = "PROVIDER")]
        providers: Vec<String>,
        /// A platform, such as `linux_amd64`: built-in providers run on every one that Strata runs on.
        #[arg(long, value_name = "OS_ARCH")]
        platform: Vec<String>,
        /// Not supported: the providers are built in.
        #[arg(long, value_name = "DIR")]
        fs_mirror: Option<PathBuf>,
        /// Not supported: the providers are built in.
        #[arg(long, value_name = "URL")]
        net_mirror: Option<String>,
        /// Of no effect: nothing is fetched that a cache could keep.
        #[arg(long)]
        enable_plugin_cache: bool,
    },
    /// Not supported: the providers are built in, so there are no packages.
    Mirror {
        /// Where the packages would go.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// A platform, such as `linux_amd64`.
        #[arg(long, value_name = "OS_ARCH")]
        platform: Vec<String>,
        /// Of no effect: nothing is mirrored.
        #[arg(long, default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = truth::parse_bool, value_name = "BOOL")]
        lock_file: bool,
    },
}

/// Options of `login` and `logout`.
#[derive(Debug, clap::Args)]
pub(crate) struct Login {
    /// The host.
    #[arg(value_name = "HOST", default_value = "app.terraform.io")]
    pub(crate) host: String,
}

/// Options of `modules`.
#[derive(Debug, clap::Args)]
pub(crate) struct Modules {
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Options of `version`.
#[derive(Debug, clap::Args)]
pub(crate) struct Version {
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The tool whose version was asked for, under its own name.
    #[arg(long, hide = true, value_name = "NAME")]
    pub(crate) tool: Option<String>,
}

/// Options of `completion`.
#[derive(Debug, clap::Args)]
pub(crate) struct Completion {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// Options of `doc`.
#[derive(Debug, clap::Args)]
pub(crate) struct Doc {
    /// A type, such as `random_password` or `data.local_file`, or a provider, such as `random`.
    pub(crate) name: Option<String>,
}

/// Under the name of a tool that Strata replaces, it behaves as that tool's command.
///
/// `ansible-playbook` becomes `strata playbook`, `ansible-inventory` `strata inventory`; `terraform`
/// and `tofu` need no word more, since their commands are ours. What is asked for its version names the
/// ansible-core, Terraform or OpenTofu that is followed: others look for that before they go on.
pub(crate) fn called_as(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut argv: Vec<OsString> = argv.into_iter().collect();
    let name = argv
        .first()
        .and_then(|path| Path::new(path).file_name())
        .unwrap_or_default()
        .to_owned();
    let (command, asking) = match name.to_str() {
        Some("ansible-playbook") => (Some("playbook"), &["--version"][..]),
        Some("ansible-inventory") => (Some("inventory"), &["--version"][..]),
        Some("ansible-vault") => (Some("vault"), &["--version"][..]),
        Some("ansible-galaxy") => (Some("galaxy"), &["--version"][..]),
        Some("ansible") => (Some("run"), &["--version"][..]),
        Some("terraform" | "tofu") => (None, &["version", "-v", "-version", "--version"][..]),
        _ => return argv,
    };
    let is_asking = |first: &OsString| asking.iter().any(|word| first == word);
    // `terraform -chdir=x version` is asked in another folder.
    let is_folder = |word: &&OsString| {
        command.is_none()
            && word
                .to_str()
                .is_some_and(|word| word.starts_with("-chdir="))
    };
    let first = 1 + argv.iter().skip(1).take_while(is_folder).count();
    let (replaced, words) = match argv.get(first).is_some_and(is_asking) {
        true => (
            first..first + 1,
            vec!["version".into(), "--tool".into(), name],
        ),
        false => (1..1, command.into_iter().map(OsString::from).collect()),
    };
    argv.splice(replaced, words);
    argv
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn parsed(argv: &[&str]) -> Args {
        let argv = single_dash::widen(argv.iter().map(OsString::from));
        Args::parse(&argv).unwrap()
    }

    #[test]
    fn the_definition_is_consistent() {
        whole().debug_assert();
    }

    #[test]
    fn options_that_take_no_value_may_be_given_one() {
        const OF_OTHERS: [&str; 5] = ["playbook", "inventory", "run", "vault", "galaxy"];
        let mut named = std::collections::BTreeSet::new();
        let program = whole();
        let mut commands: Vec<&clap::Command> = program.get_subcommands().collect();
        while let Some(command) = commands.pop() {
            if OF_OTHERS.contains(&command.get_name()) {
                continue;
            }
            commands.extend(command.get_subcommands());
            let takes_none = |arg: &&clap::Arg| matches!(arg.get_action(), ArgAction::SetTrue);
            let takes_none = command.get_arguments().filter(takes_none);
            named.extend(takes_none.filter_map(clap::Arg::get_long));
        }
        let missing = truth::FLAGS.iter().filter(|name| !named.contains(*name));
        assert_eq!(missing.collect::<Vec<_>>(), Vec::<&&str>::new());
    }

    #[test]
    fn help_may_be_asked_for_in_words() {
        let asked = |argv: &[&str]| {
            let argv = single_dash::widen(argv.iter().map(OsString::from));
            let said = Args::parse(&argv).unwrap_err();
            assert_eq!(said.kind(), clap::error::ErrorKind::DisplayHelp);
            said.to_string()
        };
        assert!(asked(&["strata", "help"]).contains("playbook"));
        assert!(asked(&["strata", "help", "plan"]).contains("--out"));
        assert!(asked(&["strata", "help", "state", "list"]).contains("Usage: strata state list"));
    }

    #[test]
    fn a_link_of_another_name_is_that_tool() {
        let argv = called_as(["/usr/bin/ansible-playbook", "site.yml"].map(Into::into));
        assert_eq!(argv, ["/usr/bin/ansible-playbook", "playbook", "site.yml"]);
        let argv = called_as(["ansible", "--version"].map(Into::into));
        assert_eq!(argv, ["ansible", "version", "--tool", "ansible"]);
        let argv = called_as(["terraform", "--version"].map(Into::into));
        assert_eq!(argv, ["terraform", "version", "--tool", "terraform"]);
        let argv = called_as(["tofu", "version", "-json"].map(Into::into));
        assert_eq!(argv, ["tofu", "version", "--tool", "tofu", "-json"]);
        let argv = called_as(["terraform", "-chdir=x", "-version"].map(Into::into));
        let named = ["terraform", "-chdir=x", "version", "--tool", "terraform"];
        assert_eq!(argv, named);
        let argv = called_as(["tofu", "plan"].map(Into::into));
        assert_eq!(argv, ["tofu", "plan"]);
    }

    #[test]
    fn playbook_options_are_ansibles() {
        let argv = [
            "strata",
            "playbook",
            "-i",
            "hosts",
            "-u",
            "root",
            "-b",
            "-e",
            "a=1",
            "-l",
            "web",
            "-t",
            "x",
            "-C",
            "-D",
            "-f",
            "9",
            "-c",
            "ssh",
            "-vv",
            "--private-key",
            "k",
            "site.yml",
        ];
        let args = parsed(&argv);
        let Command::Playbook(playbook) = args.command else {
            panic!("not playbook")
        };
        let hosts = &playbook.hosts;
        assert_eq!(hosts.remote_user.as_deref(), Some("root"));
        assert_eq!(hosts.extra_vars, ["a=1"]);
        assert_eq!((hosts.forks, hosts.verbose), (Some(9), 2));
        assert!(hosts.become_ && hosts.check && hosts.diff);
    }

    #[test]
    fn terraform_options_take_one_dash() {
        let argv = [
            "strata",
            "apply",
            "-auto-approve",
            "-parallelism=3",
            "-var",
            "a=b=c",
            "-refresh=false",
        ];
        let args = parsed(&argv);
        let Command::Apply(apply) = args.command else {
            panic!("not apply")
        };
        assert!(apply.auto_approve);
        assert_eq!(apply.plan.settings.parallelism, 3);
        assert_eq!(apply.plan.settings.variables.kinds(), (true, false));
        assert!(!apply.plan.refresh);
    }
}
