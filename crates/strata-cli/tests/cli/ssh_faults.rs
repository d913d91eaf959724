//! What goes wrong on the way to a host, on one container of the testbed: accounts, `sudo`, host keys, and the push of
//! the agent. Each fault is told for its host, with what to do next; a host beside it goes on.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    thread,
};

use crate::{
    ssh::{Target, ended, identity, says},
    strata::Ran,
};

const PING: &str = "    - ping:\n";

/// Who somebody becomes.
const WHO: &str =
    "    - command: id -un\n      become: true\n      register: r\n    - debug: {var: r.stdout}\n";

/// The folders into which root's agent goes, one after the other.
const FOLDERS: &str = "/var/lib/strata /usr/local/lib/strata";

/// What the recap says of the host beside, which has no fault.
const BESIDE: &str = "beside                     : ok=1 ";

#[test]
fn what_goes_wrong_on_the_way_to_a_host_is_told_for_that_host() {
    let Some(target) = Target::make("strata-cli-ssh-faults") else {
        return;
    };
    target
        .project
        .write("beside", "beside ansible_connection=local\n");
    on(&target, PEOPLE);
    accounts(&target);
    terminals(&target);
    keys(&target);
    dropped(&target);
    half_pushed(&target);
    full(&target);
    addresses(&target);
    languages(&target);
}

/// Accounts with a password that is their name, twice; one may do anything, one asks, one prints, one cannot log in.
const PEOPLE: &str = r#"set -e
for user in deploy guarded noisy closed; do
  useradd -m -s /bin/bash $user
  echo "$user:$user$user" | chpasswd
  install -d -o $user -m 700 /home/$user/.ssh
  install -o $user -m 600 /root/.ssh/authorized_keys /home/$user/.ssh/
done
usermod -s /bin/false closed
printf 'echo hello from bash; echo and more >&2\n' | cat - /home/noisy/.bashrc >/tmp/rc
cp /tmp/rc /home/noisy/.bashrc
echo 'message of the day' >/etc/motd
printf '%s\n' 'deploy,noisy ALL=(ALL) NOPASSWD: ALL' 'guarded ALL=(ALL) ALL' >/etc/sudoers.d/people"#;

/// Runs a script on the host by ssh itself, and gives what it prints.
fn on(target: &Target, script: &str) -> String {
    let output = Command::new("ssh")
        .args(["-F", "ssh_config", "-o", "BatchMode=yes"])
        .args([&format!("root@{}", target.host), script])
        .current_dir(target.project.path())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {errors}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Runs tasks on the host and on the one beside it.
fn both(target: &Target, tasks: &str, more: &[&str]) -> Ran {
    let hosts = ["-i", "hosts", "-i", "beside", "-l", "t:beside"];
    target.play(tasks, &[&hosts, more].concat())
}

#[track_caller]
fn unreachable(ran: &Ran, why: &str, next: &str) {
    ended(ran, 4);
    says(ran, "error[host-unreachable]: `t` cannot be reached");
    says(ran, why);
    says(ran, &format!("= next: {next}"));
    says(ran, BESIDE);
}

fn accounts(target: &Target) {
    let closed = both(target, PING, &["-e", "ansible_user=closed"]);
    unreachable(&closed, "ended with status 1", "Look at what `ssh` prints");
    let noisy = target.play(WHO, &["-l", "t", "-e", "ansible_user=noisy"]);
    ended(&noisy, 0);
    says(&noisy, "\"r.stdout\": \"root\"");
}

/// `sudo` that wants a terminal or makes one, with and without a password.
fn terminals(target: &Target) {
    let write = |name: &str, password: &str| {
        let text = format!("ansible_become_password: {password}\n");
        target.project.write(name, &text);
    };
    write("right.yml", "guardedguarded");
    write("wrong.yml", "guessedguessed");
    let play = |user: &str, more: &[&str]| {
        let user = format!("ansible_user={user}");
        let ran = target.play(WHO, &[&["-l", "t", "-e", &user], more].concat());
        for password in ["guardedguarded", "guessedguessed"] {
            assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(password));
        }
        ran
    };
    let refused = |ran: &Ran, why: &str| {
        ended(ran, 2);
        says(ran, "error[task-failed]: task `command` failed on `t`");
        says(ran, &format!("cannot become the user `root`: {why}"));
        says(
            ran,
            "= next: Give the right password with `--ask-become-pass`",
        );
    };
    for defaults in ["!use_pty, !requiretty", "use_pty", "requiretty"] {
        let file = "/etc/sudoers.d/terminal";
        on(target, &format!("echo 'Defaults {defaults}' >{file}"));
        for ran in [play("deploy", &[]), play("guarded", &["-e", "@right.yml"])] {
            ended(&ran, 0);
            says(&ran, "\"r.stdout\": \"root\"");
        }
        let wrong = play("guarded", &["-e", "@wrong.yml"]);
        refused(&wrong, "Incorrect password");
        let none = play("guarded", &[]);
        refused(
            &none,
            "it ended with status 1: sudo: a password is required",
        );
    }
    on(target, "rm /etc/sudoers.d/terminal");
}

fn keys(target: &Target) {
    let known = |file: &str| {
        let path = target.project.path();
        format!(
            "ansible_ssh_common_args='-F none -o UserKnownHostsFile={}/{file} -o IdentityFile={} -o ControlPath=none'",
            path.display(),
            identity(target).display(),
        )
    };
    target.project.write("nobody", "");
    let unknown = both(target, PING, &["-e", &known("nobody")]);
    let next = "Look at the host's key and put it into the known hosts";
    unreachable(&unknown, "Host key verification failed", next);

    // The user's own key in place of the host's.
    let key = fs::read_to_string(identity(target).with_extension("pub")).unwrap();
    let other = format!("{} {key}", target.host);
    target.project.write("other", &other);
    let changed = both(target, PING, &["-e", &known("other")]);
    let next = "If the host was made anew, take its old key out of the known hosts";
    unreachable(&changed, "REMOTE HOST IDENTIFICATION HAS CHANGED", next);
}

/// Passes connections on to the host's sshd, and drops each once it has carried so many bytes there.
fn narrow(host: &str, bytes: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let host = format!("{host}:22");
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let server = TcpStream::connect(&host).unwrap();
            pass(&server, &client, u64::MAX);
            pass(&client, &server, bytes);
        }
    });
    port
}

/// Carries so many bytes from one to the other, and ends both.
fn pass(from: &TcpStream, to: &TcpStream, most: u64) {
    let (from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    thread::spawn(move || {
        let mut from = from.take(most);
        let mut buffer = [0; 4 << 10];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        for end in [from.get_ref(), &to] {
            end.shutdown(Shutdown::Both).ok();
        }
    });
}

/// Takes the agent away, whose last run may have ended just now.
fn without_agent(target: &Target) {
    on(target, &format!("rm -rf {FOLDERS}; mkdir {FOLDERS}"));
}

/// What lies where agents go, once nobody is pushing one any more.
fn left(target: &Target) -> String {
    let script = format!(
        "for try in $(seq 100); do pgrep -f '[s]trata-agent-missing' >/dev/null || break; sleep 0.1; done; \
         find {FOLDERS} -type f -printf '%f\\n' | sort"
    );
    on(target, &script)
}

fn dropped(target: &Target) {
    without_agent(target);
    let port = narrow(&target.host, 300 << 10);
    let arguments = format!(
        "ansible_ssh_common_args='-F {}/ssh_config -o ControlPath=none -o HostKeyAlias={}'",
        target.project.path().display(),
        target.host,
    );
    let port = format!("ansible_port={port}");
    let there = [
        "-e",
        &arguments,
        "-e",
        "ansible_host=127.0.0.1",
        "-e",
        &port,
    ];
    let ran = both(target, PING, &there);
    let next = "Look whether the host is up";
    unreachable(&ran, "Failed to connect to the host via ssh", next);
    assert_eq!(left(target), "");
    ended(&both(target, PING, &[]), 0);
}

/// What a push left that was cut off: under the agent's name, and under the one that it has while it is written.
fn half_pushed(target: &Target) {
    on(
        target,
        "cd /var/lib/strata; f=$(ls); head -c 100000 $f >half; chmod 755 half; mv half $f; cp $f $f.1",
    );
    ended(&both(target, PING, &[]), 0);
    let left = left(target);
    let (agent, other) = left.split_once('\n').unwrap();
    // Who knows whether that one is still being written? It goes when it is old.
    assert_eq!(other, format!("{agent}.1"));
    let sum = on(target, &format!("sha256sum /var/lib/strata/{agent}"));
    assert_eq!(sum.split(' ').next(), agent.strip_prefix("agent-"));
}

fn full(target: &Target) {
    let next = "Make room on the host";
    without_agent(target);
    // A little room, where the agent does not fit in, and none.
    for fill in ["true", "cat /dev/zero >$d/zero"] {
        let small = |folder: &str| {
            format!("d={folder}; mount -t tmpfs -o size=64k none $d; {fill} 2>/dev/null || true; ")
        };
        on(target, &small("/var/lib/strata"));
        ended(&both(target, PING, &[]), 0);
        assert!(on(target, "ls /usr/local/lib/strata").starts_with("agent-"));

        on(target, &small("/usr/local/lib/strata"));
        let nowhere = both(target, PING, &[]);
        unreachable(&nowhere, "No space left on device", next);
        assert_eq!(left(target).replace("zero", "").trim(), "");
        on(target, &format!("umount {FOLDERS}"));
        without_agent(target);
    }

    // Whom one becomes may not look into the home in which the agent lies.
    on(target, "mount -t tmpfs -o size=64k,mode=1777 none /var/tmp");
    let tasks = WHO.replace("become: true", "become: true\n      become_user: noisy");
    let other = target.play(&tasks, &["-l", "t", "-e", "ansible_user=deploy"]);
    ended(&other, 0);
    says(&other, "\"r.stdout\": \"noisy\"");
    assert_eq!(on(target, "find /var/tmp -type f; umount /var/tmp"), "");
}

/// Addresses with colons, of which the host has two without any setup; the way there is through itself.
fn addresses(target: &Target) {
    let link = on(
        target,
        "ip -6 -o addr show dev eth0 scope link | awk '{print $4}' | cut -d/ -f1",
    );
    let path = target.project.path();
    let host = &target.host;
    let way = format!(
        "Host ::1 fe80*\n  ProxyJump root@{host}\n  HostKeyAlias {host}\n{}",
        fs::read_to_string(path.join("ssh_config")).unwrap()
    );
    target.project.write("ssh_config6", &way);
    let inventory = format!(
        "six ansible_host=::1\n[::1]:22\nlink ansible_host={link}%eth0\n[all:vars]\nansible_user=root\n\
         ansible_ssh_common_args='-F {}/ssh_config6'\n",
        path.display()
    );
    target.project.write("hosts6", &inventory);
    let ran = target.play(PING, &["-i", "hosts6"]);
    ended(&ran, 0);
    for host in ["six", "::1", "link"] {
        says(&ran, &format!("ok: [{host}]"));
    }
}

/// A language here that the host does not have, sent along and not.
fn languages(target: &Target) {
    let tasks = "    - copy: {content: \"Grüße\\n\", dest: /srv/grüße, mode: \"0644\"}\n      become: true\n    \
                     - shell: \"cat /srv/gr*; echo ${LANG:-none}\"\n      become: true\n      register: r\n    \
                     - debug: {var: r.stdout}\n    \
                     - file: {path: /srv/grüße, state: absent}\n      become: true\n";
    let text = format!("- hosts: t\n  tasks:\n{tasks}");
    target.project.write("site.yml", &text);
    let folder = target.project.path().display().to_string();
    let german = [("LANG", "de_DE.UTF-8"), ("LC_ALL", "de_DE.UTF-8")];
    for (sent, heard) in [("LANG LC_*", "de_DE.UTF-8"), ("NOTHING", "none")] {
        let arguments = format!(
            "{{ansible_user: deploy, ansible_ssh_common_args: '-F {folder}/ssh_config -o ControlPath=none -o \"SendEnv={sent}\"'}}"
        );
        let arguments = ["playbook", "site.yml", "-e", &arguments];
        let ran = target.project.run_with(&arguments, &german);
        ended(&ran, 0);
        says(&ran, &format!("\"r.stdout\": \"Grüße\\n{heard}\""));
    }
}
