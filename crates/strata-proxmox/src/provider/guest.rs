//! What virtual machines and containers have in common.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value as Json, json};
use strata_core::Diagnostic;

use super::{
    kind::{Doing, Failure, Outcome, Work},
    session::Session,
    value,
};
use crate::client::{Params, path};

/// How many guests a cluster may have for each to be read by itself on refresh.
const READ_ONE_BY_ONE: usize = 100;

/// Members of a guest's row in the cluster's list that tell whether its settings changed.
const TELLING: [&str; 9] = [
    "name", "node", "status", "maxcpu", "maxmem", "maxdisk", "tags", "template", "pool",
];

/// Where a guest is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) id: u32,
    pub(crate) node: String,
    /// `qemu` or `lxc`.
    pub(crate) kind: &'static str,
}

impl Place {
    /// The path of something of the guest.
    pub(crate) fn path(&self, rest: &[&str]) -> String {
        let id = self.id.to_string();
        let mut segments = vec!["nodes", self.node.as_str(), self.kind, id.as_str()];
        segments.extend(rest);
        path(&segments)
    }
}

/// A guest's id in an object.
pub(crate) fn id_of(object: &Json) -> Option<u32> {
    let known = value::number(&object["vm_id"]).or_else(|| value::number(&object["id"]))?;
    u32::try_from(known).ok()
}

/// The part of an object's single block.
pub(crate) fn first<'a>(object: &'a Json, name: &str) -> &'a Json {
    match &object[name] {
        Json::Array(items) => items.first().unwrap_or(&Json::Null),
        other => other,
    }
}

/// The parts of an object's blocks.
pub(crate) fn all<'a>(object: &'a Json, name: &str) -> &'a [Json] {
    object[name].as_array().map_or(&[], Vec::as_slice)
}

/// A text that is set and not empty.
pub(crate) fn text<'a>(object: &'a Json, name: &str) -> Option<&'a str> {
    object[name].as_str().filter(|text| !text.is_empty())
}

/// Says of a guest that was not deleted how its protection is taken away.
pub(crate) fn protected(failure: Box<Failure>, object: &Json) -> Box<Failure> {
    let hint = "it has `protection = true`: set it to false and apply that first";
    let is_protected = object["protection"] == true;
    hinted(failure, is_protected.then(|| hint.to_owned()))
}

/// Tells a guest's description. The server keeps no line ends after it, and a heredoc has one: that is no difference.
pub(crate) fn tell_description(object: &mut Json, config: &Json) {
    let plain = |text: &str| text.trim_end().replace("\r\n", "\n");
    let now = config["description"].as_str().unwrap_or_default();
    if plain(text(object, "description").unwrap_or_default()) != plain(now) {
        object["description"] = json!(now.trim_end_matches('\n'));
    }
}

/// A number that is set and above nothing.
pub(crate) fn positive(object: &Json, name: &str) -> Option<i64> {
    value::number(&object[name]).filter(|number| *number > 0)
}

/// Texts of a list.
pub(crate) fn texts(object: &Json, name: &str) -> Vec<String> {
    all(object, name)
        .iter()
        .filter_map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// Tags as the server keeps them: cut at `;`, `,` and blanks, in order and each once.
fn tags<'a>(written: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let words = written
        .into_iter()
        .flat_map(|text| text.split(|c: char| matches!(c, ';' | ',') || c.is_whitespace()));
    let words: BTreeSet<&str> = words.filter(|word| !word.is_empty()).collect();
    words.into_iter().map(str::to_owned).collect()
}

/// The tags that an object is written with, as the server keeps them.
pub(crate) fn tags_of(object: &Json) -> Vec<String> {
    tags(all(object, "tags").iter().filter_map(Json::as_str))
}

/// The tags that a server tells, where they are others than those that the object is written with. Most servers
/// keep them in small letters.
pub(crate) fn other_tags(object: &Json, told: &Json) -> Option<Vec<String>> {
    let now = tags(told.as_str());
    let small = |tags: &[String]| -> BTreeSet<String> {
        tags.iter().map(|tag| tag.to_lowercase()).collect()
    };
    (small(&tags_of(object)) != small(&now)).then_some(now)
}

/// A property string's parts: the first without a name stands under an empty one.
pub(crate) fn parts(text: &str) -> BTreeMap<String, String> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let named = parts.map(|part| part.split_once('=').unwrap_or(("", part)));
    named
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Finds where a guest is now: HA or an administrator may have moved it.
pub(crate) async fn locate(
    session: &Session,
    kind: &'static str,
    object: &Json,
) -> Result<Option<(Place, Json)>, crate::client::ClientError> {
    let Some(id) = id_of(object) else {
        return Ok(None);
    };
    let cluster = session.cluster().await?;
    let row = cluster.guests.get(&id).filter(|row| row["type"] == kind);
    Ok(row.map(|row| {
        let node = row["node"].as_str().unwrap_or_default().to_owned();
        (Place { id, node, kind }, row.clone())
    }))
}

/// The guest's place, or a failure that says it is gone.
pub(crate) async fn place(work: &Work<'_>, kind: &'static str, object: &Json) -> Outcome<Place> {
    let found = locate(work.session, kind, object).await;
    let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
    found.map(|(place, _)| place).ok_or_else(|| {
        let id = id_of(object).unwrap_or_default();
        Failure::new(Diagnostic::error(
            "proxmox-gone",
            format!("The guest {id} is not there any more"),
        ))
    })
}

/// What of a row tells whether a guest changed.
pub(crate) fn fingerprint(row: &Json) -> Json {
    TELLING
        .iter()
        .map(|name| ((*name).to_owned(), row[*name].clone()))
        .collect()
}

/// True if the list already says that nothing changed, so that the guest need not be read by itself.
pub(crate) async fn is_unchanged(session: &Session, object: &Json, row: &Json) -> bool {
    let many = match session.cluster().await {
        Ok(cluster) => cluster.guests.len() > READ_ONE_BY_ONE,
        Err(_) => false,
    };
    let known = &object[super::PRIVATE]["row"];
    many && !session.manner.deep_refresh && !known.is_null() && *known == fingerprint(row)
}

/// Keeps what a guest was like when it was read.
pub(crate) async fn remember(session: &Session, kind: &'static str, object: &mut Json) {
    if let Ok(Some((_, row))) = locate(session, kind, object).await {
        object[super::PRIVATE] = json!({ "row": fingerprint(&row) });
    }
}

/// A call that makes a guest.
pub(crate) struct Making<'a> {
    pub(crate) path: String,
    pub(crate) params: Params,
    /// The parameter that names the new guest.
    pub(crate) id: &'static str,
    pub(crate) limit: Duration,
    /// What messages call it.
    pub(crate) what: &'a str,
}

impl Making<'_> {
    /// Which privilege is missing where the server does not name it, since more than one would do.
    fn needed(&self, id: u32, error: &crate::client::ClientError) -> Option<String> {
        let unnamed = matches!(error, crate::client::ClientError::Denied { message } if !message.contains('('));
        let template = self
            .path
            .strip_suffix("/clone")
            .and_then(|path| path.rsplit('/').next());
        let also = template.map_or_else(String::new, |template| {
            format!(", and `VM.Clone` on `/vms/{template}`")
        });
        unnamed.then(|| format!(
            "grant the privilege `VM.Allocate` on `/vms/{id}` (or on the pool it is made in){also}, which the role `PVEVMAdmin` has: `pveum acl modify /vms/{id} --roles PVEVMAdmin --users USER` (or `--tokens USER!TOKEN` if the token has separate privileges)"
        ))
    }

    async fn run(&self, work: &Work<'_>, id: u32) -> Result<(), crate::client::ClientError> {
        let params = self.params.clone().with(self.id, id);
        let made = work
            .change(hyper::Method::POST, &self.path, &params, self.limit)
            .await;
        made.map(drop)
    }
}

fn hinted(mut failure: Box<Failure>, hint: Option<String>) -> Box<Failure> {
    if let Some(hint) = hint {
        failure.diagnostic = failure.diagnostic.clone().hint(hint);
    }
    failure
}

/// Makes a guest under an id that is the user's, or one that is free now; loses no race.
pub(crate) async fn with_id(
    work: &Work<'_>,
    object: &mut Json,
    making: &Making<'_>,
) -> Outcome<u32> {
    let what = making.what;
    if let Some(id) = id_of(object) {
        let made = making.run(work, id).await;
        let hint = made
            .as_ref()
            .err()
            .and_then(|error| making.needed(id, error));
        let made = made.doing(|| format!("The {what} {id} was not created"));
        return made.map(|()| id).map_err(|failure| hinted(failure, hint));
    }
    // Somebody else may take an id between the question and the call: then the next one is tried.
    for _ in 0..50 {
        let free = work.session.free_id(work.marker).await;
        let id = free.doing(|| "No free id was found".to_owned())?;
        match making.run(work, id).await {
            Err(error) if error.is_taken() => {
                work.session.forget().await;
                work.session.give_up(id);
            }
            made => {
                if let Err(error) = made {
                    let hint = left_behind(work, making, id, &error).await;
                    let hint = hint.or_else(|| making.needed(id, &error));
                    let failed =
                        Err::<(), _>(error).doing(|| format!("The {what} {id} was not created"));
                    return failed.map(|()| id).map_err(|failure| hinted(failure, hint));
                }
                object["vm_id"] = json!(id);
                return Ok(id);
            }
        }
    }
    Err(Failure::new(
        Diagnostic::error("proxmox-ids", "No free id was found")
            .detail("each of 50 ids was taken by somebody else"),
    ))
}

/// What to do about the guest that a task which was killed left behind: its lock stays.
async fn left_behind(
    work: &Work<'_>,
    making: &Making<'_>,
    id: u32,
    error: &crate::client::ClientError,
) -> Option<String> {
    if !matches!(error, crate::client::ClientError::Task { .. }) {
        return None;
    }
    work.session.forget().await;
    let cluster = work.session.cluster().await.ok()?;
    let row = cluster.guests.get(&id)?;
    let lock = text(row, "lock")?;
    let (tool, node) = match making.what {
        "VM" => ("qm", text(row, "node")?),
        _ => ("pct", text(row, "node")?),
    };
    Some(format!(
        "{} {id} is left half made and locked ({lock}): `{tool} unlock {id} && {tool} destroy {id}` on node `{node}` removes it",
        making.what
    ))
}

/// How long something may take, by an attribute in seconds.
pub(crate) fn limit(object: &Json, name: &str, usual: u64) -> Duration {
    let seconds = value::number(&object[name]).and_then(|seconds| u64::try_from(seconds).ok());
    Duration::from_secs(seconds.unwrap_or(usual))
}

/// Puts a guest into a pool, or takes it out of one.
pub(crate) async fn change_pool(
    work: &Work<'_>,
    id: u32,
    before: &Json,
    after: &Json,
) -> Outcome<()> {
    let change = async |pool: &str, delete: bool| {
        let mut params = Params::new().with("vms", id).with("poolid", pool);
        params.flag(if delete { "delete" } else { "allow-move" }, true);
        work.put("/pools", &params).await
    };
    match (
        before.as_str().filter(|pool| !pool.is_empty()),
        after.as_str().filter(|pool| !pool.is_empty()),
    ) {
        (before, after) if before == after => Ok(()),
        (_, Some(pool)) => change(pool, false)
            .await
            .map(drop)
            .doing(|| format!("The guest {id} was not put into the pool `{pool}`")),
        (Some(pool), None) => change(pool, true)
            .await
            .map(drop)
            .doing(|| format!("The guest {id} was not taken out of the pool `{pool}`")),
        (None, None) => Ok(()),
    }
}

/// Seconds since 1970 of a time as RFC 3339 in UTC, such as `2030-01-01T00:00:00Z`.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let number = |text: &str| text.parse::<i64>().ok();
    let mut date = date.split('-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let (clock, offset) = match time.strip_suffix('Z') {
        Some(clock) => (clock, 0),
        None => {
            let at = time.rfind(['+', '-'])?;
            let (hours, minutes) = time[at + 1..].split_once(':')?;
            let offset = number(hours)? * 3600 + number(minutes)? * 60;
            (
                &time[..at],
                if time.as_bytes()[at] == b'-' {
                    -offset
                } else {
                    offset
                },
            )
        }
    };
    let mut clock = clock.split('.').next()?.split(':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    // Days by the civil calendar, years beginning in March so that leap days come last.
    let (y, m) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * m + 2) / 5 + day
        - 1
        - 719_468;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second - offset)
}

/// A time as RFC 3339 in UTC.
pub(crate) fn rfc3339(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let rest = seconds.rem_euclid(86_400);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let m = (5 * of_year + 2) / 153;
    let (day, month) = (
        of_year - (153 * m + 2) / 5 + 1,
        if m < 10 { m + 3 } else { m - 9 },
    );
    let year = year + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        rest / 3600,
        rest / 60 % 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written() {
        assert_eq!(seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds("2030-02-28T12:30:05Z"), Some(1_898_512_205));
        assert_eq!(seconds("2030-02-28T13:30:05+01:00"), Some(1_898_512_205));
        assert_eq!(rfc3339(1_898_512_205), "2030-02-28T12:30:05Z");
        assert_eq!(seconds("tomorrow"), None);
    }

    #[test]
    fn property_strings_are_taken_apart() {
        let parts = parts("local:100/x.raw,size=8G,ssd=1");
        assert_eq!(parts[""], "local:100/x.raw");
        assert_eq!(parts["size"], "8G");
    }
}
