//! The command line: what can be asked for, as data.
//!
//! Options keep the spelling of the tool whose command it is: one dash for Terraform's, two for
//! Ansible's. Both work everywhere, see [`single_dash`].

mod check;
mod deferred;
pub(crate) mod environment;
mod infrastructure;
mod initialize;
mod language;
mod playbook;
mod project;
pub(crate) mod single_dash;
mod state;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use clap::{Parser, Subcommand};

use deferred::Deferred;

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
    ForceUnlock, State, StateCommand, StateFile, Taint, Workspace, WorkspaceCommand,
};

/// Runs Terraform configuration and Ansible playbooks on Incus, as one.
#[derive(Debug, Parser)]
#[command(
    name = "strata",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Args {
    /// Folder to work in.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) chdir: Option<PathBuf>,
    /// No colours.
    #[arg(long, global = true)]
    pub(crate) no_color: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring an environment up: make the machines, configure them, verify the services.
    Up(Deferred<Up>),
    /// Take an environment down: delete all that `up` made.
    Down(Deferred<Down>),
    /// Run the playbooks of an environment, on the machines that are there.
    Configure(Deferred<Stages>),
    /// Verify the services of an environment.
    Verify(Deferred<Stages>),
    /// Say for each stage of an environment what is up, changed behind our back, or missing.
    Status(Deferred<Status>),
    /// Look for what is known to go wrong: the layer rules, on a project or on any folder.
    Check(Deferred<Check>),
    /// Show what would change: of an environment, or of the Terraform configuration in this folder.
    Plan(Deferred<PlanTarget>),
    /// Make the changes that the Terraform configuration in this folder needs.
    Apply(Deferred<Apply>),
    /// Delete everything that the Terraform configuration in this folder made.
    Destroy(Deferred<Destroy>),
    /// Take an object that is there already into the state.
    Import(Deferred<Import>),
    /// Bring the state up to date with what is there.
    Refresh(Deferred<Refresh>),
    /// Fetch the modules that the Terraform configuration in this folder calls, and check what else it needs.
    Init(Deferred<Init>),
    /// Fetch the modules that the Terraform configuration in this folder calls.
    Get(Deferred<Get>),
    /// Check the Terraform configuration in this folder.
    Validate(Deferred<Validate>),
    /// Evaluate expressions in the scope of the configuration and state in this folder.
    Console(Deferred<Console>),
    /// Draw which resource waits for which, in the language of Graphviz.
    Graph(Deferred<Graph>),
    /// Show which module needs which providers.
    Providers,
    /// Show what the language consists of.
    Metadata(Deferred<Metadata>),
    /// Rewrite configuration files in the usual style, as `terraform fmt` does.
    Fmt(Deferred<Format>),
    /// Show output values from state.
    Output(Deferred<Output>),
    /// Show the state.
    Show(Deferred<Show>),
    /// Look into the state, and change it by hand.
    State(Deferred<State>),
    /// Have an object replaced by the next apply.
    Taint(Deferred<Taint>),
    /// Do not have an object replaced any more.
    Untaint(Deferred<Taint>),
    /// Take the state's lock away from who holds it.
    ForceUnlock(Deferred<ForceUnlock>),
    /// Several states of one configuration.
    Workspace(Deferred<Workspace>),
    /// Run a playbook, as `ansible-playbook` does.
    Playbook(Deferred<Playbook>),
    /// Show an inventory, as `ansible-inventory` does.
    Inventory(Deferred<Inventory>),
    /// Run one module on some hosts, as `ansible` does.
    Run(Deferred<Adhoc>),
    /// Install roles and collections, as `ansible-galaxy` does.
    Galaxy(Deferred<Galaxy>),
    /// Encrypt and decrypt files and values, as `ansible-vault` does.
    Vault(Deferred<Vault>),
    /// Show what a resource or data source takes and gives; without a name, which there are.
    Doc(Deferred<Doc>),
    /// Show the version.
    Version {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
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
/// and `tofu` need no word more, since their commands are ours.
pub(crate) fn called_as(argv: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut argv: Vec<OsString> = argv.into_iter().collect();
    let name = argv
        .first()
        .and_then(|path| Path::new(path).file_name())
        .unwrap_or_default();
    let command = match name.to_str() {
        Some("ansible-playbook") => "playbook",
        Some("ansible-inventory") => "inventory",
        Some("ansible-vault") => "vault",
        Some("ansible-galaxy") => "galaxy",
        Some("ansible") => "run",
        _ => return argv,
    };
    argv.insert(1, command.into());
    argv
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_link_of_another_name_is_that_tool() {
        let argv = called_as(["/usr/bin/ansible-playbook", "site.yml"].map(Into::into));
        assert_eq!(argv, ["/usr/bin/ansible-playbook", "playbook", "site.yml"]);
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
        let args = Args::parse_from(single_dash::widen(argv.map(Into::into)));
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
        let args = Args::parse_from(single_dash::widen(argv.map(Into::into)));
        let Command::Apply(apply) = args.command else {
            panic!("not apply")
        };
        assert!(apply.auto_approve);
        assert_eq!(apply.plan.settings.parallelism, 3);
        assert_eq!(apply.plan.settings.variables, ["a=b=c"]);
        assert!(!apply.plan.refresh);
    }
}
