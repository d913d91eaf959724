//! Replays exchanges recorded from a real server and compares the answers.
//!
//! Compared are status, error texts, the members that are there and their values, but for those
//! that the recording calls volatile. Lists are compared without order. Of a task's log its last
//! line counts: what stands before it is printed by other programs. A first look at a task that
//! still ran says only how fast that machine was, and is left out.

mod between;
mod compare;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use hyper::Method;
use serde_json::{Value as Json, json};

use self::compare::Compare;
use super::{Options, Twin};
use crate::client::{Address, BASE, Trust, percent, raw};

const AREAS: [&str; 11] = [
    "access",
    "base",
    "cluster-node",
    "concurrency",
    "errors",
    "firewall",
    "lists-clean",
    "lxc",
    "qemu-runtime",
    "qemu",
    "storage",
];

/// How many in a hundred must be equal.
const GOAL: usize = 94;

/// Every exchange that is answered otherwise, with its reason.
const DIFFERENCES: &str = include_str!("differences.txt");

#[derive(Default)]
struct Score {
    equal: usize,
    compared: usize,
    left_out: usize,
    differences: Vec<String>,
    /// The lines that differ.
    differ: Vec<usize>,
}

/// The listed differences, each with the reason under which it stands.
fn listed() -> BTreeMap<String, &'static str> {
    let mut reason = "";
    let mut listed = BTreeMap::new();
    for line in DIFFERENCES.lines() {
        match (line.strip_prefix("# "), line.split_once(": ")) {
            (Some(text), _) => reason = text,
            (None, Some((which, _))) if !reason.is_empty() => {
                let twice = listed.insert(which.to_owned(), reason);
                assert!(twice.is_none(), "{which} is listed twice");
            }
            _ => {}
        }
    }
    listed
}

#[tokio::test]
async fn recorded_exchanges_are_answered_as_the_real_server_did() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let (mut equal, mut compared) = (0, 0);
    let mut differ = BTreeSet::new();
    let mut report = String::new();
    for area in AREAS {
        let text = std::fs::read_to_string(folder.join(format!("{area}.jsonl"))).unwrap();
        let score = replay(area, &text).await;
        report.push_str(&format!(
            "{area}: {} of {} equal, {} left out\n",
            score.equal, score.compared, score.left_out
        ));
        differ.extend(score.differ.iter().map(|line| format!("{area} {line}")));
        equal += score.equal;
        compared += score.compared;
        if let Ok(file) = std::env::var("STRATA_REPLAY") {
            let path = format!("{file}-{area}.txt");
            std::fs::write(path, score.differences.join("\n")).unwrap();
        }
    }
    report.push_str(&format!(
        "all: {equal} of {compared} equal ({} %)",
        equal * 100 / compared
    ));
    let listed = listed();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in listed.values() {
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        report.push_str(&format!("\n{count}: {reason}"));
    }
    eprintln!("{report}");
    let named: BTreeSet<String> = listed.into_keys().collect();
    let new: Vec<_> = differ.difference(&named).collect();
    let equal_now: Vec<_> = named.difference(&differ).collect();
    assert!(
        new.is_empty() && equal_now.is_empty(),
        "differ without a reason: {new:?}; listed, and equal: {equal_now:?}"
    );
    assert!(equal * 100 >= compared * GOAL, "{report}");
}

async fn replay(area: &str, text: &str) -> Score {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("pve");
    let options = Options {
        nodes: vec!["pve1".to_owned()],
        lenient: false,
        guests_answer: false,
        task_time: Duration::ZERO,
        password: "<password-root>".to_owned(),
        tokens: BTreeMap::from([("t1".to_owned(), "secret".to_owned())]),
        file: None,
        release: (9, 1),
    };
    let twin = Twin::on_socket(&socket, options).unwrap();
    between::machine(area, &twin);
    let tls = raw::config(&Trust::Anybody);
    let pool = raw::Pool::new(Address::Unix(socket).endpoint(&tls));
    let mut session = Session {
        area,
        pool,
        names: BTreeMap::new(),
        tickets: BTreeMap::new(),
        tokens: BTreeMap::new(),
    };
    let mut score = Score::default();
    for (number, line) in text.lines().enumerate() {
        let exchange: Json = serde_json::from_str(line).unwrap();
        between::by_hand(area, &exchange, &mut twin.shared.store());
        session.step(number, line, &exchange, &mut score).await;
    }
    score
}

struct Session<'a> {
    area: &'a str,
    pool: raw::Pool,
    /// What the recording calls something, and what the twin calls it.
    names: BTreeMap<String, String>,
    tickets: BTreeMap<String, (String, String)>,
    tokens: BTreeMap<String, String>,
}

impl Session<'_> {
    async fn step(&mut self, number: usize, line: &str, exchange: &Json, score: &mut Score) {
        let at = |name: &str| line.find(&format!("\"{name}\":"));
        let sum_first = at("checksum") < at("checksum-algorithm");
        let running = exchange["note"]
            .as_str()
            .is_some_and(|note| note.contains("task poll"))
            && exchange.pointer("/response/body/data/status") == Some(&json!("running"));
        if running {
            score.left_out += 1;
            return;
        }
        let (status, reason, body) = self.send(exchange, sum_first).await;
        let expected = &exchange["response"];
        let mut problems = Vec::new();
        if expected["status"] != status {
            problems.push(format!(
                "status {status} {reason} for {}",
                expected["status"]
            ));
        }
        self.learn(exchange, &body);
        let is_log = exchange["note"] == "task log";
        let volatile: BTreeSet<&str> = exchange["volatile"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        if problems.is_empty() && is_log {
            let last = |body: &Json| {
                let rows = body["data"].as_array().cloned().unwrap_or_default();
                rows.last()
                    .and_then(|row| row["t"].as_str().map(without_numbers))
                    .unwrap_or_default()
            };
            // A log may have been read before its end.
            let (wanted, got) = (last(&expected["body"]), last(&body));
            if wanted.starts_with("TASK")
                && wanted != got
                && got.starts_with("TASK OK") != wanted.starts_with("TASK OK")
            {
                problems.push(format!("log ends `{got}` for `{wanted}`"));
            }
        } else if problems.is_empty() {
            let mut expected = expected["body"].clone();
            if expected.is_string() && expected == "" {
                expected = Json::Null;
            }
            let compare = Compare {
                area: self.area,
                volatile: &volatile,
            };
            compare.values("/response/body", &expected, &body, &mut problems);
        }
        score.compared += 1;
        if problems.is_empty() {
            score.equal += 1;
        } else {
            let request = &exchange["request"];
            score.differ.push(number);
            score.differences.push(format!(
                "{number} [{}] {} {} {}\n    {}",
                exchange["scenario"].as_str().unwrap(),
                request["method"].as_str().unwrap(),
                request["path"].as_str().unwrap(),
                request
                    .get("form")
                    .or(request.get("query"))
                    .unwrap_or(&Json::Null),
                problems.join("\n    ")
            ));
        }
    }

    /// Sends a request; `sum_first` says in which order two parts of a form came.
    async fn send(&mut self, exchange: &Json, sum_first: bool) -> (u64, String, Json) {
        let request = &exchange["request"];
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let mut headers = self.login(exchange, &method).await;
        let path = self.translate(request["path"].as_str().unwrap());
        let mut target = format!(
            "{BASE}{}",
            path.replace('!', "%21")
                .replace(' ', "%20")
                .replace('#', "%23")
                .replace('>', "%3E")
        );
        let mut body = Vec::new();
        if let Some(query) = request["query"].as_object() {
            target.push('?');
            target.push_str(&self.form(query));
        }
        if let Some(form) = request["form"].as_object() {
            body = self.form(form).into_bytes();
            headers.push((
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ));
        } else if !request["json"].is_null() {
            body = request["json"].to_string().into_bytes();
            headers.push(("content-type", "application/json".to_owned()));
        } else if let Some(parts) = request["multipart"].as_object() {
            headers.push((
                "content-type",
                "multipart/form-data; boundary=XX".to_owned(),
            ));
            body = multipart(parts, sum_first);
        }
        let call = raw::Call {
            method,
            path: target,
            headers,
            body: body.into(),
            limit: Duration::from_secs(20),
        };
        let reply = match self.pool.send(call).await {
            Ok(reply) => reply,
            Err(error) => return (0, error.to_string(), Json::Null),
        };
        let json = serde_json::from_slice(&reply.body).unwrap_or_default();
        (u64::from(reply.status), reply.reason, json)
    }

    fn form(&self, members: &serde_json::Map<String, Json>) -> String {
        let mut text = String::new();
        for (name, value) in members {
            let values = match value {
                Json::Array(values) => values.clone(),
                // An empty object stood for no parameters at all.
                Json::Object(_) => continue,
                value => vec![value.clone()],
            };
            for value in values {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                if !text.is_empty() {
                    text.push('&');
                }
                percent(name, &mut text);
                text.push('=');
                percent(&self.translate(&value), &mut text);
            }
        }
        text
    }

    fn translate(&self, text: &str) -> String {
        if let Some(name) = self.names.get(text) {
            return name.clone();
        }
        let mut text = text.to_owned();
        for (recorded, ours) in &self.names {
            if recorded.len() > 15 && text.contains(recorded.as_str()) {
                text = text.replace(recorded.as_str(), ours);
            }
        }
        text
    }

    async fn login(&mut self, exchange: &Json, method: &Method) -> Vec<(&'static str, String)> {
        let request = &exchange["request"];
        let token =
            |id: &str, secret: &str| vec![("authorization", format!("PVEAPIToken={id}={secret}"))];
        let refused = exchange["response"]["status"] == 401;
        match request["auth"].as_str() {
            Some("token") if refused => token("root@pam!t1", "wrong"),
            Some("token") => token("root@pam!t1", "secret"),
            Some("token-privsep") => {
                let user = request["auth_user"].as_str().unwrap();
                let secret = self.tokens.get(user).cloned().unwrap_or_default();
                token(user, &secret)
            }
            Some("ticket") => {
                let user = request["auth_user"]
                    .as_str()
                    .unwrap_or("root@pam")
                    .to_owned();
                if user == "root@pam" && !self.tickets.contains_key(&user) {
                    self.log_in().await;
                }
                let (ticket, csrf) = self.tickets.get(&user).cloned().unwrap_or_default();
                let mut cookie = "PVEAuthCookie=".to_owned();
                percent(&ticket, &mut cookie);
                let mut headers = vec![("cookie", cookie)];
                if *method != Method::GET && request["csrf"] != false {
                    headers.push(("csrfpreventiontoken", csrf));
                }
                headers
            }
            _ => Vec::new(),
        }
    }

    async fn log_in(&mut self) {
        let body = "username=root%40pam&password=%3Cpassword-root%3E";
        let call = raw::Call {
            method: Method::POST,
            path: format!("{BASE}/access/ticket"),
            headers: vec![(
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            )],
            body: body.into(),
            limit: Duration::from_secs(20),
        };
        let reply = self.pool.send(call).await.unwrap();
        let json: Json = serde_json::from_slice(&reply.body).unwrap();
        self.remember_ticket("root@pam", &json);
    }

    fn remember_ticket(&mut self, user: &str, json: &Json) {
        let text = |name: &str| json["data"][name].as_str().unwrap_or_default().to_owned();
        let pair = (text("ticket"), text("CSRFPreventionToken"));
        self.names.insert("<ticket>".to_owned(), pair.0.clone());
        self.tickets.insert(user.to_owned(), pair);
    }

    /// Notes what the twin calls the things that the recording has names for.
    fn learn(&mut self, exchange: &Json, body: &Json) {
        let expected = &exchange["response"]["body"];
        if let Some(user) = body["data"]["username"]
            .as_str()
            .filter(|_| !body["data"]["ticket"].is_null())
        {
            self.remember_ticket(user, body);
        }
        if let Some(id) = body["data"]["full-tokenid"].as_str() {
            self.tokens.insert(
                id.to_owned(),
                body["data"]["value"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        learn(&mut self.names, expected, body);
    }
}

fn learn(names: &mut BTreeMap<String, String>, expected: &Json, ours: &Json) {
    match (expected, ours) {
        (Json::String(expected), Json::String(ours)) => {
            let name = expected.starts_with("UPID:")
                || (expected.len() == 40 && expected.bytes().all(|byte| byte.is_ascii_hexdigit()))
                || (expected.len() == 36 && expected.matches('-').count() == 4)
                || expected.contains("vzdump-");
            if name {
                names.insert(expected.clone(), ours.clone());
            }
        }
        (Json::Object(expected), Json::Object(ours)) => {
            for (name, value) in expected {
                if let Some(other) = ours.get(name) {
                    learn(names, value, other);
                }
            }
        }
        (Json::Array(expected), Json::Array(ours)) => {
            for value in expected {
                if let Some(other) = partner(value, ours) {
                    learn(names, value, other);
                }
            }
        }
        _ => {}
    }
}

/// The row of a list that stands for the same thing.
fn partner<'a>(row: &Json, rows: &'a [Json]) -> Option<&'a Json> {
    const KEYS: [&str; 31] = [
        "volid",
        "upid",
        "id",
        "vmid",
        "key",
        "roleid",
        "userid",
        "groupid",
        "poolid",
        "tokenid",
        "realm",
        "sid",
        "subnet",
        "vnet",
        "zone",
        "storage",
        "iface",
        "name",
        "subdir",
        "macro",
        "path",
        "n",
        "rule",
        "cidr",
        "ipam",
        "plugin",
        "filename",
        "group",
        "method",
        "cmd",
        "ip-address",
    ];
    if !row.is_object() {
        return rows.iter().find(|other| *other == row);
    }
    if row["pos"].is_number() {
        return rows.iter().find(|other| other["pos"] == row["pos"]);
    }
    if !row["ugid"].is_null() {
        return rows.iter().find(|other| {
            ["ugid", "path", "roleid"]
                .iter()
                .all(|key| other[*key] == row[*key])
        });
    }
    let Some(key) = KEYS.iter().find(|key| !row[**key].is_null()) else {
        return rows.iter().find(|other| *other == row);
    };
    let same = rows.iter().find(|other| other[*key] == row[*key]);
    same.or_else(|| {
        rows.iter()
            .find(|other| made_up(&row[*key], &other[*key]) && alike(row, other, key))
    })
}

/// True for two names of which each server makes its own.
fn made_up(one: &Json, other: &Json) -> bool {
    let (Some(one), Some(other)) = (one.as_str(), other.as_str()) else {
        return false;
    };
    let uuid = |text: &str| text.len() == 36 && text.matches('-').count() == 4;
    let archive = |text: &str| {
        text.find("vzdump-")
            .map(|at| text[at..].splitn(4, '-').take(3).collect::<String>())
    };
    (uuid(one) && uuid(other)) || (archive(one).is_some() && archive(one) == archive(other))
}

/// True if two rows say the same beside their names and what varies.
fn alike(row: &Json, other: &Json, key: &str) -> bool {
    row.as_object().into_iter().flatten().all(|(name, value)| {
        name == key
            || matches!(
                name.as_str(),
                "digest" | "next-run" | "ctime" | "size" | "used"
            )
            || other[name] == *value
    })
}

/// A text without what differs from run to run.
fn without_numbers(text: &str) -> String {
    let plain = text.trim_end();
    match plain.find("/var/tmp/pveupload-") {
        Some(at) => plain[..at].to_owned(),
        None => plain.to_owned(),
    }
}

fn multipart(parts: &serde_json::Map<String, Json>, sum_first: bool) -> Vec<u8> {
    let mut body = Vec::new();
    let mut parts: Vec<(&String, &Json)> = parts.iter().collect();
    if !sum_first {
        parts.sort_by_key(|(name, _)| *name == "checksum" || *name == "filename");
        parts.sort_by_key(|(name, _)| *name == "filename");
    }
    for (name, value) in parts {
        body.extend_from_slice(b"--XX\r\n");
        if name == "filename" {
            let file = value["name"].as_str().unwrap();
            let head = format!(
                "Content-Disposition: form-data; name=\"filename\"; filename=\"{file}\"\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend(content(file, value["bytes"].as_u64().unwrap()));
            body.extend_from_slice(b"\r\n");
        } else {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let part =
                format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
    }
    body.extend_from_slice(b"--XX--\r\n");
    body
}

/// A file such as was sent: the recordings hold its name and length alone. An image that is one unpacks to 64 MiB.
fn content(file: &str, bytes: u64) -> Vec<u8> {
    let size = usize::try_from(bytes).unwrap();
    if size == 3 {
        return b"abc".to_vec();
    }
    let mut content = vec![b'x'; size];
    if file.ends_with(".qcow2") && size > 1000 {
        content.fill(0);
        content[..4].copy_from_slice(b"QFI\xfb");
        content[24..32].copy_from_slice(&(64_u64 << 20).to_be_bytes());
    }
    content
}
