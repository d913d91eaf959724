//! A platform in memory: named things, a log of what was done, and faults on request.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use strata_core::provider::{Progress, Provider};

use crate::provider::TestProvider;

/// A platform; clones are the same one.
#[derive(Clone, Default)]
pub struct Platform(Arc<Mutex<Model>>);

/// One object of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing {
    /// What the platform calls it.
    pub id: String,
    /// Can change in place.
    pub size: i64,
    /// Chosen by the platform, where configuration does not say.
    pub kind: String,
    /// Who made it.
    pub marker: String,
    /// False if making it was broken off.
    pub complete: bool,
}

/// What a provider does on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A thing is made.
    Create,
    /// A thing is changed.
    Update,
    /// A thing is deleted.
    Delete,
    /// A thing is read.
    Read,
    /// A data source is read.
    ReadData,
    /// A change is planned.
    Plan,
    /// A thing is taken over; the name is its id.
    Import,
    /// A thing is looked for after a crash.
    Find,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused, and nothing happens.
    Refused,
    /// It fails on the way: what is there then is not complete.
    HalfDone,
    /// It never answers, and nothing happens.
    Hangs,
    /// It is done, but never answers.
    DoneThenHangs,
}

/// Called when the crash comes.
type OnCrash = Arc<dyn Fn() + Send + Sync>;

/// Called when a call begins to hang.
type OnHang = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Model {
    things: BTreeMap<String, Thing>,
    log: Vec<String>,
    next: u32,
    faults: BTreeMap<(Operation, String), Fault>,
    points: usize,
    crash: Option<(usize, OnCrash)>,
    on_hang: Option<OnHang>,
    turns: usize,
    load: Load,
}

/// How much a platform has to do at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// How many calls it answers now.
    pub calls: usize,
    /// How many operations it works on, which their callers only wait for.
    pub operations: usize,
    /// The most calls it had to answer at once.
    pub most_calls: usize,
    /// The most operations it worked on at once.
    pub most_operations: usize,
}

impl Platform {
    /// An empty platform.
    pub fn new() -> Self {
        Self::default()
    }

    /// The provider `test` (address `example.com/test/test`) on it, with the resource and data source `test_thing`.
    pub fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(TestProvider::new(self.clone()))
    }

    /// Everything that is there, by name.
    pub fn things(&self) -> BTreeMap<String, Thing> {
        self.model().things.clone()
    }

    /// Puts a thing there behind everybody's back, or takes it away.
    pub fn set(&self, name: &str, thing: Option<Thing>) {
        match thing {
            Some(thing) => self.model().things.insert(name.to_owned(), thing),
            None => self.model().things.remove(name),
        };
    }

    /// What was done since the log was taken, in order.
    pub fn log(&self) -> Vec<String> {
        self.model().log.clone()
    }

    /// Takes the log, which begins anew.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.model().log)
    }

    /// Makes the next operation of this kind on this name go wrong.
    pub fn fail(&self, operation: Operation, name: &str, fault: Fault) {
        self.model()
            .faults
            .insert((operation, name.to_owned()), fault);
    }

    /// Lets nothing go wrong any more.
    pub fn forget_faults(&self) {
        self.model().faults.clear();
    }

    /// Tells when a call begins to hang.
    pub fn on_hang(&self, tell: impl Fn() + Send + Sync + 'static) {
        self.model().on_hang = Some(Arc::new(tell));
    }

    /// Never ends.
    pub(crate) async fn hang(&self) {
        let tell = self.model().on_hang.clone();
        if let Some(tell) = tell {
            tell();
        }
        std::future::pending::<()>().await;
    }

    /// From the given moment on no call gives an answer; `on_crash` is told when it comes.
    ///
    /// Each change has two moments, one before and one after it takes place; they count from 0.
    pub fn crash_at(&self, moment: usize, on_crash: impl Fn() + Send + Sync + 'static) {
        let mut model = self.model();
        model.points = 0;
        model.crash = Some((moment, Arc::new(on_crash)));
    }

    /// Lets calls be answered again; true if the crash had come.
    pub fn recover(&self) -> bool {
        let mut model = self.model();
        let crash = model.crash.take();
        crash.is_some_and(|(moment, _)| model.points > moment)
    }

    /// From now on each change begins an operation, which takes so many turns of others and is waited for.
    pub fn work_for(&self, turns: usize) {
        self.model().turns = turns;
    }

    /// How much there was to do at once so far.
    pub fn load(&self) -> Load {
        self.model().load
    }

    /// Answers a call.
    pub(crate) async fn answer<T>(&self, call: impl Future<Output = T>) -> T {
        self.weigh(|load| load.calls += 1);
        let answer = call.await;
        self.weigh(|load| load.calls -= 1);
        answer
    }

    /// Works on what a call has begun, while its caller only waits.
    pub(crate) async fn work(&self, progress: &Progress) {
        let turns = self.model().turns;
        if turns == 0 {
            return;
        }
        self.weigh(|load| load.calls -= 1);
        let working = async {
            self.weigh(|load| load.operations += 1);
            for _ in 0..turns {
                turn().await;
            }
            self.weigh(|load| load.operations -= 1);
        };
        progress.wait(working).await;
        self.weigh(|load| load.calls += 1);
    }

    fn weigh(&self, change: impl FnOnce(&mut Load)) {
        let load = &mut self.model().load;
        change(load);
        load.most_calls = load.most_calls.max(load.calls);
        load.most_operations = load.most_operations.max(load.operations);
    }

    /// One moment: others get their turn, and the crash may come.
    pub(crate) async fn moment(&self) {
        turn().await;
        if self.is_crashing() {
            std::future::pending::<()>().await;
        }
    }

    fn is_crashing(&self) -> bool {
        let mut model = self.model();
        let now = model.points;
        model.points += 1;
        let Some((at, on_crash)) = model.crash.clone() else {
            return false;
        };
        drop(model);
        if now == at {
            on_crash();
        }
        now >= at
    }

    pub(crate) fn fault(&self, operation: Operation, name: &str) -> Option<Fault> {
        self.model().faults.remove(&(operation, name.to_owned()))
    }

    pub(crate) fn note(&self, operation: Operation, name: &str) {
        let verb = match operation {
            Operation::Create => "create",
            Operation::Update => "update",
            Operation::Delete => "delete",
            Operation::Read
            | Operation::ReadData
            | Operation::Plan
            | Operation::Import
            | Operation::Find => return,
        };
        self.model().log.push(format!("{verb} {name}"));
    }

    pub(crate) fn tell(&self, line: String) {
        self.model().log.push(line);
    }

    pub(crate) fn new_id(&self) -> String {
        let mut model = self.model();
        model.next += 1;
        format!("id-{}", model.next)
    }

    fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets others have their turn.
async fn turn() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
