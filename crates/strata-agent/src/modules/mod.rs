//! The modules, one a file, and the table that finds them by name.

use serde_json::Value;

use crate::arguments::Spec;
use crate::host::Host;
use crate::module::{Context, Module, ModuleError, perform};
use crate::protocol::{Notice, TaskResult};

mod acl;
mod address;
mod alternatives;
mod apache2_module;
mod apk;
mod apt;
mod apt_key;
mod apt_repository;
mod archive;
mod assemble;
mod authorized_key;
mod blockinfile;
mod capabilities;
mod cargo;
mod command;
mod composer;
mod copy;
mod copy_tree;
mod cron;
mod crypto;
mod crypttab;
mod deb822_repository;
mod debconf;
mod dnf;
mod docker;
mod docker_compose_v2;
mod docker_compose_v2_pull;
mod download;
mod dpkg_divert;
mod dpkg_selections;
mod edit;
mod expect;
mod file;
mod filesize;
mod filesystem;
mod find;
mod firewalld;
mod flatpak;
mod gem;
mod get_url;
mod getent;
mod git;
mod git_config;
mod group;
mod helm;
mod hostname;
mod htpasswd;
mod ini_file;
mod interfaces_file;
mod iptables;
mod known_hosts;
mod lineinfile;
mod locale_gen;
mod lvm;
mod make;
mod modprobe;
mod mount;
mod mount_facts;
mod mysql;
mod nmcli;
mod npm;
mod openpgp;
mod openrc;
mod package_facts;
mod pacman;
mod pam_limits;
mod pamd;
mod parted;
mod patch;
mod ping;
mod pip;
mod pipx;
mod podman;
mod postgresql;
mod programs;
mod proxmox;
mod rabbitmq_plugin;
mod rabbitmq_user;
mod rabbitmq_vhost;
mod raw;
mod read_csv;
mod replace;
mod rhsm_repository;
mod rpm_key;
mod scratch;
mod seboolean;
mod sefcontext;
mod selinux;
mod seport;
mod service_facts;
mod setup;
mod shell;
mod slurp;
mod snap;
mod ssh_config;
mod stat;
mod subversion;
mod sudoers;
mod supervisorctl;
mod sysctl;
mod systemd;
mod sysvinit;
mod tempfile;
mod timezone;
mod ufw;
mod unarchive;
mod uri;
mod user;
mod wait_for;
mod xml;
mod yum_repository;
mod zfs;
mod zypper;
mod zypper_repository;
mod zypper_xml;

/// One line of the table.
struct Entry {
    name: &'static str,
    spec: Spec,
    run: fn(&Context<'_>) -> Result<TaskResult, ModuleError>,
}

const fn entry<M: Module>(name: &'static str) -> Entry {
    Entry {
        name,
        spec: M::SPEC,
        run: perform::<M>,
    }
}

/// All modules, sorted by name.
const MODULES: &[Entry] = &[
    entry::<acl::Acl>("acl"),
    entry::<alternatives::Alternatives>("alternatives"),
    entry::<apache2_module::Apache2Module>("apache2_module"),
    entry::<apk::Apk>("apk"),
    entry::<apt::Apt>("apt"),
    entry::<apt_key::AptKey>("apt_key"),
    entry::<apt_repository::AptRepository>("apt_repository"),
    entry::<archive::Archive>("archive"),
    entry::<assemble::Assemble>("assemble"),
    entry::<authorized_key::AuthorizedKey>("authorized_key"),
    entry::<blockinfile::Blockinfile>("blockinfile"),
    entry::<capabilities::Capabilities>("capabilities"),
    entry::<cargo::Cargo>("cargo"),
    entry::<command::Command>("command"),
    entry::<composer::Composer>("composer"),
    entry::<copy::Copy>("copy"),
    entry::<cron::Cron>("cron"),
    entry::<crypttab::Crypttab>("crypttab"),
    entry::<deb822_repository::Deb822Repository>("deb822_repository"),
    entry::<debconf::Debconf>("debconf"),
    entry::<dnf::Dnf>("dnf"),
    entry::<dnf::Dnf>("dnf5"),
    entry::<docker_compose_v2::DockerComposeV2>("docker_compose_v2"),
    entry::<docker_compose_v2_pull::DockerComposeV2Pull>("docker_compose_v2_pull"),
    entry::<docker::container::DockerContainer>("docker_container"),
    entry::<docker::exec::DockerContainerExec>("docker_container_exec"),
    entry::<docker::info::DockerContainerInfo>("docker_container_info"),
    entry::<docker::host_info::DockerHostInfo>("docker_host_info"),
    entry::<docker::image::DockerImage>("docker_image"),
    entry::<docker::info::DockerImageInfo>("docker_image_info"),
    entry::<docker::login::DockerLogin>("docker_login"),
    entry::<docker::network::DockerNetwork>("docker_network"),
    entry::<docker::info::DockerNetworkInfo>("docker_network_info"),
    entry::<docker::prune::DockerPrune>("docker_prune"),
    entry::<docker::volume::DockerVolume>("docker_volume"),
    entry::<docker::info::DockerVolumeInfo>("docker_volume_info"),
    entry::<dpkg_divert::DpkgDivert>("dpkg_divert"),
    entry::<dpkg_selections::DpkgSelections>("dpkg_selections"),
    entry::<expect::Expect>("expect"),
    entry::<file::File>("file"),
    entry::<filesize::Filesize>("filesize"),
    entry::<filesystem::Filesystem>("filesystem"),
    entry::<find::Find>("find"),
    entry::<firewalld::Firewalld>("firewalld"),
    entry::<flatpak::Flatpak>("flatpak"),
    entry::<setup::Setup>("gather_facts"),
    entry::<gem::Gem>("gem"),
    entry::<get_url::GetUrl>("get_url"),
    entry::<getent::Getent>("getent"),
    entry::<git::Git>("git"),
    entry::<git_config::GitConfig>("git_config"),
    entry::<group::Group>("group"),
    entry::<helm::release::HelmRelease>("helm"),
    entry::<helm::info::HelmInfo>("helm_info"),
    entry::<helm::plugin::HelmPlugin>("helm_plugin"),
    entry::<helm::repository::HelmRepository>("helm_repository"),
    entry::<hostname::Hostname>("hostname"),
    entry::<htpasswd::Htpasswd>("htpasswd"),
    entry::<ini_file::IniFile>("ini_file"),
    entry::<interfaces_file::InterfacesFile>("interfaces_file"),
    entry::<iptables::Iptables>("iptables"),
    entry::<known_hosts::KnownHosts>("known_hosts"),
    entry::<lineinfile::Lineinfile>("lineinfile"),
    entry::<locale_gen::LocaleGen>("locale_gen"),
    entry::<lvm::group::Lvg>("lvg"),
    entry::<lvm::rename::LvgRename>("lvg_rename"),
    entry::<lvm::volume::Lvol>("lvol"),
    entry::<make::Make>("make"),
    entry::<modprobe::Modprobe>("modprobe"),
    entry::<mount::Mount>("mount"),
    entry::<mount_facts::MountFacts>("mount_facts"),
    entry::<mysql::db::MysqlDb>("mysql_db"),
    entry::<mysql::user::MysqlUser>("mysql_user"),
    entry::<mysql::variables::MysqlVariables>("mysql_variables"),
    entry::<nmcli::Nmcli>("nmcli"),
    entry::<npm::Npm>("npm"),
    entry::<crypto::ssh::OpensshKeypair>("openssh_keypair"),
    entry::<crypto::request::OpensslCsr>("openssl_csr"),
    entry::<crypto::request_pipe::OpensslCsrPipe>("openssl_csr_pipe"),
    entry::<crypto::dhparam::OpensslDhparam>("openssl_dhparam"),
    entry::<crypto::pkcs12::OpensslPkcs12>("openssl_pkcs12"),
    entry::<crypto::privatekey::OpensslPrivatekey>("openssl_privatekey"),
    entry::<crypto::publickey::OpensslPublickey>("openssl_publickey"),
    entry::<apt::Package>("package"),
    entry::<package_facts::PackageFacts>("package_facts"),
    entry::<pacman::Pacman>("pacman"),
    entry::<pam_limits::PamLimits>("pam_limits"),
    entry::<pamd::Pamd>("pamd"),
    entry::<parted::Parted>("parted"),
    entry::<patch::Patch>("patch"),
    entry::<ping::Ping>("ping"),
    entry::<pip::Pip>("pip"),
    entry::<pipx::Pipx>("pipx"),
    entry::<podman::container::PodmanContainer>("podman_container"),
    entry::<podman::image::PodmanImage>("podman_image"),
    entry::<podman::network::PodmanNetwork>("podman_network"),
    entry::<podman::volume::PodmanVolume>("podman_volume"),
    entry::<postgresql::db::PostgresqlDb>("postgresql_db"),
    entry::<postgresql::ext::PostgresqlExt>("postgresql_ext"),
    entry::<postgresql::ping::PostgresqlPing>("postgresql_ping"),
    entry::<postgresql::privs::PostgresqlPrivs>("postgresql_privs"),
    entry::<postgresql::query::PostgresqlQuery>("postgresql_query"),
    entry::<postgresql::schema::PostgresqlSchema>("postgresql_schema"),
    entry::<postgresql::user::PostgresqlUser>("postgresql_user"),
    entry::<proxmox::access_acl::ProxmoxAccessAcl>("proxmox_access_acl"),
    entry::<proxmox::group::ProxmoxGroup>("proxmox_group"),
    entry::<rabbitmq_plugin::RabbitmqPlugin>("rabbitmq_plugin"),
    entry::<rabbitmq_user::RabbitmqUser>("rabbitmq_user"),
    entry::<rabbitmq_vhost::RabbitmqVhost>("rabbitmq_vhost"),
    entry::<raw::Raw>("raw"),
    entry::<read_csv::ReadCsv>("read_csv"),
    entry::<replace::Replace>("replace"),
    entry::<rhsm_repository::RhsmRepository>("rhsm_repository"),
    entry::<rpm_key::RpmKey>("rpm_key"),
    entry::<seboolean::Seboolean>("seboolean"),
    entry::<sefcontext::Sefcontext>("sefcontext"),
    entry::<selinux::Selinux>("selinux"),
    entry::<seport::Seport>("seport"),
    entry::<systemd::Service>("service"),
    entry::<service_facts::ServiceFacts>("service_facts"),
    entry::<setup::Setup>("setup"),
    entry::<shell::Shell>("shell"),
    entry::<slurp::Slurp>("slurp"),
    entry::<snap::Snap>("snap"),
    entry::<ssh_config::SshConfig>("ssh_config"),
    entry::<stat::Stat>("stat"),
    entry::<subversion::Subversion>("subversion"),
    entry::<sudoers::Sudoers>("sudoers"),
    entry::<supervisorctl::Supervisorctl>("supervisorctl"),
    entry::<sysctl::Sysctl>("sysctl"),
    entry::<systemd::Systemd>("systemd"),
    entry::<systemd::SystemdService>("systemd_service"),
    entry::<sysvinit::Sysvinit>("sysvinit"),
    entry::<tempfile::Tempfile>("tempfile"),
    entry::<timezone::Timezone>("timezone"),
    entry::<ufw::Ufw>("ufw"),
    entry::<unarchive::Unarchive>("unarchive"),
    entry::<uri::Uri>("uri"),
    entry::<user::User>("user"),
    entry::<wait_for::WaitFor>("wait_for"),
    entry::<crypto::certificate::X509Certificate>("x509_certificate"),
    entry::<crypto::info::X509CertificateInfo>("x509_certificate_info"),
    entry::<crypto::certificate_pipe::X509CertificatePipe>("x509_certificate_pipe"),
    entry::<xml::Xml>("xml"),
    entry::<dnf::Dnf>("yum"),
    entry::<yum_repository::YumRepository>("yum_repository"),
    entry::<zfs::Zfs>("zfs"),
    entry::<zypper::Zypper>("zypper"),
    entry::<zypper_repository::ZypperRepository>("zypper_repository"),
];

/// Modules that live in a collection of their own; Ansible finds them by the short name too.
const COLLECTIONS: &[(&str, &[&str])] = &[
    (
        "ansible.posix",
        &[
            "acl",
            "authorized_key",
            "firewalld",
            "mount",
            "patch",
            "seboolean",
            "selinux",
            "sysctl",
        ],
    ),
    (
        "community.crypto",
        &[
            "openssh_keypair",
            "openssl_csr",
            "openssl_csr_pipe",
            "openssl_dhparam",
            "openssl_pkcs12",
            "openssl_privatekey",
            "openssl_publickey",
            "x509_certificate",
            "x509_certificate_info",
            "x509_certificate_pipe",
        ],
    ),
    (
        "community.docker",
        &[
            "docker_compose_v2",
            "docker_compose_v2_pull",
            "docker_container",
            "docker_container_exec",
            "docker_container_info",
            "docker_host_info",
            "docker_image",
            "docker_image_info",
            "docker_login",
            "docker_network",
            "docker_network_info",
            "docker_prune",
            "docker_volume",
            "docker_volume_info",
        ],
    ),
    (
        "community.general",
        &[
            "alternatives",
            "apache2_module",
            "apk",
            "archive",
            "capabilities",
            "cargo",
            "composer",
            "crypttab",
            "dpkg_divert",
            "filesize",
            "filesystem",
            "flatpak",
            "gem",
            "git_config",
            "htpasswd",
            "ini_file",
            "interfaces_file",
            "locale_gen",
            "lvg",
            "lvg_rename",
            "lvol",
            "make",
            "modprobe",
            "nmcli",
            "npm",
            "pacman",
            "pam_limits",
            "pamd",
            "parted",
            "pipx",
            "read_csv",
            "rhsm_repository",
            "sefcontext",
            "seport",
            "snap",
            "ssh_config",
            "sudoers",
            "supervisorctl",
            "timezone",
            "ufw",
            "xml",
            "zfs",
            "zypper",
            "zypper_repository",
        ],
    ),
    (
        "community.mysql",
        &["mysql_db", "mysql_user", "mysql_variables"],
    ),
    (
        "community.postgresql",
        &[
            "postgresql_db",
            "postgresql_ext",
            "postgresql_ping",
            "postgresql_privs",
            "postgresql_query",
            "postgresql_schema",
            "postgresql_user",
        ],
    ),
    (
        "community.proxmox",
        &["proxmox_access_acl", "proxmox_group"],
    ),
    (
        "community.rabbitmq",
        &["rabbitmq_plugin", "rabbitmq_user", "rabbitmq_vhost"],
    ),
    (
        "containers.podman",
        &[
            "podman_container",
            "podman_image",
            "podman_network",
            "podman_volume",
        ],
    ),
    (
        "kubernetes.core",
        &["helm", "helm_info", "helm_plugin", "helm_repository"],
    ),
];

/// Modules that Ansible never had without a collection.
const BORN_IN_COLLECTIONS: &[&str] = &[
    "cargo",
    "docker_compose_v2",
    "docker_compose_v2_pull",
    "docker_container_exec",
    "dpkg_divert",
    "filesize",
    "helm",
    "helm_info",
    "helm_plugin",
    "helm_repository",
    "lvg_rename",
    "openssl_csr_pipe",
    "pipx",
    "podman_container",
    "podman_network",
    "podman_volume",
    "proxmox_access_acl",
    "proxmox_group",
    "sudoers",
    "x509_certificate",
    "x509_certificate_info",
    "x509_certificate_pipe",
];

/// Names that modules had before.
const RENAMED: &[(&str, &str)] = &[
    ("openssl_certificate", "x509_certificate"),
    ("openssl_certificate_info", "x509_certificate_info"),
];

/// Whether a module was where it is looked for before it moved, as the routes of ansible-core 2.19 and
/// `community.general` 11 have it.
fn has_moved(collection: &str, bare: &str) -> bool {
    match collection {
        "ansible.builtin" | "ansible.legacy" => !BORN_IN_COLLECTIONS.contains(&bare),
        "community.general" => {
            let kin = bare.starts_with("docker_") || bare.starts_with("postgresql_");
            kin && !BORN_IN_COLLECTIONS.contains(&bare)
        }
        _ => false,
    }
}

/// The name without the collection; as it is where the collection has no such module.
fn short(name: &str) -> &str {
    let renamed = |bare: &str| {
        RENAMED
            .iter()
            .find(|(old, _)| *old == bare)
            .map(|(_, new)| *new)
    };
    let Some((collection, bare)) = name.rsplit_once('.') else {
        return renamed(name).unwrap_or(name);
    };
    if let ("ansible.builtin" | "ansible.legacy", Some(new)) = (collection, renamed(bare)) {
        return new;
    }
    let home = COLLECTIONS
        .iter()
        .find(|(_, modules)| modules.contains(&bare));
    let fits = match home {
        Some((home, _)) => collection == *home || has_moved(collection, bare),
        None => matches!(collection, "ansible.builtin" | "ansible.legacy"),
    };
    if fits { bare } else { name }
}

fn find(name: &str) -> Option<&'static Entry> {
    let name = short(name);
    MODULES.iter().find(|entry| entry.name == name)
}

/// Whether the agent has a module of this name.
pub fn is_known(name: &str) -> bool {
    find(name).is_some()
}

/// The names of all modules.
pub fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|entry| entry.name)
}

/// What a module takes.
pub fn spec(name: &str) -> Option<&'static Spec> {
    find(name).map(|entry| &entry.spec)
}

/// Runs a task to its result; a failure is a result too.
pub fn run(context: &Context<'_>) -> TaskResult {
    let name = &context.task.module;
    let Some(entry) = find(name) else {
        return failure(ModuleError::new(format!(
            "the module `{name}` is not supported by Strata"
        )));
    };
    let manager = match entry.name {
        "package" => other_manager(context.host),
        "service" => other_service_manager(context),
        _ => None,
    };
    if let Some(manager) = manager {
        return done_by(manager, context);
    }
    (entry.run)(context).unwrap_or_else(failure)
}

/// The module for the host's package manager, where it is another than apt.
fn other_manager(host: &dyn Host) -> Option<&'static Entry> {
    const PROGRAMS: &[(&str, &str)] = &[
        ("dnf5", "dnf"),
        ("dnf", "dnf"),
        ("yum", "dnf"),
        ("pacman", "pacman"),
        ("zypper", "zypper"),
        ("apk", "apk"),
    ];
    if host.find_program("apt-get").is_some() {
        return None;
    }
    let found = PROGRAMS
        .iter()
        .find(|(program, _)| host.find_program(program).is_some());
    found.and_then(|(_, module)| find(module))
}

/// `service` by OpenRC, which is no module of its own.
const OPENRC: &Entry = &entry::<openrc::OpenrcService>("service");

/// The module for the host's service manager, where that is another than systemd; `use: systemd` wants no other.
fn other_service_manager(context: &Context<'_>) -> Option<&'static Entry> {
    let host = context.host;
    let is_there = |path: &str| matches!(host.metadata_followed(path.as_ref()), Ok(Some(_)));
    let text = |name: &str| context.task.args.get(name).and_then(Value::as_str);
    if text("use") == Some("systemd") || is_there("/run/systemd/system") {
        return None;
    }
    if host.find_program("rc-service").is_some() {
        return Some(OPENRC);
    }
    let name = text("name").filter(|name| !name.is_empty() && !name.contains('/'))?;
    let has_script = is_there(&format!("/etc/init.d/{name}"));
    has_script.then(|| find("sysvinit")).flatten()
}

/// Does `package` or `service` by another module, to which all arguments but `use` belong.
fn done_by(manager: &Entry, context: &Context<'_>) -> TaskResult {
    let mut task = context.task.clone();
    task.args.remove("use");
    let context = Context {
        task: &task,
        ..*context
    };
    (manager.run)(&context).unwrap_or_else(failure)
}

fn failure(error: ModuleError) -> TaskResult {
    let mut values = error.values;
    if error.unknown {
        values.insert("unknown".to_owned(), Value::Bool(true));
        let notices = vec![Notice::Warning(error.msg.clone())];
        return TaskResult {
            skipped: true,
            msg: error.msg,
            values,
            notices,
            ..Default::default()
        };
    }
    TaskResult {
        failed: true,
        changed: error.changed,
        msg: error.msg,
        values,
        ..TaskResult::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_names_each_module_once() {
        let names: Vec<&str> = names().collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn a_modules_own_collection_may_be_named() {
        assert!(is_known("ansible.builtin.command"));
        assert!(is_known("ansible.posix.sysctl"));
        assert!(!is_known("community.general.command"));
        assert!(!is_known("community.general.sysctl"));
    }

    #[test]
    fn a_module_is_found_where_it_was_before() {
        assert!(is_known("ansible.builtin.sysctl"));
        assert!(is_known("community.general.docker_container"));
        assert!(is_known("community.general.postgresql_db"));
        assert_eq!(short("openssl_certificate"), "x509_certificate");
        assert_eq!(
            short("ansible.builtin.openssl_certificate"),
            "x509_certificate"
        );
        assert!(!is_known("ansible.builtin.pipx"));
        assert!(!is_known("community.general.docker_compose_v2"));
        assert!(!is_known("community.docker.openssl_certificate"));
    }
}
