//! Reads the plays of a playbook file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use serde_json::Value as Json;
use strata_core::{Diagnostic, files::normalize};

use super::{
    context::{Context, MAX_DEPTH},
    fields::{list, spanned},
    keywords::{SHARED, inherit, short_name},
    prompts,
    reader::{Reader, variables},
    roles::collection_of,
};
use crate::{
    play::{Keywords, Node as PlayNode, Order, Play, Spanned, Strategy, VarsPrompt},
    yaml::{Entry, Node},
};

/// Keywords that only plays have.
const PLAY: &[&str] = &[
    "fact_path",
    "force_handlers",
    "gather_facts",
    "gather_subset",
    "gather_timeout",
    "handlers",
    "hosts",
    "max_fail_percentage",
    "name",
    "order",
    "post_tasks",
    "pre_tasks",
    "roles",
    "serial",
    "strategy",
    "tasks",
    "vars_files",
    "vars_prompt",
];

/// Reads a playbook file.
pub(super) fn read(reader: &mut Reader<'_>, path: &Path, depth: usize) -> Vec<Arc<Play>> {
    let before = reader.diags.len();
    let Some(node) = reader.yaml(path, None).filter(|node| !node.is_null()) else {
        if reader.diags.len() == before {
            empty(reader, "Empty playbook, nothing to do", path);
        }
        return Vec::new();
    };
    let Some(items) = node.items() else {
        reader.error(
            "wrong-type",
            "a playbook must be a list of plays",
            &node.span,
        );
        return Vec::new();
    };
    if items.is_empty() {
        empty(reader, "A playbook must contain at least one play", path);
    }
    let mut plays = Vec::new();
    for item in items {
        if reader.mapping(item, "a play").is_none() {
            continue;
        }
        match import_entry(item) {
            Some(entry) => plays.extend(import(reader, item, entry, path, depth)),
            None => plays.extend(play(reader, item, path).map(Arc::new)),
        }
    }
    plays
}

fn empty(reader: &mut Reader<'_>, what: &str, path: &Path) {
    let summary = format!("{what}: {}", path.display());
    reader
        .diags
        .push(Diagnostic::error("empty-playbook", summary));
}

fn import_entry(node: &Node) -> Option<&Entry> {
    let entries = node.entries()?;
    entries
        .iter()
        .find(|entry| short_name(entry.key.text().unwrap_or_default()) == "import_playbook")
}

/// `import_playbook`: the plays of another file, with what is said here added to them.
fn import(
    reader: &mut Reader<'_>,
    node: &Node,
    entry: &Entry,
    path: &Path,
    depth: usize,
) -> Vec<Arc<Play>> {
    if depth > MAX_DEPTH {
        reader.error(
            "import-depth",
            "playbooks import one another without end",
            &entry.key.span,
        );
        return Vec::new();
    }
    let mut own = Keywords::default();
    for other in node.entries().unwrap_or_default() {
        match other.key.text().unwrap_or_default() {
            "name" => {}
            "when" | "tags" | "vars" => {
                reader.keyword(other, &mut own);
            }
            _ if std::ptr::eq(other, entry) => {}
            _ => reader.unknown(
                other,
                "`import_playbook`",
                &["name", "when", "tags", "vars"],
            ),
        }
    }
    let Some(name) = reader.text(entry) else {
        return Vec::new();
    };
    let context = top_context(Arc::new(own.clone()), folder_of(path));
    let Some(file) = reader.static_text(&name, &context) else {
        return Vec::new();
    };
    let beside = normalize(&folder_of(path).join(&file));
    let target = match reader.is_file(&beside) {
        true => beside,
        false => collection_playbook(reader, &file, folder_of(path)).unwrap_or(beside),
    };
    if !reader.is_file(&target) {
        reader.error(
            "missing-file",
            format!("there is no playbook `{}`", target.display()),
            &name.span,
        );
        return Vec::new();
    }
    let saved = std::mem::take(&mut reader.import_keywords);
    reader.import_keywords = Arc::new(inherit(&saved, own));
    let plays = read(reader, &target, depth + 1);
    reader.import_keywords = saved;
    plays
}

/// The file of a playbook that may be named as one of a collection.
pub(super) fn find(reader: &Reader<'_>, path: &Path) -> PathBuf {
    let named = || {
        let name = path.file_name()?.to_str()?;
        collection_playbook(reader, name, folder_of(path))
    };
    match reader.is_file(path) {
        true => path.to_owned(),
        false => named().unwrap_or_else(|| path.to_owned()),
    }
}

/// The file of a playbook in a collection, by its full name (`NAMESPACE.COLLECTION.NAME`).
fn collection_playbook(reader: &Reader<'_>, name: &str, folder: &Path) -> Option<PathBuf> {
    let (namespace, rest) = name.split_once('.')?;
    let (collection, playbook) = rest.split_once('.')?;
    let playbook = playbook.replace('.', "/");
    let inside = Path::new(namespace).join(collection).join("playbooks");
    let files = ["yml", "yaml"].map(|end| inside.join(format!("{playbook}.{end}")));
    let places = reader.collection_roots(folder);
    let mut places = places
        .iter()
        .flat_map(|root| files.iter().map(|file| root.join(file)));
    places.find(|place| reader.is_file(place))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// What the top of a file inherits.
fn top_context(keywords: Arc<Keywords>, folder: &Path) -> Context {
    Context {
        keywords,
        role: None,
        folder: folder.to_owned(),
        playbook_folder: folder.to_owned(),
        include_parameters: Vec::new(),
        depth: 0,
    }
}

/// The parts of a play that are no inherited keywords.
#[derive(Default)]
struct Parts<'n> {
    name: Option<Spanned<Json>>,
    hosts: Option<Spanned<Json>>,
    gather_facts: Option<Spanned<Json>>,
    gather_subset: Option<Spanned<Json>>,
    gather_timeout: Option<Spanned<Json>>,
    fact_path: Option<Spanned<Json>>,
    vars_files: Vec<Spanned<Json>>,
    vars_prompt: Vec<VarsPrompt>,
    serial: Vec<Spanned<Json>>,
    strategy: Option<Strategy>,
    order: Option<Order>,
    max_fail_percentage: Option<Spanned<Json>>,
    force_handlers: Option<Spanned<Json>>,
    roles: Option<&'n Node>,
    pre_tasks: Option<&'n Node>,
    tasks: Option<&'n Node>,
    post_tasks: Option<&'n Node>,
    handlers: Option<&'n Node>,
}

fn play(reader: &mut Reader<'_>, node: &Node, path: &Path) -> Option<Play> {
    let mut parts = Parts::default();
    let mut own = Keywords::default();
    let mut vars = crate::play::JsonMap::new();
    for entry in node.entries().unwrap_or_default() {
        match entry.key.text().unwrap_or_default() {
            "vars" => vars = variables(&entry.value, reader.diags).unwrap_or_default(),
            "when" => reader.error(
                "unknown-keyword",
                "a play cannot have `when`; its tasks, blocks and roles can",
                &entry.key.span,
            ),
            _ if part(reader, entry, &mut parts) => {}
            _ if reader.keyword(entry, &mut own) => {}
            // The old name of `remote_user`.
            "user" => own.remote_user = reader.text(entry),
            _ => {
                let known: Vec<_> = SHARED.iter().chain(PLAY).copied().collect();
                reader.unknown(entry, "a play", &known);
            }
        }
    }
    let Some(hosts) = parts.hosts.take() else {
        reader.error("missing-hosts", "a play must have `hosts`", &node.span);
        return None;
    };
    // A playbook of a collection sees what is in it by short names, before what it names itself.
    if let Some(collection) = collection_of(folder_of(path))
        && !own.collections.contains(&collection)
    {
        own.collections.insert(0, collection);
    }
    // What an import says holds for each task; its variables win over the play's own, and those of an outer
    // import over those of an inner one.
    for imported in reader.import_keywords.vars.iter().rev() {
        for (name, value) in imported.iter() {
            vars.insert(name.clone(), value.clone());
        }
    }
    let imported = Keywords {
        vars: Vec::new(),
        ..(*reader.import_keywords).clone()
    };
    let keywords = Arc::new(inherit(&imported, own));
    Some(finish(reader, node, path, parts, hosts, vars, keywords))
}

fn finish(
    reader: &mut Reader<'_>,
    node: &Node,
    path: &Path,
    parts: Parts<'_>,
    hosts: Spanned<Json>,
    vars: crate::play::JsonMap,
    keywords: Arc<Keywords>,
) -> Play {
    let folder = folder_of(path).to_owned();
    let context = top_context(keywords.clone(), &folder);
    let vars = Arc::new(vars);
    reader.begin_play(&vars);
    let roles = parts.roles.map(|roles| reader.role_list(roles, &context));
    let mut tasks = |part: Option<&Node>| -> Vec<PlayNode> {
        part.map(|node| reader.tasks(node, &context))
            .unwrap_or_default()
    };
    let pre_tasks = tasks(parts.pre_tasks);
    let main = tasks(parts.tasks);
    let post_tasks = tasks(parts.post_tasks);
    let own_handlers = parts
        .handlers
        .map(|node| reader.handlers(node, &context))
        .unwrap_or_default();
    let (role_tasks, mut handlers, mut all_roles) = match roles {
        Some(loaded) => (loaded.nodes, loaded.handlers, loaded.roles),
        None => Default::default(),
    };
    all_roles.append(&mut reader.imported_roles);
    handlers.extend(own_handlers);
    // Those of imported roles come last, and what a role has that came before is theirs, too.
    let imported = std::mem::take(&mut reader.imported_handlers);
    let is_imported = |handler: &Arc<crate::play::Handler>| {
        let mut imported = imported.iter();
        imported.any(|other| other.task.span == handler.task.span)
    };
    handlers.retain(|handler| !is_imported(handler));
    handlers.extend(imported);
    Play {
        name: parts
            .name
            .filter(|name| name.value != "")
            .unwrap_or_else(|| hosts.clone()),
        hosts,
        folder,
        gather_facts: parts.gather_facts,
        gather_subset: parts.gather_subset,
        gather_timeout: parts.gather_timeout,
        fact_path: parts.fact_path,
        keywords,
        vars,
        vars_files: parts.vars_files,
        vars_prompt: parts.vars_prompt,
        serial: parts.serial,
        strategy: parts.strategy.unwrap_or(Strategy::Linear),
        order: parts.order.unwrap_or(Order::Inventory),
        max_fail_percentage: parts.max_fail_percentage,
        force_handlers: parts.force_handlers,
        pre_tasks,
        role_tasks,
        tasks: main,
        post_tasks,
        handlers,
        roles: all_roles,
        span: node.span.clone(),
    }
}

fn part<'n>(reader: &mut Reader<'_>, entry: &'n Entry, parts: &mut Parts<'n>) -> bool {
    let value = &entry.value;
    match entry.key.text().unwrap_or_default() {
        "name" => {
            parts.name = if value.is_null() {
                None
            } else {
                reader.text(entry)
            }
        }
        "hosts" => parts.hosts = hosts(reader, entry),
        "gather_facts" => parts.gather_facts = reader.boolean(entry),
        "gather_subset" => parts.gather_subset = Some(spanned(value)),
        "gather_timeout" => parts.gather_timeout = reader.integer(entry),
        "fact_path" => parts.fact_path = reader.text(entry),
        "vars_files" => parts.vars_files = vars_files(value),
        "vars_prompt" => parts.vars_prompt = prompts::read(reader, value),
        "serial" => parts.serial = list(value),
        "strategy" => parts.strategy = strategy(reader, entry),
        "order" => parts.order = order(reader, entry),
        "max_fail_percentage" => parts.max_fail_percentage = reader.integer(entry),
        "force_handlers" => parts.force_handlers = reader.boolean(entry),
        "roles" => parts.roles = Some(value),
        "pre_tasks" => parts.pre_tasks = Some(value),
        "tasks" => parts.tasks = Some(value),
        "post_tasks" => parts.post_tasks = Some(value),
        "handlers" => parts.handlers = Some(value),
        _ => return false,
    }
    true
}

fn hosts(reader: &mut Reader<'_>, entry: &Entry) -> Option<Spanned<Json>> {
    let hosts = spanned(&entry.value);
    let text = |value: &Json| value.as_str().is_some_and(|text| !text.trim().is_empty());
    let fits = match &hosts.value {
        Json::Array(items) => !items.is_empty() && items.iter().all(text),
        value => text(value),
    };
    if !fits {
        reader.error(
            "wrong-type",
            "`hosts` must be a pattern or a list of patterns, and not empty",
            &hosts.span,
        );
        // The play goes on to be read, so that its other mistakes show up too.
    }
    Some(hosts)
}

/// Names, or lists of names of which the first that is found counts.
fn vars_files(node: &Node) -> Vec<Spanned<Json>> {
    list(node)
}

fn strategy(reader: &mut Reader<'_>, entry: &Entry) -> Option<Strategy> {
    let name = reader.plain_text(entry)?;
    match short_name(&name.value) {
        "linear" => Some(Strategy::Linear),
        "free" => Some(Strategy::Free),
        "host_pinned" => Some(Strategy::HostPinned),
        "debug" => Some(Strategy::Debug),
        other => {
            reader.error(
                "unsupported",
                format!("the strategy `{other}` is not supported, only `linear`, `free`, `host_pinned` and `debug`"),
                &name.span,
            );
            None
        }
    }
}

fn order(reader: &mut Reader<'_>, entry: &Entry) -> Option<Order> {
    let name = reader.plain_text(entry)?;
    match name.value.as_str() {
        "inventory" => Some(Order::Inventory),
        "reverse_inventory" => Some(Order::ReverseInventory),
        "sorted" => Some(Order::Sorted),
        "reverse_sorted" => Some(Order::ReverseSorted),
        "shuffle" => Some(Order::Shuffle),
        other => {
            reader.error(
                "wrong-value",
                format!("`{other}` is no order of hosts"),
                &name.span,
            );
            None
        }
    }
}
