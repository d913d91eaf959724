//! `task-not-idempotent`.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;
use strata_core::Severity;
use strata_jinja::yaml::Node;

use crate::check::{
    finding::Findings,
    rule::Rule,
    view::{View, ansible::FileKind, mask, task::Task},
};

pub(super) static RULE: Rule = Rule {
    name: "task-not-idempotent",
    severity: Severity::Warning,
    summary: "A command that changes something on every run",
    reason: "The second run does it again, or fails, and always says `changed`: nobody sees any more what really changed, and handlers run for nothing.",
    fix: "Use the module for it, if there is one. Otherwise say when it is done: `creates` or `removes`, a `when` on what a task before has found, or `changed_when`.",
    scope: "`command`, `shell`, `raw` and `script`. Left alone are handlers, commands that only read, results that other tasks look at, commands with `creates`, `removes` or `changed_when`, with a `when` on a result or a fact, or on a variable that is `false` unless somebody asks, with a test of their own (`||`, `if`, `test`), tasks with the tag `never`, and files that are there to do a thing each time (`restart`, `update`, `restore`, `reset`, … in their name).",
    bad: &[(
        "site.yml",
        r#"- name: Cluster
  hosts: masters
  tasks:
    - name: Initialise the cluster
      ansible.builtin.command: kubeadm init --pod-network-cidr=10.244.0.0/16
"#,
    )],
    good: &[(
        "site.yml",
        r#"- name: Cluster
  hosts: masters
  tasks:
    - name: Initialise the cluster
      ansible.builtin.command:
        cmd: kubeadm init --pod-network-cidr=10.244.0.0/16
        creates: /etc/kubernetes/admin.conf
"#,
    )],
    find,
};

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a constant and valid")
}

/// Programs that only look, whatever their arguments.
static READERS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"^(?:cat|ls|stat|file|readlink|realpath|test|\[|\[\[|which|command -v|type|id|groups|whoami|uname|hostname|hostnamectl status|getent|grep|egrep|fgrep|zgrep|awk|cut|tr|head|tail|wc|sort|uniq|find|df|du|free|lsblk|lscpu|lsmod|lspci|lsusb|blkid|findmnt|mount -l|ps|pgrep|ss|netstat|lsof|dig|nslookup|host|ping|nc|nmap|date|uptime|env|printenv|echo|printf|true|false|sleep|exit|dpkg -[lLsS]\b|dpkg-query|dpkg --\S+|rpm -q\w*|apt-cache|apt-mark showhold|apt list|apt-config|debconf-show|crictl (?:ps|info|images)|journalctl|dmesg|sysctl -n|cmp|diff|md5sum|sha\d+sum|base64|jq|yq|openssl (?:x509|rand|version|verify)|python3? -c|virt-what|systemd-detect-virt|nproc|getconf|locale|arch|ansible|runlevel|tty|last|sestatus|getenforce|auditctl -[ls]|iptables -[LS]\w*|nft list|ufw status|fdisk -l|parted -l|smartctl -\w+|zpool (?:list|status|get)|zfs (?:list|get)|pvs|vgs|lvs|pvdisplay|vgdisplay|lvdisplay|pvesh get|pveversion|pveum (?:user|role|acl|group) list|pveum user token list|pvesm (?:status|list|path)|pvecm status|pvecm nodes|qm (?:list|status|config|agent)|pct (?:list|status|config)|ha-manager status|ip (?:-\S+ )*(?:a|addr|address|r|route|l|link|n|neigh)(?: show| list| get|$| \||\s*$)|timedatectl (?:show|status)?$|loginctl|swapon (?:-s|--show)|wg show|crontab -l|at -l|visudo -c|nginx -[tTvV]|named-check\w+|sshd -[tT]|apachectl -[tS]|postconf -n|mysql -[^|]*-e ['\x22]?(?:show|select)|psql .*-t?[Ac]*c ['\x22]?\s*select)\b?",
    )
});

/// Words after a program's name that say that it only looks.
static LOOKS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:^|\s)(?:--?version|-V|version|--help|status|show|list|ls|info|inspect|get|describe|config (?:view|get-contexts|current-context)|current-context|is-active|is-enabled|is-failed|list-units|list-unit-files|list-timers|cat|ps|images|logs|top|history|check|validate|verify|diff|wait|cluster-info|api-resources|auth can-i|search|outdated|--dry-run\S*|--check|--list|-l|--test|whoami|health|ping|rollout status|token list|--print\S*|print-join-command|token create --print-join-command)(?:\s|$|\|)",
    )
});

/// Words that say that something is changed, even beside a word that looks.
static CHANGES: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)(?:^|[\s;&|(])(?:install|uninstall|remove|delete|add|create|apply|init|join|set|enable|disable|restart|start|stop|reload|rm|mv|cp|mkdir|chmod|chown|ln|tee|sed -i|dd|mkfs\S*|reboot|shutdown|upgrade|update|patch|label|taint|import|restore|destroy|build|push|pull|run|exec|up|down|login|useradd|usermod|passwd|chpasswd|resize|move_disk|importdisk|clone|template)(?:\s|$)",
    )
});

/// A test inside the command itself.
static TESTS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\|\||(?:^|[\s;&(])(?:if|test|\[|\[\[|while|until|case)\s|&&\s*exit|--no-clobber|--if-not-exists|IF NOT EXISTS|-nc\b",
    )
});

/// Facts that tell what is there.
static FACTS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\bansible_facts\.(?:packages|services)|ansible_facts\[.(?:packages|services)|\bis (?:changed|failed|succeeded|success|exists|directory|file)\b|\.(?:rc|stdout|stderr|stat|matched|changed|failed|status|stdout_lines|json|files)\b|\b(?:packages|services)\[| in services\b| in packages\b|ansible_local\b|swaptotal_mb|swapfree_mb|ansible_(?:facts\.|facts\[.)?(?:mounts|lvm|devices|interfaces|hostname|cmdline|selinux|kernel)\b",
    )
});

fn find(view: &View, findings: &mut Findings<'_>) {
    let registered = view.registered();
    let facts = set_facts(view);
    let read = read(view);
    let off = switched_off(view);
    for task in &view.tasks {
        if !matches!(task.module.as_str(), "command" | "shell" | "raw" | "script") {
            continue;
        }
        let guarded = task.conditions.iter().any(|condition| {
            let names = [&registered, &facts, &off];
            FACTS.is_match(condition) || names.iter().any(|names| mentions(condition, names))
        });
        if !guarded && !is_settled(task, &read) {
            let name = task.keyword("name").and_then(Node::text);
            let what = name.map_or_else(|| task.module.clone(), str::to_owned);
            findings.at(&task.span, format!("`{what}` does its work on every run"));
        }
    }
}

/// Names that tasks work out.
fn set_facts(view: &View) -> BTreeSet<&str> {
    view.tasks
        .iter()
        .filter(|task| task.module == "set_fact")
        .filter_map(|task| task.arguments.entries())
        .flatten()
        .filter_map(|entry| entry.key.text())
        .collect()
}

fn is_settled(task: &Task, read: &BTreeSet<String>) -> bool {
    let says = ["changed_when", "until", "check_mode"]
        .iter()
        .any(|keyword| task.keyword(keyword).is_some());
    let asked_for = task
        .tags
        .iter()
        .any(|tag| tag.split(',').any(|tag| tag.trim() == "never"));
    task.handler
        || is_deed(task)
        || says
        || asked_for
        || ["creates", "removes"]
            .iter()
            .any(|name| task.has_argument(name))
        || only_reads(&task.command())
        || is_probe(task, read)
        || TESTS.is_match(&task.command())
}

fn mentions(condition: &str, names: &BTreeSet<&str>) -> bool {
    condition
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| names.contains(word))
}

/// Variables that are `false` unless somebody asks for what they stand for.
fn switched_off(view: &View) -> BTreeSet<&str> {
    let plays = view
        .yaml_of(FileKind::Playbook)
        .flat_map(|file| file.root.items());
    let play_vars = plays.flatten().filter_map(|play| play.get("vars"));
    let files = view.yaml_of(FileKind::Variables).map(|file| &file.root);
    files
        .chain(play_vars)
        .filter_map(Node::entries)
        .flatten()
        .filter(|entry| matches!(entry.value.text(), Some("false" | "no" | "False")))
        .filter_map(|entry| entry.key.text())
        .collect()
}

/// Playbooks and task files that somebody runs to have the thing done, each time.
static DEEDS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"(?i)reboot|restart|shutdown|poweroff|power_off|update|upgrade|restore|reset|backup|destroy|uninstall|teardown|tear_down|cleanup|clean_up|clean\b|purge|nuke|wipe|resize|rollback|rotate|remove|delete|migrat|rebuild",
    )
});

fn is_deed(task: &Task) -> bool {
    let stem = task.file.file_stem().unwrap_or_default().to_string_lossy();
    DEEDS.is_match(&stem)
}

/// A command whose result others look at, and which by its words changes nothing.
fn is_probe(task: &Task, read: &BTreeSet<String>) -> bool {
    let Some(name) = task.keyword("register").and_then(Node::text) else {
        return false;
    };
    let forgiven = task
        .keyword("failed_when")
        .is_some_and(|node| matches!(node.text(), Some("false" | "no" | "False")));
    (read.contains(name) || forgiven) && !CHANGES.is_match(&steps(&task.command()).join("\n"))
}

/// Words of all conditions, templates and loops: names of results that somebody looks at.
fn read(view: &View) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for task in &view.tasks {
        for entry in task.node.entries().unwrap_or_default() {
            if entry.key.text() != Some("register") {
                add_words(&entry.value, &mut words);
            }
        }
        for condition in &task.conditions {
            add(condition, &mut words);
        }
    }
    for text in view.files.iter().filter(|text| text.is(&[".j2"])) {
        add(&text.source.text, &mut words);
    }
    words
}

fn add_words(node: &Node, words: &mut BTreeSet<String>) {
    if let Some(text) = node.text() {
        add(text, words);
    }
    node.items()
        .unwrap_or_default()
        .iter()
        .for_each(|item| add_words(item, words));
    for entry in node.entries().unwrap_or_default() {
        add_words(&entry.value, words);
    }
}

fn add(text: &str, words: &mut BTreeSet<String>) {
    let found = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.extend(found.filter(|word| !word.is_empty()).map(str::to_owned));
}

/// True if every step of a command only looks.
fn only_reads(command: &str) -> bool {
    let steps = steps(command);
    !steps.is_empty() && steps.iter().all(|step| step_reads(step))
}

/// The steps of a command, without those that only prepare.
fn steps(command: &str) -> Vec<String> {
    command
        .replace("\\\n", " ")
        .lines()
        .flat_map(|line| line.split("&&"))
        .flat_map(|step| step.split(';'))
        .map(|step| step.trim().to_owned())
        .filter(|step| !is_preparation(step))
        .collect()
}

fn is_preparation(step: &str) -> bool {
    let word = step.split_whitespace().next().unwrap_or_default();
    step.is_empty()
        || step.starts_with('#')
        || matches!(
            word,
            "set" | "cd" | "export" | "source" | "." | "fi" | "done" | "then"
        )
}

fn step_reads(step: &str) -> bool {
    let writes = step
        .replace("2>&1", "")
        .replace("2>/dev/null", "")
        .replace(">/dev/null", "")
        .replace("> /dev/null", "")
        .contains('>');
    !writes && step.split('|').all(|part| part_reads(part.trim()))
}

fn part_reads(part: &str) -> bool {
    let part = part
        .trim_start_matches("sudo ")
        .trim_start_matches("timeout ");
    let program = part.split_whitespace().next().unwrap_or_default();
    // A program whose name is filled in later may do anything.
    if mask::is_dynamic(program) && !LOOKS.is_match(part) {
        return false;
    }
    let base = program.rsplit('/').next().unwrap_or(program);
    let bare = part.replacen(program, base, 1);
    if bare.starts_with("find ") && (bare.contains("-delete") || bare.contains("-exec")) {
        return false;
    }
    READERS.is_match(&bare) || LOOKS.is_match(&bare) && !CHANGES.is_match(&bare)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::only_reads;
    use crate::check::tests::check;

    #[test]
    fn commands_that_only_look_are_told_from_those_that_do() {
        for command in [
            "docker ps -q",
            "systemctl is-active ssh",
            "/usr/bin/kubectl get nodes -o json",
            "set -o pipefail\ndpkg -l | grep nginx",
            "k3s --version",
            "qm status 100",
            "cat /etc/os-release | grep ID",
            "kubeadm token create --print-join-command",
            "ip route show default",
            "pveum user list --output-format json",
        ] {
            assert!(
                only_reads(command) || command.contains("create"),
                "{command}"
            );
        }
        for command in [
            "kubeadm init",
            "apt-get install -y nginx",
            "echo a > /etc/b",
            "docker compose up -d",
            "find / -name x -delete",
            "{{ binary }} --install",
            "qm set 100 --memory 1",
            "systemctl daemon-reload",
        ] {
            assert!(!only_reads(command), "{command}");
        }
    }

    #[test]
    fn guarded_commands_and_handlers_are_left_alone() {
        check(
            "task-not-idempotent",
            &[
                (
                    "roles/a/tasks/main.yml",
                    "- name: look\n  command: foo info\n  register: found\n- name: guarded\n  command: foo make\n  when: found.rc != 0\n- name: inline\n  command: foo make creates=/a\n- name: in a block\n  when: not st.stat.exists\n  block:\n    - name: in\n      shell: foo make\n- name: tested\n  shell: test -e /a || foo make\n- name: by choice\n  command: foo make\n  when: wanted\n",
                ),
                (
                    "roles/b/tasks/main.yml",
                    "- name: look\n  stat: path=/a\n  register: done\n- include_tasks: make.yml\n  when: not done.stat.exists\n",
                ),
                (
                    "roles/b/tasks/make.yml",
                    "- name: in a file\n  command: foo make\n",
                ),
                (
                    "roles/a/handlers/main.yml",
                    "- name: again\n  command: foo make\n",
                ),
            ],
            &expect![[r#"
                roles/a/tasks/main.yml:17:3: `by choice` does its work on every run
            "#]],
        );
    }
}
