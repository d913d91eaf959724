//! `examples/observability` as a whole: on models of a host and of a cluster, and for real with a backup.
//!
//! Prometheus, Alertmanager and Mosquitto are Debian's. What Debian does not have is installed by the same roles out of
//! archives with a stand-in that answers on the program's port. That of step-ca really signs, by step-ca's own call.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::Command,
};

use serde_json::{Value, json};

use crate::{
    daemon,
    strata::{Folder, Ran},
};

/// Programs that Debian does not have, with their ports.
const PROGRAMS: [(&str, u16); 6] = [
    ("alloy", 12345),
    ("cloudflared", 2000),
    ("coredns", 53),
    ("grafana", 3000),
    ("loki", 3100),
    ("step-ca", 9443),
];

/// Perl is in every Debian.
const STAND_IN: &str = r#"#!/usr/bin/perl
use IO::Socket::INET;
my $server = IO::Socket::INET->new(Listen => 9, LocalPort => PORT, ReuseAddr => 1) or die;
while (my $client = $server->accept) {
    my $line = <$client>;
    print $client "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    close $client;
}
"#;

/// What stands for step-ca: it signs by its call `/1.0/sign`, for who shows a token of its provisioner.
const AUTHORITY: &str = include_str!("step_ca.py");

/// The example with archives of stand-ins.
fn example() -> Folder {
    let folder = Folder::example("observability");
    let archives = folder.path().join("archives");
    for (name, port) in PROGRAMS {
        let program = match name {
            "step-ca" => AUTHORITY.to_owned(),
            _ => STAND_IN.replace("PORT", &port.to_string()),
        };
        folder.write(&format!("archives/{name}"), &program);
        let archive = format!("{name}.tar.gz");
        let packed = Command::new("tar")
            .args(["--mode=0755", "-czf", &archive, name])
            .current_dir(&archives)
            .status();
        assert!(packed.unwrap().success());
    }
    folder
}

fn up(folder: &Folder, more: &[&str], environment: &[(&str, &str)]) -> Ran {
    let arguments = [&["up", "-json", "-auto-approve"], more].concat();
    folder.run_with(&arguments, environment).succeeded()
}

fn count(ran: &Ran, part: &str) -> usize {
    let applied = ran.applied();
    applied
        .iter()
        .filter(|change| change.contains(part))
        .count()
}

#[test]
fn is_rehearsed_on_a_cluster_with_load_balancers() {
    let folder = example();
    let arguments = ["cluster01", "--twin"];
    let first = up(&folder, &arguments, &[]);
    assert_eq!(count(&first, ".incus_instance.service"), 9);
    // All but Cloudflared, which nobody comes in by.
    assert_eq!(count(&first, ".incus_network_lb.service"), 8);
    // Alertmanager's data need not outlive it.
    assert_eq!(count(&first, ".incus_storage_volume.data"), 5);
    let second = up(&folder, &arguments, &[]);
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));

    folder
        .run(&["down", "cluster01", "--twin", "-auto-approve"])
        .succeeded();
}

#[test]
fn is_rehearsed_on_a_cluster_on_a_physical_network() {
    let folder = example();
    let physical = [("CLUSTER01_NETWORK", "physical")];
    let run = || {
        let up = ["up", "-json", "-auto-approve", "cluster01", "--twin"];
        folder.run_with(&up, &physical).succeeded()
    };
    let first = run();
    assert_eq!(count(&first, ".incus_instance.service"), 9);
    // The part of each member, and the whole.
    assert_eq!(count(&first, "incus_network.member"), 3);
    assert_eq!(count(&first, "incus_network_lb"), 0);
    let second = run();
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));
}

#[test]
fn is_rehearsed_on_a_host_with_proxies_that_takes_metrics_over() {
    let folder = example();
    let plan = folder
        .run(&["plan", "iapetus", "--twin"])
        .succeeded()
        .stdout;
    assert!(plan.contains("metrics_path: /federate"), "{plan}");
    let first = up(&folder, &["iapetus", "--twin"], &[]);
    assert_eq!(count(&first, "incus_network_lb"), 0);
    assert_eq!(count(&first, ".incus_storage_volume.data"), 6);
    assert_eq!(count(&first, "incus_network_zone_record"), 9);
    let shown = folder.run(&["state", "list", "-state=.strata/twin/iapetus/stack.tfstate"]);
    let shown = shown.succeeded().stdout;
    assert!(shown.contains("incus_certificate.metrics"), "{shown}");
    let second = up(&folder, &["iapetus", "--twin"], &[]);
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));
}

/// What a service says to a request on a port of this machine, by its proxy device.
fn asked(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all(b"GET /-/ready HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The address of a service's container.
fn address(name: &str) -> String {
    let path = format!("/1.0/instances/{name}/state");
    let state = daemon::request("GET", &path, &Value::Null);
    let addresses = state["metadata"]["network"]["eth0"]["addresses"]
        .as_array()
        .unwrap()
        .clone();
    let address = addresses.iter().find(|address| address["family"] == "inet");
    address.unwrap()["address"].as_str().unwrap().to_owned()
}

/// What the step-ca of an environment has signed until now.
fn signed(environment: &str) -> Vec<String> {
    let path = format!("/1.0/instances/{environment}-step-ca/files?path=/var/lib/step-ca/signed");
    let mut lines: Vec<String> = daemon::text(&path).lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

/// Asks a server of Prometheus until it has an answer; from the container of another.
fn knows(folder: &Folder, from: &str, server: &str, query: &str) {
    let mut url = format!("https://{server}:9090/api/v1/query?query=");
    for byte in query.bytes() {
        url.push_str(&format!("%{byte:02X}"));
    }
    let play = json!([{
        "hosts": "asking",
        "gather_facts": false,
        "tasks": [{
            "ansible.builtin.uri": { "url": url, "validate_certs": false, "return_content": true },
            "register": "asked",
            "until": "asked.json.data.result | default([]) | length > 0",
            "retries": 90,
            "delay": 1,
        }],
    }]);
    folder.write("ansible/ask.yml", &play.to_string());
    let host = json!({ "ansible_connection": "community.general.incus" });
    let inventory = json!({ "asking": { "hosts": { from: host } } });
    folder.write("asking.yml", &inventory.to_string());
    folder
        .run(&["playbook", "-i", "asking.yml", "ansible/ask.yml"])
        .succeeded();
}

/// `iapetus` comes up beside it, whole, and takes over what its Prometheus scrapes. On one machine both lead in at
/// addresses of their own, and there is no load balancer between them.
fn is_watched_by_iapetus(folder: &Folder) {
    let watched = address("cluster01-prometheus");
    let settings = "stack/environments/iapetus.tfvars";
    folder.replace(settings, "\"127.0.0.1\"", "\"127.0.0.2\"");
    folder.replace(settings, "192.0.2.128", &watched);
    let first = up(folder, &["iapetus"], &[]);
    let verified = first.events_of("verified");
    assert_eq!(verified.len(), 10, "{verified:?}");
    assert!(verified.iter().all(|event| event["passed"] == true));
    let second = up(folder, &["iapetus"], &[]);
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));
    assert_eq!(
        signed("iapetus"),
        ["iapetus-mosquitto", "iapetus-prometheus"]
    );
    let theirs = format!("up{{instance=\"{}:3100\"}}", address("cluster01-loki"));
    knows(folder, "iapetus-prometheus", "localhost", &theirs);
    let down = ["down", "iapetus", "-auto-approve"];
    folder.run(&down).succeeded();
    daemon::has_nothing_of("iapetus");
}

#[test]
fn runs_for_real_on_a_server_that_stands_for_the_cluster_and_survives_by_its_backup() {
    let Some(_alone) = daemon::alone("the whole observability example") else {
        return;
    };
    daemon::clear_of(&["cluster01"]);
    let folder = example();
    let single = [
        ("CLUSTER01_MEMBERS", ""),
        ("CLUSTER01_NETWORK", "bridge"),
        ("INCUS_METRICS", "127.0.0.1:8443"),
    ];
    let first = up(&folder, &["cluster01"], &single);
    let verified = first.events_of("verified");
    assert_eq!(verified.len(), 10, "{verified:?}");
    assert!(verified.iter().all(|event| event["passed"] == true));
    let ready = asked(9093);
    assert!(ready.contains("200 OK"), "{ready}");
    let second = up(&folder, &["cluster01"], &single);
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));

    // Those that serve by certificates have them of step-ca, one each, and Prometheus is told by Incus itself.
    assert_eq!(
        signed("cluster01"),
        ["cluster01-mosquitto", "cluster01-prometheus"]
    );
    let of_incus = "incus_memory_MemTotal_bytes{name=\"cluster01-loki\"}";
    knows(
        &folder,
        "cluster01-loki",
        &address("cluster01-prometheus"),
        of_incus,
    );
    is_watched_by_iapetus(&folder);

    let kept = "/1.0/instances/cluster01-mosquitto/files?path=/var/lib/mosquitto/kept";
    daemon::request("POST", kept, &json!("what was said"));
    let backup = Command::new("./backup.sh")
        .args(["cluster01", "mosquitto"])
        .current_dir(folder.path())
        .env("INCUS_SOCKET", daemon::socket().unwrap())
        .output()
        .unwrap();
    assert!(backup.status.success(), "{backup:?}");
    let size = fs::metadata(folder.path().join("backups/mosquitto.tar.gz"));
    assert!(size.unwrap().len() > 0);
    let down = ["down", "cluster01", "-auto-approve"];
    folder.run_with(&down, &single).succeeded();

    let restored = [&single[..], &[("RESTORE", "mosquitto")]].concat();
    up(
        &folder,
        &["cluster01", "--only", "provision.stack"],
        &restored,
    );
    let survived = daemon::request("GET", kept, &Value::Null);
    assert_eq!(survived, json!("what was said"));
    // Later runs need no backup.
    let later = up(
        &folder,
        &["cluster01", "--only", "provision.stack"],
        &single,
    );
    assert_eq!(later.applied(), [""; 0]);
    folder.run_with(&down, &single).succeeded();
    daemon::has_nothing_of("cluster01");
}
