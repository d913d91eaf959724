//! `cloud-init-application`.

use std::sync::LazyLock;

use regex::Regex;
use strata_core::{Severity, Span};
use strata_jinja::yaml::Node;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, mask},
};

pub(super) static RULE: Rule = Rule {
    name: "cloud-init-application",
    severity: Severity::Warning,
    summary: "Applications or services set up by cloud-init",
    reason: "Cloud-init runs once, at the first start: a change to it makes the machine anew or does nothing, nobody sees it fail, and the playbook does not know what it did.",
    fix: "Leave in cloud-init what the playbook needs to get in (a user, a key, Python, the guest agent), and install and configure the rest in a role.",
    scope: "`packages`, `snap`, `runcmd`, `bootcmd` and service files in `write_files` of user-data: in files, heredocs, `yamlencode` and templates. Packages that only make the bridge (guest agents, Python, sshd, sudo, certificates, …) are fine, and so are tools that only people use (editors, `htop`, `git`, …).",
    bad: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_instance" "web" {
  name     = "web"
  image    = "debian/12/cloud"
  profiles = ["base"]
  config = {
    "cloud-init.user-data" = <<-EOT
      #cloud-config
      packages:
        - openssh-server
        - nginx
      runcmd:
        - systemctl enable --now nginx
    EOT
  }
}
"#,
    )],
    good: &[(
        "main.tf",
        r#"provider "incus" {}

resource "incus_instance" "web" {
  name     = "web"
  image    = "debian/12/cloud"
  profiles = ["base"]
  config = {
    "cloud-init.user-data" = <<-EOT
      #cloud-config
      packages:
        - openssh-server
        - python3
    EOT
  }
}
"#,
    )],
    find,
};

/// Packages that make the bridge to the application layer, and tools that only people use.
const BRIDGE: [&str; 70] = [
    "qemu-guest-agent",
    "open-vm-tools",
    "hyperv-daemons",
    "incus-agent",
    "lxd-agent",
    "spice-vdagent",
    "virtiofsd",
    "cloud-init",
    "cloud-utils",
    "cloud-guest-utils",
    "cloud-initramfs-growroot",
    "growpart",
    "openssh-server",
    "openssh",
    "sshd",
    "sudo",
    "doas",
    "acl",
    "ca-certificates",
    "gnupg",
    "gnupg2",
    "gpg",
    "curl",
    "wget",
    "apt-transport-https",
    "software-properties-common",
    "lsb-release",
    "dbus",
    "bash",
    "locales",
    "tzdata",
    "net-tools",
    "iproute2",
    "dnsutils",
    "avahi-daemon",
    "libnss-mdns",
    "bind-utils",
    "epel-release",
    "netplan.io",
    "apt-utils",
    "vim",
    "vim-tiny",
    "vim-nox",
    "neovim",
    "nano",
    "htop",
    "btop",
    "tmux",
    "screen",
    "git",
    "jq",
    "unzip",
    "zip",
    "tree",
    "less",
    "man-db",
    "rsync",
    "bash-completion",
    "iputils-ping",
    "traceroute",
    "tcpdump",
    "telnet",
    "uuid-runtime",
    "file",
    "zsh",
    "lsof",
    "strace",
    "ncdu",
    "mc",
    "bc",
];

/// What installs or starts something.
static SETS_UP: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?x)
        \b(?:apt|apt-get|dnf|yum|microdnf|zypper)\b[^|;&]*\binstall\s+(?:-\S+\s+)*(?P<packages>[^|;&]*)
        | \bapk\s+add\s+(?:-\S+\s+)*(?P<apk>[^|;&]*)
        | \b(?:pip3?|npm|snap|flatpak|helm|gem)\s+(?:install|upgrade)\b
        | \b(?:docker|podman|nerdctl)\s+(?:run|compose|stack|swarm)\b
        | \bdocker-compose\b
        | \bkube(?:adm|ctl)\s+(?:init|join|apply)\b
        | \bcurl\b[^\n]*\|\s*(?:[A-Z0-9_]+=\S+\s+)*(?:sudo\s+)?(?:-E\s+)?(?:ba|z)?sh\b
        | \bsystemctl\s+(?:enable|start|restart)\s+(?:--\S+\s+)*(?P<service>\S+)";
    Regex::new(pattern).expect("the pattern is a constant and valid")
});

/// Services of the system itself, not of an application.
const SERVICES: [&str; 12] = [
    "qemu-guest-agent",
    "ssh",
    "sshd",
    "systemd-",
    "serial-getty",
    "getty",
    "cloud-",
    "incus-agent",
    "open-vm-tools",
    "vmtoolsd",
    "avahi",
    "fstrim",
];

fn find(view: &View, findings: &mut Findings<'_>) {
    for user_data in &view.cloud_inits {
        packages(user_data, findings);
        commands(user_data, findings);
        service_files(user_data, findings);
    }
}

fn packages(user_data: &Node, findings: &mut Findings<'_>) {
    let mut named = Vec::new();
    let mut place = None;
    for list in ["packages", "snap"] {
        for item in user_data
            .get(list)
            .and_then(Node::items)
            .unwrap_or_default()
        {
            // `[name, version]` is a package, too.
            let item = item.items().and_then(<[Node]>::first).unwrap_or(item);
            let Some(name) = item.text() else { continue };
            if !is_bridge(name) {
                named.push(format!("`{name}`"));
                place.get_or_insert(&item.span);
            }
        }
    }
    if let Some(place) = place {
        findings.at(place, format!("Cloud-init installs {}", some(&named)));
    }
}

fn some(names: &[String]) -> String {
    match names.len() {
        0..=5 => names.join(", "),
        more => format!("{} and {} more", names[..4].join(", "), more - 4),
    }
}

fn is_bridge(name: &str) -> bool {
    let python = name.starts_with("python");
    let linux = name.starts_with("linux-") || name.starts_with("nfs-c");
    python || linux || mask::is_dynamic(name) || BRIDGE.contains(&name)
}

fn commands(user_data: &Node, findings: &mut Findings<'_>) {
    let mut first: Option<(Span, String)> = None;
    let mut more = 0;
    for list in ["bootcmd", "runcmd"] {
        for item in user_data
            .get(list)
            .and_then(Node::items)
            .unwrap_or_default()
        {
            let Some(what) = command(item).lines().find_map(sets_up) else {
                continue;
            };
            match first {
                Some(_) => more += 1,
                None => first = Some((item.span.clone(), what)),
            }
        }
    }
    if let Some((place, what)) = first {
        let more = if more == 0 {
            String::new()
        } else {
            format!(" (and {more} more)")
        };
        findings.at(&place, format!("Cloud-init runs `{what}`{more}"));
    }
}

fn command(item: &Node) -> String {
    match item.items() {
        Some(words) => {
            let words: Vec<_> = words.iter().filter_map(Node::text).collect();
            words.join(" ")
        }
        None => item.text().unwrap_or_default().to_owned(),
    }
}

/// What of a line sets something up that is not the bridge.
fn sets_up(line: &str) -> Option<String> {
    if line.trim_start().starts_with('#') {
        return None;
    }
    SETS_UP.captures_iter(line).find_map(|found| {
        let packages = found.name("packages").or(found.name("apk"));
        if let Some(packages) = packages {
            let mut names = packages.as_str().split_whitespace();
            if names.all(|name| name.starts_with('-') || is_bridge(name)) {
                return None;
            }
        }
        if let Some(service) = found.name("service") {
            let name = service.as_str();
            if SERVICES.iter().any(|known| name.starts_with(known)) || mask::is_dynamic(name) {
                return None;
            }
        }
        Some(found[0].trim().chars().take(60).collect())
    })
}

fn service_files(user_data: &Node, findings: &mut Findings<'_>) {
    for file in user_data
        .get("write_files")
        .and_then(Node::items)
        .unwrap_or_default()
    {
        let Some(path) = file.get("path") else {
            continue;
        };
        let name = path.text().unwrap_or_default();
        let unit = name.starts_with("/etc/systemd/system/") && name.ends_with(".service");
        let compose =
            name.contains("compose") && (name.ends_with(".yml") || name.ends_with(".yaml"));
        if unit || compose {
            findings.at(
                &path.span,
                format!("Cloud-init writes the service file `{name}`"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::sets_up;
    use crate::check::tests::check;

    #[test]
    fn commands_that_only_finish_the_bridge_are_fine() {
        for line in [
            "systemctl enable --now qemu-guest-agent",
            "systemctl start qemu-guest-agent.service",
            "apt-get install -y qemu-guest-agent python3-apt",
            "apt-get update",
            "systemctl restart systemd-networkd",
            "echo docker running",
            "growpart /dev/sda 1",
        ] {
            assert_eq!(sets_up(line), None, "{line}");
        }
        assert!(sets_up("curl -sfL https://get.k3s.io | INSTALL_K3S_EXEC=server sh -").is_some());
        assert!(sets_up("apt-get update && apt-get install -y docker.io").is_some());
    }

    #[test]
    fn templates_are_read_with_their_loops() {
        check(
            "cloud-init-application",
            &[(
                "user-data.yaml.tftpl",
                "#cloud-config\nhostname: ${name}\npackages:\n%{ for p in packages ~}\n  - ${p}\n%{ endfor ~}\n  - docker.io\n",
            )],
            &expect![[r#"
                user-data.yaml.tftpl:7:5: Cloud-init installs `docker.io`
            "#]],
        );
    }
}
