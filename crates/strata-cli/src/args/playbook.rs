//! Options of the application commands, named as Ansible names them.

use std::path::PathBuf;

use clap::{ArgAction, Args, Subcommand};

/// Options about hosts and how they are reached, which `playbook` and `run` share.
#[derive(Args, Clone, Debug)]
pub(crate) struct Hosts {
    /// Inventory file, folder, program or state, or hosts separated by commas; may be repeated.
    #[arg(
        short,
        long = "inventory",
        visible_alias = "inventory-file",
        value_name = "INVENTORY"
    )]
    pub(crate) inventory: Vec<String>,
    /// Only hosts that match.
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
    /// Set variables: `NAME=VALUE ...`, JSON, YAML, or `@FILE`.
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    pub(crate) extra_vars: Vec<String>,
    /// Change nothing; show what would change.
    #[arg(short = 'C', long)]
    pub(crate) check: bool,
    /// Show how files change.
    #[arg(short = 'D', long)]
    pub(crate) diff: bool,
    /// How many hosts at once [default: 5].
    #[arg(short, long, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub(crate) forks: Option<u16>,
    /// Run tasks as another user.
    #[arg(short = 'b', long = "become")]
    pub(crate) become_: bool,
    /// The user to become.
    #[arg(long, value_name = "USER")]
    pub(crate) become_user: Option<String>,
    /// The tool to use: `sudo`, `su` or `doas`.
    #[arg(long, value_name = "TOOL")]
    pub(crate) become_method: Option<String>,
    /// Ask for the password that becoming takes.
    #[arg(short = 'K', long)]
    pub(crate) ask_become_pass: bool,
    /// File with the password that becoming takes, or program that prints it.
    #[arg(long, visible_alias = "become-pass-file", value_name = "FILE")]
    pub(crate) become_password_file: Option<PathBuf>,
    /// Ask for the login password.
    #[arg(short = 'k', long)]
    pub(crate) ask_pass: bool,
    /// File with the login password, or program that prints it.
    #[arg(long, visible_alias = "conn-pass-file", value_name = "FILE")]
    pub(crate) connection_password_file: Option<PathBuf>,
    /// Log in as this user.
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub(crate) remote_user: Option<String>,
    /// Log in with this private key.
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub(crate) private_key: Option<PathBuf>,
    /// How to reach hosts: `ssh`, `local` or `incus`.
    #[arg(short, long, value_name = "CONNECTION")]
    pub(crate) connection: Option<String>,
    /// Timeout of connecting, in seconds.
    #[arg(short = 'T', long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// Arguments for ssh.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) ssh_common_args: Option<String>,
    /// More arguments for ssh.
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    pub(crate) ssh_extra_args: Option<String>,
    /// List the hosts that match; run nothing.
    #[arg(long)]
    pub(crate) list_hosts: bool,
    #[command(flatten)]
    pub(crate) passwords: Passwords,
    /// Show more; repeat for even more.
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// Where the passwords of encrypted files come from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Passwords {
    /// Vault password with an id: `ID@FILE`, `ID@PROGRAM` or `ID@prompt`.
    #[arg(id = "vault_ids", long = "vault-id", value_name = "ID@SOURCE")]
    pub(crate) ids: Vec<String>,
    /// File with the vault password, or program that prints it.
    #[arg(
        id = "vault_password_files",
        long = "vault-password-file",
        visible_alias = "vault-pass-file",
        value_name = "FILE"
    )]
    pub(crate) files: Vec<PathBuf>,
    /// Ask for the vault password.
    #[arg(
        id = "ask_vault_pass",
        short = 'J',
        long = "ask-vault-pass",
        visible_alias = "ask-vault-password"
    )]
    pub(crate) ask: bool,
}

/// `playbook`, as `ansible-playbook`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Playbook {
    /// Playbooks, run one after another.
    #[arg(required = true)]
    pub(crate) playbooks: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) hosts: Hosts,
    /// Only tasks with these tags.
    #[arg(short, long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Skip tasks with these tags.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) skip_tags: Vec<String>,
    /// Start at the task with this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) start_at_task: Option<String>,
    /// Continue where the last run of this playbook stopped, each host at its own task.
    #[arg(long, conflicts_with = "start_at_task")]
    pub(crate) resume: bool,
    /// Ask before each task.
    #[arg(long)]
    pub(crate) step: bool,
    /// Run notified handlers on failed hosts as well.
    #[arg(long)]
    pub(crate) force_handlers: bool,
    /// Clear the fact cache.
    #[arg(long)]
    pub(crate) flush_cache: bool,
    /// Check the playbook; run nothing.
    #[arg(long)]
    pub(crate) syntax_check: bool,
    /// List the tasks that would run.
    #[arg(long)]
    pub(crate) list_tasks: bool,
    /// List the tags of tasks.
    #[arg(long)]
    pub(crate) list_tags: bool,
    /// Write events as lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `run`, as `ansible`: one module on some hosts.
#[derive(Args, Clone, Debug)]
pub(crate) struct Adhoc {
    /// Hosts or groups.
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: String,
    #[command(flatten)]
    pub(crate) hosts: Hosts,
    /// The module to run.
    #[arg(
        short,
        long = "module-name",
        default_value = "command",
        value_name = "MODULE"
    )]
    pub(crate) module: String,
    /// Its arguments.
    #[arg(
        short,
        long = "args",
        default_value = "",
        value_name = "ARGS",
        allow_hyphen_values = true
    )]
    pub(crate) arguments: String,
    /// Show one line per host.
    #[arg(short, long)]
    pub(crate) one_line: bool,
    /// Run in the background, for at most this many seconds.
    #[arg(short = 'B', long, value_name = "SECONDS")]
    pub(crate) background: Option<u64>,
    /// Seconds between polls of a background task; with 0, leave it running.
    #[arg(short = 'P', long, value_name = "SECONDS")]
    pub(crate) poll: Option<u64>,
    /// Timeout of the task, in seconds.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) task_timeout: Option<u64>,
    /// Write events as lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `inventory`, as `ansible-inventory`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Inventory {
    /// Inventory file, folder, program or state, or hosts separated by commas; may be repeated.
    #[arg(
        short,
        long = "inventory",
        visible_alias = "inventory-file",
        value_name = "INVENTORY"
    )]
    pub(crate) inventory: Vec<String>,
    /// Only hosts that match.
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
    /// Show groups, hosts and variables.
    #[arg(long, required_unless_present_any = ["host", "graph"])]
    pub(crate) list: bool,
    /// Show one host's variables.
    #[arg(long, conflicts_with_all = ["list", "graph"], value_name = "HOST")]
    pub(crate) host: Option<String>,
    /// Show groups and hosts as a tree.
    #[arg(long, conflicts_with = "list")]
    pub(crate) graph: bool,
    /// The group whose tree to show.
    #[arg(value_name = "GROUP", requires = "graph")]
    pub(crate) group: Option<String>,
    /// Also show variables in the tree.
    #[arg(long, requires = "graph")]
    pub(crate) vars: bool,
    /// Write YAML instead of JSON.
    #[arg(short, long)]
    pub(crate) yaml: bool,
    /// Show variables where they are defined, not merged for each host.
    #[arg(long)]
    pub(crate) export: bool,
    /// Write to a file.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passwords: Passwords,
}

/// `vault`, as `ansible-vault`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Vault {
    #[command(subcommand)]
    pub(crate) command: VaultCommand,
}

/// What every command of `vault` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct VaultFiles {
    #[command(flatten)]
    pub(crate) passwords: Passwords,
    /// Id of the password to encrypt with, if there are several.
    #[arg(long, value_name = "ID")]
    pub(crate) encrypt_vault_id: Option<String>,
    /// Write the result to this file; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The files; none, or `-`, for standard input.
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum VaultCommand {
    /// Encrypt files.
    Encrypt(VaultFiles),
    /// Decrypt files.
    Decrypt(VaultFiles),
    /// Show the contents of encrypted files.
    View(VaultFiles),
    /// Edit encrypted files in `$EDITOR`.
    Edit(VaultFiles),
    /// Create an encrypted file in `$EDITOR`.
    Create(VaultFiles),
    /// Change the password of encrypted files.
    Rekey {
        #[command(flatten)]
        files: VaultFiles,
        /// The new password with its id: `ID@FILE`, `ID@PROGRAM` or `ID@prompt`.
        #[arg(long, value_name = "ID@SOURCE")]
        new_vault_id: Option<String>,
        /// File with the new password, or program that prints it.
        #[arg(long, value_name = "FILE")]
        new_vault_password_file: Option<PathBuf>,
    },
    /// Encrypt values for YAML files.
    #[command(name = "encrypt_string", visible_alias = "encrypt-string")]
    EncryptString {
        #[command(flatten)]
        passwords: Passwords,
        /// Id of the password to encrypt with, if there are several.
        #[arg(long, value_name = "ID")]
        encrypt_vault_id: Option<String>,
        /// The values; none, or `-`, for standard input.
        values: Vec<String>,
        /// The name of each value.
        #[arg(short, long, value_name = "NAME")]
        name: Vec<String>,
        /// The name of the value on standard input.
        #[arg(long, value_name = "NAME")]
        stdin_name: Option<String>,
        /// Ask for the value.
        #[arg(short, long)]
        prompt: bool,
        /// Write the result to this file.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
}

/// `galaxy`, as `ansible-galaxy`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Galaxy {
    #[command(subcommand)]
    pub(crate) command: GalaxyCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GalaxyCommand {
    /// Install roles and collections.
    Install(GalaxyInstall),
    /// List what is installed.
    List(GalaxyPlace),
    /// Only roles.
    Role {
        #[command(subcommand)]
        command: GalaxyKind,
    },
    /// Only collections.
    Collection {
        #[command(subcommand)]
        command: GalaxyKind,
    },
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum GalaxyKind {
    /// Install them.
    Install(GalaxyInstall),
    /// List what is installed.
    List(GalaxyPlace),
}

/// Where roles and collections are put.
#[derive(Args, Clone, Debug)]
pub(crate) struct GalaxyPlace {
    /// Folder for roles or collections.
    #[arg(short, long = "path", visible_aliases = ["roles-path", "collections-path"], value_name = "FOLDER")]
    pub(crate) path: Option<PathBuf>,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct GalaxyInstall {
    /// Names, archives, repositories: `OWNER.NAME,VERSION`, `NAMESPACE.NAME:VERSION`, `git+ADDRESS,VERSION`.
    pub(crate) names: Vec<String>,
    /// Requirements file.
    #[arg(
        short,
        long = "role-file",
        visible_alias = "requirements-file",
        value_name = "FILE"
    )]
    pub(crate) requirements: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) place: GalaxyPlace,
    /// Install again what is already there.
    #[arg(short, long)]
    pub(crate) force: bool,
    /// The Galaxy server.
    #[arg(short, long, value_name = "URL")]
    pub(crate) server: Option<String>,
}
