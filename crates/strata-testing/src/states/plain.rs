//! States at addresses, as GitLab has them: `/plain/NAME`, with the lock at `/plain/NAME/lock`.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::{Asked, Kept, PASSWORD, Reply, USER};

pub(super) fn answer(kept: &mut Kept, asked: &Asked) -> Reply {
    let expected = format!("Basic {}", BASE64.encode(format!("{USER}:{PASSWORD}")));
    match asked.headers.get("authorization") {
        None => return Reply::of(401, ""),
        Some(given) if *given != expected => return Reply::of(403, ""),
        Some(_) => {}
    }
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    match path.strip_suffix("/lock") {
        Some(name) => lock(kept, name, asked),
        None => state(kept, path, query, asked),
    }
}

fn lock(kept: &mut Kept, name: &str, asked: &Asked) -> Reply {
    match &*asked.method {
        "LOCK" | "POST" => match kept.locks.get(name) {
            Some(holder) => Reply::of(423, holder.clone()),
            None => {
                kept.locks.insert(name.to_owned(), asked.body.clone());
                Reply::of(200, "")
            }
        },
        "UNLOCK" | "DELETE" => match kept.locks.get(name) {
            Some(holder) if id(holder) == id(&asked.body) => {
                kept.locks.remove(name);
                Reply::of(200, "")
            }
            _ => Reply::of(409, ""),
        },
        _ => Reply::of(405, ""),
    }
}

fn state(kept: &mut Kept, path: &str, query: &str, asked: &Asked) -> Reply {
    match &*asked.method {
        "GET" => match kept.objects.get(path) {
            Some(state) => Reply::of(200, state.clone()),
            None => Reply::of(404, ""),
        },
        "POST" | "PUT" => {
            let held = kept.locks.get(path).map(|holder| id(holder));
            if held.is_some_and(|id| query != format!("ID={id}")) {
                return Reply::of(423, "");
            }
            kept.objects.insert(path.to_owned(), asked.body.clone());
            kept.written_with = asked.headers.clone();
            Reply::of(200, "")
        }
        "DELETE" => {
            kept.objects.remove(path);
            Reply::of(200, "")
        }
        _ => Reply::of(405, ""),
    }
}

/// The lock's id, out of its JSON.
fn id(info: &[u8]) -> String {
    let text = String::from_utf8_lossy(info);
    let after = text.split("\"ID\":\"").nth(1).unwrap_or_default();
    after.split('"').next().unwrap_or_default().to_owned()
}
