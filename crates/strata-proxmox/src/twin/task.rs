//! Tasks: what takes a while, its log, and the calls that tell of it.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{
    answer::{Answer, Answered, Refusal, data, null, wrong},
    call::{Call, Identity},
    store::Store,
};

/// How many tasks are remembered.
const MEMORY: usize = 20_000;

/// A task.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Task {
    pub(super) upid: String,
    pub(super) node: String,
    pub(super) kind: String,
    pub(super) id: String,
    pub(super) user: String,
    pub(super) token: Option<String>,
    pub(super) pid: u64,
    pub(super) pstart: u64,
    pub(super) started: u64,
    pub(super) ended: Option<u64>,
    /// How it ended.
    pub(super) exit: Option<String>,
    pub(super) log: Vec<String>,
}

impl Store {
    /// Records a task that begins now, and gives its name.
    pub(super) fn begin(&mut self, node: &str, kind: &str, id: &str, who: &Identity) -> String {
        let pid = 4096 + self.next();
        let (started, pstart) = (self.now(), 700_000 + self.counter);
        let upid = format!(
            "UPID:{node}:{pid:08X}:{pstart:08X}:{started:08X}:{kind}:{id}:{}:",
            who.name()
        );
        if self.tasks.len() >= MEMORY {
            self.tasks.remove(0);
        }
        self.tasks.push(Task {
            upid: upid.clone(),
            node: node.to_owned(),
            kind: kind.to_owned(),
            id: id.to_owned(),
            user: who.user.clone(),
            token: who.token.clone(),
            pid,
            pstart,
            started,
            ..Task::default()
        });
        upid
    }

    /// Records how a task ended, unless it was stopped meanwhile.
    pub(super) fn end(&mut self, upid: &str, outcome: Result<(), String>, mut log: Vec<String>) {
        let now = self.now();
        let Some(task) = self.tasks.iter_mut().rev().find(|task| task.upid == upid) else {
            return;
        };
        if task.exit.is_some() {
            return;
        }
        log.push(match &outcome {
            Ok(()) => "TASK OK".to_owned(),
            Err(reason) => format!("TASK ERROR: {reason}"),
        });
        task.exit = Some(match outcome {
            Ok(()) => "OK".to_owned(),
            Err(reason) => reason,
        });
        task.ended = Some(now);
        task.log = log;
    }

    /// True while a task goes on.
    pub(super) fn is_running(&self, upid: &str) -> bool {
        self.tasks
            .iter()
            .rev()
            .any(|task| task.upid == upid && task.exit.is_none())
    }
}

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.strip_prefix("/nodes/{node}/tasks");
    Some(match (call.method.verb.as_str(), path) {
        ("GET", Some("")) => list(store, call),
        ("GET", Some("/{upid}")) => data(json!([{ "name": "log" }, { "name": "status" }])),
        ("GET", Some("/{upid}/status")) => one(store, call).and_then(|task| data(status(task))),
        ("GET", Some("/{upid}/log")) => log(store, call),
        ("DELETE", Some("/{upid}")) => stop(store, call),
        _ if call.method.path == "/cluster/tasks" => {
            let rows = store.tasks.iter().rev().take(25).map(|task| {
                let mut row = row(task);
                row["saved"] = json!(1);
                for name in ["pid", "pstart"] {
                    row.as_object_mut()
                        .expect("a row is an object")
                        .remove(name);
                }
                row
            });
            data(rows.collect())
        }
        _ => return None,
    })
}

fn one<'a>(store: &'a Store, call: &Call) -> Result<&'a Task, Refusal> {
    let upid = call.need("upid");
    if !upid.starts_with("UPID:") || upid.split(':').count() < 9 {
        return wrong("upid", "unable to parse worker upid");
    }
    let found = store.tasks.iter().rev().find(|task| task.upid == upid);
    found.ok_or_else(|| Refusal::parameter("upid", "no such task"))
}

fn status(task: &Task) -> Json {
    let mut status = json!({
        "upid": task.upid, "node": task.node, "pid": task.pid, "pstart": task.pstart,
        "starttime": task.started, "type": task.kind, "id": task.id, "user": task.user,
        "status": if task.exit.is_some() { "stopped" } else { "running" },
    });
    if let Some(exit) = &task.exit {
        status["exitstatus"] = json!(exit);
    }
    if let Some(token) = &task.token {
        status["tokenid"] = json!(token);
    }
    status
}

fn row(task: &Task) -> Json {
    let mut row = json!({
        "upid": task.upid, "node": task.node, "pid": task.pid, "pstart": task.pstart,
        "starttime": task.started, "type": task.kind, "id": task.id, "user": task.user,
    });
    if let (Some(exit), Some(ended)) = (&task.exit, task.ended) {
        row["status"] = json!(exit);
        row["endtime"] = json!(ended);
    }
    if let Some(token) = &task.token {
        row["tokenid"] = json!(token);
    }
    row
}

fn list(store: &Store, call: &Call) -> Answered {
    let running = call.text("source") == Some("active");
    let fits = |task: &&Task| {
        task.node == call.node()
            && (task.exit.is_none() == running || call.text("source") == Some("all"))
            && call.text("vmid").is_none_or(|id| task.id == id)
            && call.text("typefilter").is_none_or(|kind| task.kind == kind)
            && call
                .text("userfilter")
                .is_none_or(|user| task.user.contains(user))
            && (!call.flag("errors") || task.exit.as_deref().is_some_and(|exit| exit != "OK"))
            && super::permission::sees_task(store, &call.who, task)
    };
    let rows: Vec<Json> = store.tasks.iter().rev().filter(fits).map(row).collect();
    let total = rows.len();
    let start = usize::try_from(call.number("start").unwrap_or(0)).unwrap_or(0);
    let limit = usize::try_from(call.number("limit").unwrap_or(50)).unwrap_or(50);
    let page = rows.into_iter().skip(start).take(limit).collect();
    // How many there are is said only if there are some.
    let beside = match total {
        0 => Vec::new(),
        total => vec![("total", json!(total))],
    };
    Ok(Answer::With(page, beside))
}

fn log(store: &Store, call: &Call) -> Answered {
    let lines = match one(store, call) {
        Ok(task) => task.log.clone(),
        Err(refusal)
            if refusal
                .errors
                .get("upid")
                .is_some_and(|text| text == "no such task") =>
        {
            vec!["unable to open file - No such file or directory".to_owned()]
        }
        Err(refusal) => return Err(refusal),
    };
    let start = usize::try_from(call.number("start").unwrap_or(0)).unwrap_or(0);
    let limit = match usize::try_from(call.number("limit").unwrap_or(50)).unwrap_or(50) {
        0 => usize::MAX,
        limit => limit,
    };
    let total = lines.len();
    let rows = lines.into_iter().enumerate().skip(start).take(limit);
    let rows = rows
        .map(|(at, text)| json!({ "n": at + 1, "t": text }))
        .collect();
    Ok(Answer::With(rows, vec![("total", json!(total))]))
}

fn stop(store: &mut Store, call: &Call) -> Answered {
    let upid = one(store, call)?.upid.clone();
    store.end(&upid, Err("received interrupt".to_owned()), Vec::new());
    null()
}
