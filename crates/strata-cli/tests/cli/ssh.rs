//! Playbooks over ssh, on a container of the testbed: the ordinary way, and what goes wrong on it.
//!
//! Keys and passwords are made by the test.

use std::{fs, path::Path, process::Command};

use crate::{
    daemon,
    strata::{Folder, Ran},
};

/// A container that is reached by ssh, removed when this is dropped.
pub(crate) struct Target {
    name: &'static str,
    pub(crate) host: String,
    pub(crate) project: Folder,
}

impl Target {
    pub(crate) fn make(name: &'static str) -> Option<Self> {
        if !daemon::is_there(name) {
            return None;
        }
        let said = testbed("ssh-target", name);
        let field = |wanted: &str| {
            let mut fields = said.lines().filter_map(|line| line.split_once('='));
            fields
                .find(|(name, _)| *name == wanted)
                .unwrap()
                .1
                .to_owned()
        };
        let project = Folder::new(&[]);
        let host = field("host");
        // What ssh is told by a user's own configuration, known hosts and all.
        let configuration = format!(
            "Host *\n  IdentityFile {key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {known}\n\
             Host behind\n  HostName 127.0.0.1\n  HostKeyAlias {host}\n  ProxyJump root@{host}\n",
            key = field("key"),
            known = field("known_hosts"),
        );
        project.write("ssh_config", &configuration);
        let common = format!("-F {}/ssh_config", project.path().display());
        project.write(
            "hosts",
            &format!(
                "t ansible_host={host}\nbehind\n[all:vars]\nansible_user=root\n\
                 ansible_ssh_common_args='{common}'\n"
            ),
        );
        project.write(
            "ansible.cfg",
            "[defaults]\ninventory = hosts\ngathering = explicit\n",
        );
        Some(Self {
            name,
            host,
            project,
        })
    }

    pub(crate) fn play(&self, tasks: &str, more: &[&str]) -> Ran {
        self.project
            .write("site.yml", &format!("- hosts: all\n  tasks:\n{tasks}"));
        let arguments = ["playbook", "site.yml"].iter().chain(more).copied();
        self.project.run(&arguments.collect::<Vec<_>>())
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        testbed("remove", self.name);
    }
}

fn testbed(verb: &str, name: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "testbed",
            verb,
            name,
        ])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A password that nobody knows before.
fn password() -> String {
    let bytes = fs::read("/proc/sys/kernel/random/uuid").unwrap();
    String::from_utf8(bytes).unwrap().trim().to_owned()
}

#[track_caller]
pub(crate) fn ended(ran: &Ran, code: i32) {
    assert_eq!(ran.code, Some(code), "{}\n{}", ran.stdout, ran.stderr);
}

#[track_caller]
pub(crate) fn says(ran: &Ran, text: &str) {
    let said = format!("{}\n{}", ran.stdout, ran.stderr);
    assert!(said.contains(text), "`{text}` is not in\n{said}");
}

const USERS: &str = r#"    - copy: {content: "hello\n", dest: /srv/greeting, mode: "0640"}
    - user: {name: "{{ item }}", shell: /bin/sh, password: "{{ secret | password_hash('sha512', 'saltsaltsalt') }}"}
      loop: [deploy, guarded]
      no_log: true
    - file: {path: "/home/{{ item }}/.ssh", state: directory, owner: "{{ item }}", mode: "0700"}
      loop: [deploy, guarded]
    - copy: {src: /root/.ssh/authorized_keys, dest: "/home/{{ item }}/.ssh/authorized_keys", remote_src: true, owner: "{{ item }}", mode: "0600"}
      loop: [deploy, guarded]
    - copy: {content: "deploy ALL=(ALL) NOPASSWD: ALL\nguarded ALL=(ALL) ALL\n", dest: /etc/sudoers.d/strata, mode: "0440"}
    - shell: journalctl -u ssh | grep -c "Accepted publickey for root" || true
      register: logins
      changed_when: false
    - debug: {msg: "logins {{ logins.stdout }}"}
"#;

#[test]
fn a_playbook_runs_over_ssh_as_configured() {
    let Some(target) = Target::make("strata-cli-ssh") else {
        return;
    };
    let secret = password();
    target
        .project
        .write("secret.yml", &format!("secret: {secret}\n"));
    let t = ["-l", "t", "-e", "@secret.yml"];

    let before = target.play("    - shell: journalctl -u ssh | grep -c 'Accepted publickey' || true\n      register: n\n    - debug: {msg: \"logins {{ n.stdout }}\"}\n", &t);
    ended(&before, 0);
    let first = target.play(USERS, &t);
    ended(&first, 0);
    says(&first, "changed=5 ");
    let second = target.play(USERS, &t);
    ended(&second, 0);
    says(&second, "changed=0 ");
    assert!(!second.stdout.contains(&secret), "the password is shown");
    // Seven tasks in each of two runs, and one connection for all.
    let logins = |ran: &Ran| {
        let line = ran
            .stdout
            .lines()
            .find(|line| line.contains("\"msg\": \"logins"));
        line.unwrap().trim().to_owned()
    };
    assert_eq!(logins(&before), logins(&second));

    let behind = target.play("    - command: cat /srv/greeting\n", &["-l", "behind"]);
    ended(&behind, 0);
    says(&behind, "changed: [behind]");

    become_somebody(&target, &secret);
    with_a_password(&target, &secret);
    refusals(&target);
}

fn become_somebody(target: &Target, secret: &str) {
    let who = "    - command: id -un\n      become: true\n      register: r\n    - debug: {var: r.stdout}\n";
    let free = target.play(who, &["-l", "t", "-e", "ansible_user=deploy"]);
    ended(&free, 0);
    says(&free, "\"r.stdout\": \"root\"");
    let without = target.play(who, &["-l", "t", "-e", "ansible_user=guarded"]);
    assert_ne!(without.code, Some(0));
    says(&without, "password");
    target.project.write(
        "become.yml",
        &format!("ansible_become_password: {secret}\n"),
    );
    let with = target.play(
        who,
        &["-l", "t", "-e", "ansible_user=guarded", "-e", "@become.yml"],
    );
    ended(&with, 0);
    says(&with, "\"r.stdout\": \"root\"");
    assert!(!format!("{}{}", with.stdout, with.stderr).contains(secret));
    target
        .project
        .write("become.yml", "ansible_become_password: wrong\n");
    let wrong = target.play(
        who,
        &["-l", "t", "-e", "ansible_user=guarded", "-e", "@become.yml"],
    );
    assert_ne!(wrong.code, Some(0));
}

/// Logs in where no key is accepted, each time anew: a master would stand for the password.
fn with_a_password(target: &Target, secret: &str) {
    let who = "    - command: id -un\n      register: r\n    - debug: {var: r.stdout}\n";
    let no_key = "ansible_ssh_args='-o PubkeyAuthentication=no -o ControlPath=none'";
    let run = |password: &[&str]| {
        let user = ["-l", "t", "-e", "ansible_user=guarded", "-e", no_key];
        target.play(who, &[&user, password].concat())
    };
    let none = run(&[]);
    ended(&none, 4);
    says(&none, "Permission denied");

    let write = |name: &str, text: &str| target.project.write(name, text);
    write("login.yml", &format!("ansible_password: {secret}\n"));
    let given = run(&["-e", "@login.yml"]);
    ended(&given, 0);
    says(&given, "\"r.stdout\": \"guarded\"");
    write("password", &format!("{secret}\n"));
    let from_file = run(&["--connection-password-file", "password"]);
    ended(&from_file, 0);
    assert!(!format!("{}{}", given.stdout, given.stderr).contains(secret));

    write("login.yml", "ansible_password: wrong\n");
    let wrong = run(&["-e", "@login.yml"]);
    ended(&wrong, 4);
    says(&wrong, "Permission denied");
}

fn refusals(target: &Target) {
    let ping = "    - ping:\n";
    // A host whose key nobody knows, over a connection of its own.
    let empty = target.project.path().join("no_hosts");
    fs::write(&empty, "").unwrap();
    let unknown = format!(
        "ansible_ssh_common_args='-o UserKnownHostsFile={} -o IdentityFile={} -o ControlPath=none'",
        empty.display(),
        identity(target).display(),
    );
    let refused = target.play(ping, &["-l", "t", "-e", &unknown]);
    ended(&refused, 4);
    says(&refused, "Host key verification failed");
    let taken = target.play(
        ping,
        &[
            "-l",
            "t",
            "-e",
            &unknown,
            "-e",
            "ansible_host_key_checking=false",
        ],
    );
    ended(&taken, 0);
}

pub(crate) fn identity(target: &Target) -> std::path::PathBuf {
    let configuration = fs::read_to_string(target.project.path().join("ssh_config")).unwrap();
    let line = configuration
        .lines()
        .find_map(|line| line.trim().strip_prefix("IdentityFile "));
    Path::new(line.unwrap()).to_owned()
}

#[test]
fn what_goes_wrong_on_a_host_is_told_for_that_host() {
    let Some(target) = Target::make("strata-cli-faults") else {
        return;
    };
    let t = ["-l", "t"];
    temporary_folders(&target);

    let full = target.play(
        "    - shell: mkdir -p /srv/full && mount -t tmpfs -o size=1m none /srv/full\n    \
             - copy: {src: big, dest: /srv/full/big, mode: \"0644\"}\n",
        &t,
    );
    ended(&full, 2);
    says(&full, "No space left on device");

    let unreadable = target.play(
        "    - copy: {content: x, dest: /root/secret, mode: \"0600\"}\n    \
             - slurp: {src: /root/secret}\n      become: true\n      become_user: nobody\n",
        &t,
    );
    ended(&unreadable, 2);
    says(&unreadable, "ermission denied");

    let killed = target.play(
        "    - shell: pkill -9 -f '[a]gent-'; sleep 5\n    - debug: {msg: never}\n",
        &t,
    );
    ended(&killed, 4);
    says(&killed, "UNREACHABLE");
    let dropped = target.play("    - shell: \"pkill -9 -f '[s]shd: root'; sleep 5\"\n", &t);
    ended(&dropped, 4);
    says(&dropped, "UNREACHABLE");

    two_at_once(&target);
    contents(&target);
    vanishing(&target);
}

fn temporary_folders(target: &Target) {
    let script = "    - script: s.sh one\n      register: r\n    - debug: {var: r.stdout}\n    \
                      - copy: {content: \"x\\n\", dest: /srv/x, mode: \"0644\"}\n";
    target.project.write("s.sh", "#!/bin/sh\necho \"ran $1\"\n");
    target.project.write("big", &"x".repeat(2 << 20));
    let noexec = format!(
        "    - command: mount -t tmpfs -o noexec none /tmp\n{script}    - command: umount /tmp\n"
    );
    let without = format!("    - command: mv /tmp /away\n{script}    - command: mv /away /tmp\n");
    for tasks in [noexec, without] {
        let ran = target.play(&tasks, &["-l", "t"]);
        ended(&ran, 0);
        says(&ran, "\"r.stdout\": \"ran one\\n\"");
    }
}

fn two_at_once(target: &Target) {
    let tasks = "    - lineinfile: {path: /srv/lines, line: \"{{ who }}\", create: true, mode: \"0644\"}\n    \
                     - copy: {src: big, dest: /srv/big, mode: \"0644\"}\n";
    target
        .project
        .write("both.yml", &format!("- hosts: t\n  tasks:\n{tasks}"));
    std::thread::scope(|scope| {
        let runs: Vec<_> = ["one", "two"]
            .map(|who| {
                let project = &target.project;
                scope.spawn(move || {
                    project.run(&["playbook", "both.yml", "-e", &format!("who={who}")])
                })
            })
            .into_iter()
            .collect();
        for run in runs {
            ended(&run.join().unwrap(), 0);
        }
    });
}

/// Bytes of all values, and a file that no frame holds; `STRATA_TEST_LARGE` makes it a gigabyte.
fn contents(target: &Target) {
    let path = target.project.path();
    fs::write(
        path.join("bytes"),
        (0..=255).collect::<Vec<u8>>().repeat(64),
    )
    .unwrap();
    let size = if std::env::var_os("STRATA_TEST_LARGE").is_some() {
        1 << 30
    } else {
        100 << 20
    };
    fs::File::create(path.join("large"))
        .unwrap()
        .set_len(size)
        .unwrap();
    let tasks = "    - copy: {src: \"{{ item }}\", dest: /srv/, mode: \"0644\"}\n      loop: [bytes, large]\n    \
                     - stat: {path: \"/srv/{{ item }}\"}\n      loop: [bytes, large]\n      register: r\n    \
                     - debug: {msg: \"sizes {{ r.results | map(attribute='stat.size') | join(' ') }}\"}\n    \
                     - fetch: {src: /srv/bytes, dest: back, flat: true}\n";
    let ran = target.play(tasks, &["-l", "t"]);
    ended(&ran, 0);
    says(&ran, &format!("sizes 16384 {size}"));
    assert_eq!(
        fs::read(path.join("back")).unwrap(),
        fs::read(path.join("bytes")).unwrap()
    );
}

fn vanishing(target: &Target) {
    let ran = std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let tasks = "    - copy: {content: \"{{ lookup('pipe', 'date +%N') }}\", dest: /srv/done, mode: \"0644\"}\n    \
                             - command: touch /srv/began\n    - command: sleep 60\n";
            target.play(tasks, &["-l", "t"])
        });
        // The host is stopped once the task before the last was done.
        for _ in 0..200 {
            let arguments = ["-F", "ssh_config", "-o", "BatchMode=yes"];
            let asked = Command::new("ssh")
                .args(arguments)
                .args([&format!("root@{}", target.host), "test -e /srv/began"])
                .current_dir(target.project.path())
                .output()
                .unwrap();
            if asked.status.success() {
                break;
            }
        }
        daemon::stop(target.name);
        run.join().unwrap()
    });
    ended(&ran, 4);
    says(&ran, "UNREACHABLE");
    says(&ran, "changed=2 ");
}
