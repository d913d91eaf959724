//! One host's way through a play, as a pure iterator.
//!
//! [`Walk::next`] gives the next step; the runner does it and says with [`Walk::report`] how it went. The walk
//! decides where to go on: into `rescue` after a failure, through `always`, to the flush of handlers. It knows
//! nothing of conditions, loops and tags: a skipped task is reported as [`Outcome::Ok`].
//!
//! Inside, a stack of frames says where the host is: each frame is a list of nodes with a place in it. A failure
//! unwinds frames until a block with a rescue is found; on the way, every block's `always` still runs.

use std::{collections::BTreeSet, sync::Arc};

use crate::play::{Block, Handler, Node, Play, Role, Task};

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Do this task.
    Task(Arc<Task>),
    /// Do this handler, which was notified.
    Handler(Arc<Handler>),
    /// This role has run for this host.
    RoleDone(Arc<Role>),
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, skipped, or failed with the failure ignored.
    Ok,
    /// Failed.
    Failed,
}

/// Where a step stands in the play; in the linear strategy the hosts with the least position go next, together.
pub type Position = Vec<u32>;

/// How a walk ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Everything was done, or the host was told to leave.
    Done,
    /// A failure was not rescued.
    Failed,
}

/// The way of one host.
#[derive(Clone, Debug)]
pub struct Walk {
    frames: Vec<Frame>,
    handlers: Vec<Arc<Handler>>,
    notified: BTreeSet<usize>,
    /// The names that were notified since handlers last ran.
    names: Vec<String>,
    /// What was reached and not reported yet.
    current: Option<Step>,
    /// Nodes that an include put behind the current step.
    included: Vec<Node>,
    /// Whether handlers run before the next step.
    flush: bool,
    force_handlers: bool,
    failed: bool,
    ended: Option<End>,
    /// Whether the last report was a failure that led out of the innermost block, or include, of its step.
    left_block: bool,
    /// Where it would go on if its failure were forgotten.
    behind_failure: Option<Vec<Frame>>,
    /// Which tasks run at all; those that do not are no rescue.
    runs: Runs,
}

/// Tells whether a task runs at all.
#[derive(Clone)]
struct Runs(Arc<dyn Fn(&Task) -> bool + Send + Sync>);

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Runs")
    }
}

/// What a frame is for.
#[derive(Clone, Debug)]
enum Kind {
    /// A section of the play, or what an include brought.
    Plain,
    /// The end of a section: notified handlers run.
    Flush,
    /// Notified handlers run, in the order of the list of handlers.
    Handlers,
    /// `block` of a block.
    Block(Arc<Block>),
    /// `rescue` of a block.
    Rescue(Arc<Block>),
    /// `always` of a block; if true, a failure goes on behind it.
    Always(bool),
}

#[derive(Clone, Debug)]
struct Frame {
    kind: Kind,
    nodes: Arc<[Node]>,
    next: usize,
    /// The part of the position that lies in front of this frame's own.
    prefix: Position,
}

/// Parts of the play and of blocks, as numbers in positions.
const BLOCK: u32 = 0;
const RESCUE: u32 = 1;
const ALWAYS: u32 = 2;

impl Frame {
    fn new(kind: Kind, nodes: &[Node], prefix: Position) -> Self {
        Self {
            kind,
            nodes: nodes.into(),
            next: 0,
            prefix,
        }
    }

    /// The position of the node that was taken last.
    fn position(&self, part: Option<u32>) -> Position {
        let mut position = self.prefix.clone();
        position.push(u32::try_from(self.next).unwrap_or(u32::MAX));
        position.extend(part);
        position
    }
}

impl Walk {
    /// Starts at the play's beginning.
    pub fn new(play: &Arc<Play>) -> Self {
        let main: Vec<Node> = play.role_tasks.iter().chain(&play.tasks).cloned().collect();
        let sections: [&[Node]; 3] = [&play.pre_tasks, &main, &play.post_tasks];
        let mut frames = Vec::new();
        for (at, section) in sections.into_iter().enumerate().rev() {
            let at = u32::try_from(at).unwrap_or_default() * 2;
            frames.push(Frame::new(Kind::Flush, &[], vec![at + 1]));
            frames.push(Frame::new(Kind::Plain, section, vec![at]));
        }
        Self {
            frames,
            handlers: play.handlers.clone(),
            notified: BTreeSet::new(),
            names: Vec::new(),
            current: None,
            included: Vec::new(),
            flush: false,
            force_handlers: false,
            failed: false,
            ended: None,
            left_block: false,
            behind_failure: None,
            runs: Runs(Arc::new(|_| true)),
        }
    }

    /// Says which tasks run at all, as tags have it: a rescue of others is none, as in Ansible.
    #[must_use]
    pub fn running(self, runs: Arc<dyn Fn(&Task) -> bool + Send + Sync>) -> Self {
        Self {
            runs: Runs(runs),
            ..self
        }
    }

    /// True if a block has a rescue of which something runs.
    fn rescues(&self, block: &Block) -> bool {
        self.any_runs(&block.rescue)
    }

    fn any_runs(&self, nodes: &[Node]) -> bool {
        nodes.iter().any(|node| match node {
            Node::Task(task) => (self.runs.0)(task),
            Node::Block(block) => [&block.block, &block.rescue, &block.always]
                .into_iter()
                .any(|part| self.any_runs(part)),
            Node::RoleDone(_) => false,
        })
    }

    /// Lets handlers run even after the host has failed.
    #[must_use]
    pub fn forcing_handlers(mut self, force: bool) -> Self {
        self.force_handlers = force;
        self
    }

    /// Lets no handlers run at the ends of sections: these are steps with the tag `always`, which one may skip.
    #[must_use]
    pub fn without_flushes(mut self, skipped: bool) -> Self {
        self.frames
            .retain(|frame| !(skipped && matches!(frame.kind, Kind::Flush)));
        self
    }

    /// The step to do, with its position; none at the end. Gives the same step until [`Walk::report`] is called.
    #[expect(
        clippy::should_implement_trait,
        reason = "a step is given again until it is reported"
    )]
    pub fn next(&mut self) -> Option<(Position, Step)> {
        if let Some(step) = &self.current {
            let position = self
                .frames
                .last()
                .map(|frame| frame.position(None))
                .unwrap_or_default();
            return Some((position, step.clone()));
        }
        while self.ended.is_none() {
            if let Some(found) = self.advance() {
                return Some(found);
            }
        }
        None
    }

    /// Moves on by one node or one frame.
    fn advance(&mut self) -> Option<(Position, Step)> {
        let Some(frame) = self.frames.last_mut() else {
            self.ended = Some(if self.failed { End::Failed } else { End::Done });
            return None;
        };
        if let Kind::Flush = frame.kind {
            let prefix = frame.prefix.clone();
            self.frames.pop();
            self.push_handlers(prefix);
            return None;
        }
        if let Kind::Handlers = frame.kind {
            // A handler may have notified one further down, which runs in this pass; one further up waits for
            // the next flush, as in Ansible.
            let Some(place) = self.notified.range(frame.next..).next().copied() else {
                self.frames.pop();
                return None;
            };
            self.notified.remove(&place);
            frame.next = place + 1;
            let position = frame.position(None);
            let step = Step::Handler(self.handlers[place].clone());
            self.current = Some(step.clone());
            return Some((position, step));
        }
        let Some(node) = frame.nodes.get(frame.next).cloned() else {
            self.leave();
            return None;
        };
        frame.next += 1;
        let step = match node {
            Node::Block(block) => {
                let prefix = frame.position(Some(BLOCK));
                let nodes = block.block.clone();
                self.frames
                    .push(Frame::new(Kind::Block(block), &nodes, prefix));
                return None;
            }
            Node::Task(task) => Step::Task(task),
            Node::RoleDone(role) => Step::RoleDone(role),
        };
        let position = frame.position(None);
        self.current = Some(step.clone());
        Some((position, step))
    }

    /// Leaves a frame whose nodes are used up.
    fn leave(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        match frame.kind {
            Kind::Block(block) | Kind::Rescue(block) => {
                self.enter_always(&block, frame.prefix, false)
            }
            Kind::Always(true) => {
                let behind = self.frames.clone();
                self.unwind(Some(behind));
            }
            _ => {}
        }
    }

    fn enter_always(&mut self, block: &Arc<Block>, mut prefix: Position, failing: bool) {
        if block.always.is_empty() {
            if failing {
                self.fail();
            }
            return;
        }
        if let Some(part) = prefix.last_mut() {
            *part = ALWAYS;
        }
        let frame = Frame::new(Kind::Always(failing), &block.always, prefix);
        self.frames.push(frame);
    }

    /// Fails the step of the innermost frame.
    fn fail(&mut self) {
        let behind = self.frames_behind_failure();
        self.unwind(behind);
    }

    /// Unwinds until something takes the failure; `behind` it the walk would go on, were it forgotten.
    fn unwind(&mut self, behind: Option<Vec<Frame>>) {
        let mut flush = None;
        let mut in_flush = false;
        let outer = self.frames.len().saturating_sub(1);
        while let Some(frame) = self.frames.pop() {
            self.left_block = self.frames.len() < outer;
            match frame.kind {
                // Those at the end of a section stand at its top.
                Kind::Handlers => in_flush |= frame.prefix.len() == 1,
                // Where hosts that did not fail run their handlers, too.
                Kind::Flush => flush = flush.or(Some(frame.prefix)),
                Kind::Block(block) if self.rescues(&block) => {
                    let mut prefix = frame.prefix;
                    if let Some(part) = prefix.last_mut() {
                        *part = RESCUE;
                    }
                    let nodes = block.rescue.clone();
                    self.frames
                        .push(Frame::new(Kind::Rescue(block), &nodes, prefix));
                    return;
                }
                Kind::Block(block) | Kind::Rescue(block) if !block.always.is_empty() => {
                    self.enter_always(&block, frame.prefix, true);
                    return;
                }
                _ => {}
            }
        }
        self.failed = true;
        self.behind_failure = behind;
        // A handler that fails at the end of a section is the host's last, as in Ansible.
        if self.force_handlers && !in_flush && !self.notified.is_empty() {
            self.push_handlers(flush.unwrap_or_default());
        }
    }

    /// What is left to do behind the innermost nested block, or the include, in which a step failed; none in a section
    /// of the play itself, nor in a block that stands there, as in Ansible.
    fn frames_behind_failure(&self) -> Option<Vec<Frame>> {
        let (failing, around) = self.frames.split_last()?;
        let is_nested = around.last().is_some_and(|frame| frame.prefix.len() > 1);
        let is_included = matches!(failing.kind, Kind::Plain) && failing.prefix.len() > 1;
        (is_nested || is_included).then(|| around.to_vec())
    }

    fn push_handlers(&mut self, prefix: Position) {
        self.names.clear();
        if self.notified.is_empty() {
            return;
        }
        self.frames.push(Frame::new(Kind::Handlers, &[], prefix));
    }

    /// Says how the step went and moves on. Gives true if the failure goes to a rescue.
    pub fn report(&mut self, outcome: Outcome) -> bool {
        self.current = None;
        self.left_block = false;
        let nodes = std::mem::take(&mut self.included);
        let flush = std::mem::take(&mut self.flush);
        if outcome == Outcome::Failed {
            let rescued = self.has_rescue();
            self.fail();
            return rescued;
        }
        let position = self
            .frames
            .last()
            .map(|frame| frame.position(None))
            .unwrap_or_default();
        if !nodes.is_empty() {
            self.frames
                .push(Frame::new(Kind::Plain, &nodes, position.clone()));
        }
        if flush {
            self.push_handlers(position);
        }
        false
    }

    /// Whether a failure led out of the innermost block of the last step, and something else takes it. Until the walk goes
    /// on, ansible-core takes no further failure of others for this host's.
    pub fn has_left_block(&self) -> bool {
        self.left_block && !self.failed
    }

    /// Whether the host failed, and nothing took it: what it does now are handlers that run all the same.
    pub fn has_failed(&self) -> bool {
        self.failed
    }

    fn has_rescue(&self) -> bool {
        self.frames
            .iter()
            .any(|frame| matches!(&frame.kind, Kind::Block(block) if self.rescues(block)))
    }

    /// Puts the tasks of an include behind the current step; call before [`Walk::report`].
    pub fn include(&mut self, nodes: Vec<Node>, handlers: Vec<Arc<Handler>>) {
        self.included.extend(nodes);
        for handler in handlers {
            let same = |other: &Arc<Handler>| other.task.span == handler.task.span;
            // The role may have come before with other parameters: the last one counts, and stands last.
            let known = self.handlers.iter().rposition(same);
            let is_notified = known.is_some_and(|known| self.forget_handler(known));
            if is_notified {
                self.notified.insert(self.handlers.len());
            }
            self.handlers.push(handler);
        }
    }

    /// Takes a handler out of the list. Gives true if it was notified.
    fn forget_handler(&mut self, at: usize) -> bool {
        self.handlers.remove(at);
        let is_notified = self.notified.remove(&at);
        let moved = |place: &usize| place - usize::from(*place > at);
        self.notified = self.notified.iter().map(moved).collect();
        for frame in &mut self.frames {
            if matches!(frame.kind, Kind::Handlers) && frame.next > at {
                frame.next -= 1;
            }
        }
        is_notified
    }

    /// All handlers of this host, included ones too, to find those that a `notify` means.
    ///
    /// Of several handlers with one name the last is meant; of a topic that is listened to, all.
    pub fn handlers(&self) -> &[Arc<Handler>] {
        &self.handlers
    }

    /// Notes that a handler (by its place in [`Walk::handlers`]) was notified. Gives false if it already was.
    pub fn notify(&mut self, handler: usize) -> bool {
        handler < self.handlers.len() && self.notified.insert(handler)
    }

    /// Notes a name that was notified. Which handlers it means is decided anew when handlers are included before they run.
    pub fn notify_name(&mut self, name: String) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// The names that were notified since handlers last ran.
    pub fn notified_names(&self) -> &[String] {
        &self.names
    }

    /// Forgets that handlers were notified.
    pub fn take_back(&mut self, handlers: &[Arc<Handler>]) {
        let known = &self.handlers;
        let is_meant = |place: usize| {
            let mut spans = handlers.iter().map(|handler| &handler.task.span);
            spans.any(|span| *span == known[place].task.span)
        };
        self.notified.retain(|place| !is_meant(*place));
    }

    /// The handlers that are to run, each with its place in [`Walk::handlers`].
    pub fn notified(&self) -> impl Iterator<Item = (usize, &Arc<Handler>)> {
        self.notified.iter().map(|at| (*at, &self.handlers[*at]))
    }

    /// Runs notified handlers after the current step (`meta: flush_handlers`); call before [`Walk::report`].
    pub fn flush_handlers(&mut self) {
        self.flush = true;
    }

    /// Leaves the play (`end_host`, `end_play`, `end_batch`).
    pub fn end_host(&mut self) {
        self.current = None;
        self.frames.clear();
        self.ended = Some(End::Done);
    }

    /// Leaves the role of the current step (`end_role`): what is left of its tasks is not done.
    pub fn end_role(&mut self) {
        let role = match &self.current {
            Some(Step::Task(task)) => task.role.clone(),
            _ => None,
        };
        let Some(role) = role else {
            return;
        };
        self.current = None;
        let is_end = |node: &Node| matches!(node, Node::RoleDone(done) if Arc::ptr_eq(done, &role));
        while let Some(frame) = self.frames.last_mut() {
            let rest = &frame.nodes[frame.next.min(frame.nodes.len())..];
            if let Some(at) = rest.iter().position(is_end) {
                frame.next += at;
                return;
            }
            self.frames.pop();
        }
    }

    /// Forgets failures (`clear_host_errors`): behind an `always` part that runs for one, the host goes on. Gives true
    /// if a walk that had ended goes on.
    pub fn clear_errors(&mut self) -> bool {
        self.failed = false;
        for frame in &mut self.frames {
            if let Kind::Always(failing) = &mut frame.kind {
                *failing = false;
            }
        }
        match self.behind_failure.take() {
            Some(frames) if self.ended == Some(End::Failed) => {
                self.frames = frames;
                self.ended = None;
                true
            }
            _ => false,
        }
    }

    /// True if a failure of the current step would go to a rescue.
    pub fn would_be_rescued(&self) -> bool {
        self.has_rescue()
    }

    /// True while the host is in a rescue part.
    pub fn in_rescue(&self) -> bool {
        self.frames
            .iter()
            .any(|frame| matches!(frame.kind, Kind::Rescue(_)))
    }

    /// True after a failure: in a rescue, or in an `always` behind which the failure goes on.
    pub fn is_recovering(&self) -> bool {
        let after = |frame: &Frame| matches!(frame.kind, Kind::Rescue(_) | Kind::Always(true));
        self.frames.iter().any(after)
    }

    /// True in what a handler included.
    pub fn is_in_handlers(&self) -> bool {
        let handlers = |frame: &Frame| matches!(frame.kind, Kind::Handlers);
        self.frames.iter().any(handlers)
    }

    /// How it ended, or none while it goes on.
    pub fn end(&self) -> Option<End> {
        self.ended
    }
}

#[cfg(test)]
mod tests;
