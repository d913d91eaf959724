//! In which order a plan's changes are made: worked out once, as a graph that apply obeys.
//!
//! What is made waits for what it refers to; what is deleted waits until all that used it is gone. Between two
//! resources there are no edges from instance to instance but joins (all of `a` is done, all of `a` is gone), so
//! that the graph grows with the number of instances and not with its square.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use strata_core::{
    Action, Diagnostic, Diagnostics,
    addr::{self, ConfigResource},
    hash::HashMap,
};
use strata_state::State;

use super::Change;

/// The actions of a plan and what each waits for.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// The actions; edges name them by their position.
    pub nodes: Vec<Node>,
}

/// One action.
#[derive(Clone, Debug)]
pub struct Node {
    /// What is done.
    pub work: Work,
    /// Which actions must have succeeded before.
    pub after: Vec<usize>,
}

/// What an action does; the number is that of the change in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Nothing: it stands for all that it waits for.
    Join,
    /// An object is made, or made anew.
    Create(usize),
    /// An object is changed in place.
    Update(usize),
    /// An object is deleted; for a replacement, the old one.
    Delete(usize),
    /// A data source is read.
    Read(usize),
    /// State forgets an object.
    Forget(usize),
}

impl Work {
    /// What it is for users.
    pub fn action(self) -> Option<Action> {
        match self {
            Work::Join => None,
            Work::Create(_) => Some(Action::Create),
            Work::Update(_) => Some(Action::Update),
            Work::Delete(_) => Some(Action::Delete),
            Work::Read(_) => Some(Action::Read),
            Work::Forget(_) => Some(Action::Forget),
        }
    }

    /// The change that it is part of.
    pub fn change(self) -> Option<usize> {
        match self {
            Work::Join => None,
            Work::Create(at)
            | Work::Update(at)
            | Work::Delete(at)
            | Work::Read(at)
            | Work::Forget(at) => Some(at),
        }
    }
}

/// What configuration says must come before what: what each needs, sorted.
pub(crate) type Needs = BTreeMap<ConfigResource, Arc<[ConfigResource]>>;

/// Works out the graph.
pub(crate) fn order(
    changes: &[Change],
    needs: &Needs,
    state: &State,
) -> Result<Graph, Diagnostics> {
    let is_action = |change: &Change| change.action != Action::NoOp;
    if !changes.iter().any(is_action) {
        return Ok(Graph::default());
    }
    // Only what is deleted waits for those that use it.
    let uses = match changes.iter().any(deletes) {
        true => Some(Uses::new(needs, state)),
        false => None,
    };
    let mut tried = None;
    for heeded in [Heeded::All, Heeded::Configured, Heeded::Past] {
        let graph = Builder::build(changes, needs, uses.as_ref(), heeded);
        // What configuration needs has an order: only deletions can stand in each other's way.
        if uses.is_none() || stuck(&graph).is_empty() {
            return Ok(graph);
        }
        tried.get_or_insert(graph);
    }
    Err(cycle(changes, &tried.unwrap_or_default()).into())
}

/// Whose uses deletions wait for: what configuration says and what objects depended on when they were made may together
/// have no order.
#[derive(Clone, Copy, PartialEq)]
enum Heeded {
    /// Both.
    All,
    /// Those of configuration, and the past of what configuration does not know any more.
    Configured,
    /// The past alone, as Terraform has it.
    Past,
}

fn deletes(change: &Change) -> bool {
    matches!(
        change.action,
        Action::Delete | Action::DeleteThenCreate | Action::CreateThenDelete
    )
}

fn cycle(changes: &[Change], graph: &Graph) -> Diagnostic {
    let path = circle(graph);
    let told = path.iter().filter_map(|at| {
        let work = graph.nodes[*at].work;
        let address = &changes[work.change()?].address;
        let what = match work {
            Work::Create(_) => "making",
            Work::Delete(_) => "deleting",
            Work::Read(_) => "reading",
            _ => "changing",
        };
        Some(format!("{what} `{address}`"))
    });
    let mut told: Vec<String> = told.collect();
    told.extend(told.first().cloned());
    Diagnostic::error(
        "order-cycle",
        "there is no order in which these changes could be made",
    )
    .detail(format!("Each waits for the next: {}.", told.join(", ")))
    .hint("apply a part of it first, with `-target`")
}

/// Actions each of which waits for the next, and the last for the first.
fn circle(graph: &Graph) -> Vec<usize> {
    let stuck = stuck(graph);
    let Some(mut at) = stuck.first().copied() else {
        return Vec::new();
    };
    // Whatever can never begin waits for something that can never begin either.
    let mut path: Vec<usize> = Vec::new();
    let mut places = BTreeMap::new();
    while !places.contains_key(&at) {
        places.insert(at, path.len());
        path.push(at);
        let before = graph.nodes[at].after.iter();
        match before
            .copied()
            .find(|before| stuck.binary_search(before).is_ok())
        {
            Some(before) => at = before,
            None => return path,
        }
    }
    path.split_off(places[&at])
}

/// The actions that can never begin.
fn stuck(graph: &Graph) -> Vec<usize> {
    let (mut waiting, dependents) = edges(graph);
    let mut ready: Vec<usize> = (0..waiting.len()).filter(|at| waiting[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        for next in &dependents[at] {
            waiting[*next] -= 1;
            if waiting[*next] == 0 {
                ready.push(*next);
            }
        }
    }
    (0..waiting.len()).filter(|at| waiting[*at] > 0).collect()
}

/// For each action, how many it waits for and which wait for it.
pub(crate) fn edges(graph: &Graph) -> (Vec<usize>, Vec<Vec<usize>>) {
    let mut dependents = vec![Vec::new(); graph.nodes.len()];
    let waiting = graph.nodes.iter().enumerate().map(|(at, node)| {
        node.after
            .iter()
            .for_each(|before| dependents[*before].push(at));
        node.after.len()
    });
    (waiting.collect(), dependents)
}

/// A resource and one that it depends on.
type Use = (ConfigResource, ConfigResource);

/// Who uses what.
struct Uses {
    /// By configuration.
    configured: BTreeSet<Use>,
    /// By the objects of state, as they were made.
    past: BTreeSet<Use>,
}

impl Uses {
    fn new(needs: &Needs, state: &State) -> Self {
        let pairs = |(user, used): (&ConfigResource, &Arc<[ConfigResource]>)| {
            let user = user.clone();
            used.iter()
                .map(move |used| (user.clone(), used.clone()))
                .collect::<Vec<_>>()
        };
        let mut uses = Self {
            configured: needs.iter().flat_map(pairs).collect(),
            past: BTreeSet::new(),
        };
        for (address, resource) in &*state.resources {
            let user = address.config();
            let mut last: Option<&Arc<[ConfigResource]>> = None;
            let objects = resource
                .instances
                .values()
                .flat_map(|instance| instance.current.iter().chain(instance.deposed.values()));
            for object in objects {
                if last.is_some_and(|last| last == &object.dependencies) {
                    continue;
                }
                last = Some(&object.dependencies);
                let used = object.dependencies.iter().filter(|used| **used != user);
                uses.past
                    .extend(used.map(|used| (user.clone(), used.clone())));
            }
        }
        uses
    }
}

/// The joins of one resource.
#[derive(Clone, Copy)]
struct Joins {
    /// All that is made of it is made, and all that it needs.
    done: usize,
    /// All of it that used the past of others uses it no more, but for what goes first. The same as `done`, unless that
    /// has no order.
    changed: usize,
    /// All that uses it and goes is gone.
    unused: usize,
    /// All of it that goes is gone, and all that used it.
    gone: usize,
    /// All that refers to it is done, so that nothing uses its old objects any more.
    moved: usize,
}

/// What is known of the actions that make objects of one resource.
struct Made<'c> {
    resource: &'c addr::Resource,
    joins: Joins,
    /// What each of them waits for.
    after: Vec<usize>,
}

struct Builder<'a> {
    graph: Graph,
    joins: HashMap<ConfigResource, Joins>,
    needs: &'a Needs,
    /// True if anything is deleted.
    deletes: bool,
    heeded: Heeded,
    /// The object that was made last: its change and its action.
    last_made: Option<(usize, usize)>,
}

impl<'a> Builder<'a> {
    fn build(changes: &[Change], needs: &'a Needs, uses: Option<&Uses>, heeded: Heeded) -> Graph {
        let mut builder = Builder {
            graph: Graph::default(),
            joins: HashMap::with_capacity_and_hasher(needs.len(), Default::default()),
            needs,
            deletes: uses.is_some(),
            heeded,
            last_made: None,
        };
        for (resource, needed) in needs {
            let done = builder.joins(resource).done;
            for needed in needed.iter() {
                let before = builder.joins(needed).done;
                builder.graph.nodes[done].after.push(before);
            }
        }
        if let Some(uses) = uses {
            builder.add_uses(uses);
        }
        builder.graph.nodes.reserve(changes.len());
        let mut last: Option<Made<'_>> = None;
        for (at, change) in changes.iter().enumerate() {
            let resource = &change.address.resource;
            let made = match last.take() {
                Some(last) if last.resource == resource => last,
                _ => builder.made(resource),
            };
            builder.add_change(at, change, &made);
            if change.deposed.is_some() {
                builder.keep_until_made(changes, at);
            }
            last = Some(made);
        }
        builder.graph
    }

    fn add_uses(&mut self, uses: &Uses) {
        let heeded = self.heeded;
        for (user, used) in &uses.configured {
            if heeded != Heeded::Past {
                self.wait_until_gone(user, used);
            }
            self.wait_until_moved(user, used);
        }
        for pair @ (user, used) in &uses.past {
            let is_past = !self.needs.contains_key(user) || !self.needs.contains_key(used);
            let is_new = !uses.configured.contains(pair);
            if heeded == Heeded::Past || is_new && (is_past || heeded == Heeded::All) {
                self.wait_until_gone(user, used);
            }
            // Objects that are no longer used by configuration wait for their former users to be changed, too.
            let is_heeded = is_past || heeded == Heeded::All;
            if is_new && is_heeded && self.needs.contains_key(user) {
                self.wait_until_moved(user, used);
            }
        }
    }

    fn wait_until_gone(&mut self, user: &ConfigResource, used: &ConfigResource) {
        let (gone, unused) = (self.joins(user).gone, self.joins(used).unused);
        self.graph.nodes[unused].after.push(gone);
    }

    fn wait_until_moved(&mut self, user: &ConfigResource, used: &ConfigResource) {
        let (changed, moved) = (self.joins(user).changed, self.joins(used).moved);
        self.graph.nodes[moved].after.push(changed);
    }

    fn made<'c>(&mut self, resource: &'c addr::Resource) -> Made<'c> {
        let address = resource.config();
        let needs = self.needs;
        let needed = needs.get(&address).into_iter().flat_map(|all| all.iter());
        Made {
            resource,
            joins: self.joins(&address),
            after: needed.map(|needed| self.joins(needed).done).collect(),
        }
    }

    fn add_change(&mut self, at: usize, change: &Change, made: &Made<'_>) {
        let joins = made.joins;
        match change.action {
            Action::NoOp | Action::Open | Action::Renew | Action::Close => {}
            Action::Create => self.make(Work::Create(at), made, None, false),
            Action::Update => self.make(Work::Update(at), made, None, true),
            Action::Read => self.make(Work::Read(at), made, None, true),
            Action::Forget => {
                self.push(Work::Forget(at), Vec::new());
            }
            Action::Delete => {
                let after = match self.heeded {
                    Heeded::All => vec![joins.unused, joins.moved],
                    Heeded::Configured | Heeded::Past => vec![joins.unused],
                };
                let node = self.push(Work::Delete(at), after);
                self.graph.nodes[joins.gone].after.push(node);
            }
            Action::DeleteThenCreate => {
                let node = self.push(Work::Delete(at), vec![joins.unused]);
                self.graph.nodes[joins.gone].after.push(node);
                self.make(Work::Create(at), made, Some(node), false);
            }
            Action::CreateThenDelete => {
                self.make(Work::Create(at), made, None, true);
                let created = self.graph.nodes.len() - 1;
                let node = self.push(Work::Delete(at), vec![created, joins.unused, joins.moved]);
                self.graph.nodes[joins.gone].after.push(node);
            }
        }
    }

    /// An object that was set aside stays until the one in its place, whose change stands before it, is right.
    fn keep_until_made(&mut self, changes: &[Change], at: usize) {
        let deleted = self.graph.nodes.len() - 1;
        if let Some((change, made)) = self.last_made
            && changes[change].address == changes[at].address
            && matches!(self.graph.nodes[deleted].work, Work::Delete(_))
        {
            self.graph.nodes[deleted].after.push(made);
        }
    }

    /// Something is made; `keeps_old` where the object that it replaces is there until then.
    fn make(&mut self, work: Work, made: &Made<'_>, before: Option<usize>, keeps_old: bool) {
        let after = before.into_iter().chain(made.after.iter().copied());
        let node = self.push(work, after.collect());
        self.last_made = work.change().map(|change| (change, node));
        let Joins { done, changed, .. } = made.joins;
        self.graph.nodes[done].after.push(node);
        // What is new, or made after the old is gone, used nothing that goes.
        if changed != done && keeps_old {
            self.graph.nodes[changed].after.push(node);
        }
    }

    fn joins(&mut self, resource: &ConfigResource) -> Joins {
        if let Some(joins) = self.joins.get(resource) {
            return *joins;
        }
        let done = self.push(Work::Join, Vec::new());
        if !self.deletes {
            // Nothing waits for the others.
            let joins = Joins {
                done,
                changed: done,
                unused: done,
                gone: done,
                moved: done,
            };
            self.joins.insert(resource.clone(), joins);
            return joins;
        }
        let unused = self.push(Work::Join, Vec::new());
        let gone = self.push(Work::Join, vec![unused]);
        let moved = self.push(Work::Join, Vec::new());
        let changed = match self.heeded {
            Heeded::All => done,
            Heeded::Configured | Heeded::Past => self.push(Work::Join, Vec::new()),
        };
        let joins = Joins {
            done,
            changed,
            unused,
            gone,
            moved,
        };
        self.joins.insert(resource.clone(), joins);
        joins
    }

    fn push(&mut self, work: Work, after: Vec<usize>) -> usize {
        self.graph.nodes.push(Node { work, after });
        self.graph.nodes.len() - 1
    }
}
