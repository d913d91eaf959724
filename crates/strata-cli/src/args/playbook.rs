//! Options of the application commands, named as Ansible names them.

use std::path::PathBuf;

use clap::{ArgAction, Args};

/// `playbook`, as `ansible-playbook`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Playbook {
    /// Playbooks, run one after another.
    #[arg(required = true)]
    pub(crate) playbooks: Vec<PathBuf>,
    /// Inventory file or folder, or hosts with commas between.
    #[arg(short, long = "inventory", value_name = "INVENTORY")]
    pub(crate) inventory: Vec<String>,
    /// Only these hosts.
    #[arg(short, long, value_name = "PATTERN")]
    pub(crate) limit: Option<String>,
    /// Set variables: `NAME=VALUE ...`, JSON, YAML, or `@FILE`.
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    pub(crate) extra_vars: Vec<String>,
    /// Only tasks with these tags.
    #[arg(short, long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// No tasks with these tags.
    #[arg(long, value_name = "TAGS", value_delimiter = ',')]
    pub(crate) skip_tags: Vec<String>,
    /// Begin at the task of this name.
    #[arg(long, value_name = "NAME")]
    pub(crate) start_at_task: Option<String>,
    /// Change nothing, say what would change.
    #[arg(short = 'C', long)]
    pub(crate) check: bool,
    /// Show how files change.
    #[arg(short = 'D', long)]
    pub(crate) diff: bool,
    /// Hosts worked on at once.
    #[arg(short, long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub(crate) forks: u16,
    /// Work as another user.
    #[arg(short = 'b', long = "become")]
    pub(crate) become_: bool,
    /// Which user to become.
    #[arg(long, value_name = "USER")]
    pub(crate) become_user: Option<String>,
    /// User to log in as.
    #[arg(short = 'u', long = "user", value_name = "USER")]
    pub(crate) remote_user: Option<String>,
    /// Private key to log in with.
    #[arg(long = "private-key", visible_alias = "key-file", value_name = "FILE")]
    pub(crate) private_key: Option<PathBuf>,
    /// Way to the hosts: `ssh`, `local` or `incus`.
    #[arg(short, long, value_name = "CONNECTION")]
    pub(crate) connection: Option<String>,
    /// Check the playbook, run nothing.
    #[arg(long)]
    pub(crate) syntax_check: bool,
    /// Show more; repeat for still more.
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Write events as lines of JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `inventory`, as `ansible-inventory`.
#[derive(Args, Clone, Debug)]
pub(crate) struct Inventory {
    /// Inventory file or folder, or hosts with commas between.
    #[arg(short, long = "inventory", required = true, value_name = "INVENTORY")]
    pub(crate) inventory: Vec<String>,
    /// Show groups, hosts and variables as JSON.
    #[arg(long, required_unless_present = "host")]
    pub(crate) list: bool,
    /// Show one host's variables as JSON.
    #[arg(long, conflicts_with = "list", value_name = "HOST")]
    pub(crate) host: Option<String>,
}
