//! The way by ssh, to a real container of the testbed.
//!
//! Without an Incus daemon the test says so and is left out; `STRATA_TEST_INCUS_REQUIRED` makes
//! that a failure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use strata_agent::protocol::{Task, TaskResult};
use strata_core::connection::Connection;
use strata_transport::{AgentSession, Become, BecomeMethod, Content, SshOptions, ssh};

const NAME: &str = "strata-transport-ssh";

#[tokio::test]
async fn a_host_is_worked_on_by_ssh() {
    let Some(target) = Target::make() else { return };
    let connection = target.connect();
    connection
        .ready(&|_| {})
        .await
        .expect("the container answers");
    let session = AgentSession::new(connection.clone());

    // The first task brings the agent; the next session finds it by its hash.
    assert_eq!(
        run(&session, "ping", json!({})).await.values["ping"],
        "pong"
    );
    let pushed = agent_file(&session).await;
    session.close().await;
    let session = AgentSession::new(connection.clone());
    assert_eq!(agent_file(&session).await, pushed);

    files(&session).await;
    accounts(&session).await;
    system(&session).await;
    people(&session, &target).await;
    places(&session, &connection).await;
    session.close().await;
}

/// Where programs may not be run the agent goes elsewhere; where there is no elsewhere it says so.
async fn places(root: &AgentSession, connection: &Arc<dyn Connection>) {
    let shell = async |script: &str| run(root, "shell", json!({ "_raw_params": script })).await;
    let place = "readlink /proc/$PPID/exe | xargs dirname";
    shell("mount -t tmpfs -o noexec none /var/lib/strata").await;
    let session = AgentSession::new(connection.clone());
    let second = run(&session, "shell", json!({ "_raw_params": place })).await;
    assert_eq!(second.values["stdout"], "/usr/local/lib/strata");
    session.close().await;

    shell("rm -r /usr/local/lib/strata && touch /usr/local/lib/strata").await;
    let session = AgentSession::new(connection.clone());
    let ping = session.run(task("ping", json!({})), None, None).await;
    let error = ping.expect_err("there is no place").to_string();
    assert!(
        error.contains("noexec") && error.contains("/usr/local/lib/strata"),
        "{error}"
    );
    assert!(error.contains("Permission denied"), "{error}");
}

/// The number of the agent's file on the host, which is another after it was pushed again.
async fn agent_file(session: &AgentSession) -> Value {
    let look = json!({ "_raw_params": "stat -c '%i %a' /var/lib/strata/*" });
    let found = run(session, "shell", look).await.values["stdout"].clone();
    let text = found.as_str().unwrap_or_default();
    assert!(
        text.lines().count() == 1 && text.ends_with(" 755"),
        "{text}"
    );
    found
}

/// Somebody whose home is closed to others becomes another user, on a host without `/tmp`, and leaves nothing behind.
async fn people(root: &AgentSession, target: &Target) {
    let prepare = "useradd -m -s /bin/sh deploy && chmod 700 /home/deploy \
        && echo 'deploy ALL=(ALL) NOPASSWD:ALL' >/etc/sudoers.d/deploy \
        && cp -r /root/.ssh /home/deploy/ && chown -R deploy /home/deploy/.ssh && mv /tmp /not-tmp";
    run(root, "shell", json!({ "_raw_params": prepare })).await;
    let session = AgentSession::removing_agent(target.connect_as("deploy"));
    let id = task("command", json!({ "_raw_params": "id -un" }));
    for user in ["app", "root"] {
        let wanted = become_user(user, None);
        let result = session.run(id.clone(), None, Some(&wanted)).await;
        let result = result.expect("sudo lets deploy become anybody");
        assert_eq!(result.values["stdout"], user, "{result:?}");
    }
    let args = json!({ "dest": "/home/app/large" });
    let content = Content::from_bytes("large", vec![b'y'; 9 << 20]);
    let app = become_user("app", None);
    let copied = session.run(task("copy", args), Some(content), Some(&app));
    let copied = copied.await.expect("the host is there");
    assert_eq!((copied.failed, copied.changed), (false, true), "{copied:?}");
    let checked =
        json!({ "path": "/home/app/x", "line": "x", "create": true, "validate": "cat %s" });
    let checked = session.run(task("lineinfile", checked), None, Some(&app));
    let checked = checked.await.expect("the host is there");
    assert!(checked.changed, "{checked:?}");

    let look = "ls -d /home/deploy/.cache/* /var/tmp/strata-* /dev/shm/strata-* || true";
    let look = json!({ "_raw_params": look });
    let before = run(root, "shell", look.clone()).await.values["stdout"].clone();
    assert!(
        before
            .as_str()
            .unwrap_or_default()
            .contains("/home/deploy/.cache/strata"),
        "{before}"
    );
    session.leave().await;
    assert_eq!(run(root, "shell", look).await.values["stdout"], "");
}

async fn files(session: &AgentSession) {
    let large = vec![b'x'; 3 << 20];
    let args = json!({ "dest": "/srv/large", "mode": "0640" });
    for changed in [true, false] {
        let content = Content::from_bytes("large", large.clone());
        let result = session
            .run(task("copy", args.clone()), Some(content), None)
            .await;
        let result = result.expect("the host is there");
        assert_eq!(
            (result.failed, result.changed),
            (false, changed),
            "{result:?}"
        );
        assert_eq!(result.values["size"], 3 << 20);
    }
}

async fn accounts(session: &AgentSession) {
    let args =
        json!({ "name": "app", "shell": "/bin/sh", "groups": ["adm"], "password": "$6$x$y" });
    assert!(run(session, "user", args.clone()).await.changed);
    assert!(!run(session, "user", args).await.changed);
    let app = become_user("app", None);
    let id = task(
        "shell",
        json!({ "_raw_params": "id -un; id -Gn; echo $HOME" }),
    );
    let result = session
        .run(id, None, Some(&app))
        .await
        .expect("root may become anybody");
    assert_eq!(
        result.values["stdout_lines"],
        json!(["app", "app adm", "/home/app"])
    );
    let nobody = become_user("nosuch", None);
    let refused = session
        .run(task("ping", json!({})), None, Some(&nobody))
        .await;
    let error = refused.expect_err("there is no such user");
    assert!(
        error
            .to_string()
            .contains("cannot become the user `nosuch`"),
        "{error}"
    );
    assert!(!error.is_unreachable());
}

async fn system(session: &AgentSession) {
    let facts = run(session, "setup", json!({})).await.values["ansible_facts"].clone();
    assert_eq!(facts["ansible_distribution"], "Debian");
    assert_eq!(facts["ansible_service_mgr"], "systemd");
    assert_eq!(facts["ansible_virtualization_type"], "lxc");
    let installed = json!({ "name": ["sudo", "curl"], "state": "present" });
    assert!(!run(session, "apt", installed).await.changed);
    let running = json!({ "name": "ssh", "state": "started", "enabled": true });
    assert!(!run(session, "systemd", running).await.changed);

    let unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    let path = "/etc/systemd/system/strata-test.service";
    assert!(
        run(session, "copy", json!({ "dest": path, "content": unit }))
            .await
            .changed
    );
    let service = json!({
        "name": "strata-test", "state": "started", "enabled": true, "daemon_reload": true,
    });
    assert!(run(session, "systemd", service.clone()).await.changed);
    let again = run(session, "systemd", service).await;
    assert!(!again.changed);
    assert_eq!(again.values["status"]["ActiveState"], "active");
    let unknown = task("service", json!({ "name": "nosuch", "state": "started" }));
    let unknown = session
        .run(unknown, None, None)
        .await
        .expect("the host is there");
    assert_eq!(
        unknown.msg,
        "Could not find the requested service nosuch: host"
    );
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_unreachable() {
    let options = SshOptions {
        port: Some(1),
        ..options("127.0.0.1", &[])
    };
    let session = AgentSession::new(ssh(options).expect("the options are good"));
    let error = session
        .run(task("ping", json!({})), None, None)
        .await
        .expect_err("nobody listens");
    assert!(error.is_unreachable());
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

fn task(module: &str, args: Value) -> Task {
    let args = args.as_object().cloned().unwrap_or_default();
    Task {
        module: module.to_owned(),
        args,
        ..Task::default()
    }
}

async fn run(session: &AgentSession, module: &str, args: Value) -> TaskResult {
    let result = session
        .run(task(module, args), None, None)
        .await
        .expect("the host is there");
    assert!(!result.failed, "{module}: {}", result.msg);
    result
}

fn become_user(user: &str, password: Option<&str>) -> Become {
    let password = password.map(str::to_owned);
    Become {
        user: user.to_owned(),
        method: BecomeMethod::Sudo,
        password,
        exe: None,
        flags: None,
    }
}

fn options(host: &str, extra: &[String]) -> SshOptions {
    SshOptions {
        retries: 0,
        host: host.to_owned(),
        port: None,
        user: Some("root".to_owned()),
        private_key_file: None,
        extra_args: extra.to_vec(),
        host_key_checking: true,
        timeout: Duration::from_secs(10),
        password: None,
    }
}

/// A container of the testbed, removed again when this is dropped.
struct Target {
    fields: BTreeMap<String, String>,
}

impl Target {
    fn make() -> Option<Target> {
        let socket = std::env::var("INCUS_SOCKET");
        let socket = socket.unwrap_or_else(|_| "/var/lib/incus/unix.socket".to_owned());
        if !Path::new(&socket).exists() {
            let required = std::env::var_os("STRATA_TEST_INCUS_REQUIRED").is_some();
            assert!(!required, "no Incus daemon at {socket}");
            #[expect(clippy::print_stdout, reason = "what is left out is said")]
            {
                println!("skipped: no Incus daemon at {socket}");
            }
            return None;
        }
        let said = testbed("ssh-target");
        let fields = said.lines().filter_map(|line| line.split_once('='));
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Target {
            fields: fields.collect(),
        })
    }

    fn connect(&self) -> Arc<dyn Connection> {
        self.connect_as("root")
    }

    fn connect_as(&self, user: &str) -> Arc<dyn Connection> {
        let field = |name: &str| self.fields.get(name).cloned().unwrap_or_default();
        let known = format!("UserKnownHostsFile={}", field("known_hosts"));
        let options = SshOptions {
            user: Some(user.to_owned()),
            private_key_file: Some(PathBuf::from(field("key"))),
            ..options(&field("host"), &["-o".to_owned(), known])
        };
        ssh(options).expect("the testbed gives no password")
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        testbed("remove");
    }
}

fn testbed(verb: &str) -> String {
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--package",
            "xtask",
            "--",
            "testbed",
            verb,
            NAME,
        ])
        .output()
        .expect("cargo can be run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
