//! What one kind of object does: made, read, changed, removed. Objects are JSON here.

use std::{path::Path, time::Duration};

use hyper::Method;
use serde_json::Value as Json;
use strata_core::{
    BoxFuture, Diagnostic, Diagnostics,
    provider::{Effect, Progress},
};

use super::session::Session;
use crate::client::{ClientError, Params};

/// A call's surroundings.
pub(crate) struct Work<'a> {
    pub(crate) session: &'a Session,
    pub(crate) progress: &'a Progress,
    /// Marks what is created until it is complete.
    pub(crate) marker: &'a str,
    /// Where relative paths begin.
    pub(crate) directory: &'a std::path::Path,
}

impl Work<'_> {
    pub(crate) fn note(&self, text: &str) {
        self.progress.note(text);
    }

    /// Makes a change and waits until it is done, with notes of what is under way.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        params: &Params,
        limit: Duration,
    ) -> Result<Json, ClientError> {
        let notes = |text: &str| self.note(text);
        let client = &self.session.client;
        client.change(method, path, params, limit, &notes).await
    }

    pub(crate) async fn post(&self, path: &str, params: &Params) -> Result<Json, ClientError> {
        let notes = |text: &str| self.note(text);
        self.session.post(path, params, &notes).await
    }

    pub(crate) async fn put(&self, path: &str, params: &Params) -> Result<Json, ClientError> {
        let notes = |text: &str| self.note(text);
        self.session.put(path, params, &notes).await
    }

    /// Deletes; what is not there is fine.
    pub(crate) async fn delete(&self, path: &str, params: &Params) -> Result<(), ClientError> {
        let notes = |text: &str| self.note(text);
        self.session.delete(path, params, &notes).await
    }
}

/// Why something was not done.
pub(crate) type Outcome<T> = Result<T, Box<Failure>>;

/// A failure, and whether an object is there all the same.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) diagnostic: Diagnostic,
    /// True if something was made and is there.
    pub(crate) made: bool,
}

impl Failure {
    pub(crate) fn new(diagnostic: Diagnostic) -> Box<Self> {
        Box::new(Self {
            diagnostic,
            made: false,
        })
    }

    /// The same with the object half made.
    pub(crate) fn half_made(mut self: Box<Self>) -> Box<Self> {
        self.made = true;
        self
    }
}

/// Says what was not done when a call fails.
pub(crate) trait Doing<T> {
    fn doing(self, summary: impl FnOnce() -> String) -> Outcome<T>;
}

impl<T> Doing<T> for Result<T, ClientError> {
    fn doing(self, summary: impl FnOnce() -> String) -> Outcome<T> {
        self.map_err(|error| Failure::new(error.diagnostic(summary())))
    }
}

/// A plan that a kind may still change.
pub(crate) struct Planned<'a> {
    pub(crate) session: Option<&'a Session>,
    pub(crate) prior: Option<&'a Json>,
    /// The object as it shall be; null where only apply can tell.
    pub(crate) planned: &'a Json,
    /// Computed attributes that apply will tell anew; `BLOCK.MEMBER` for those of each block of a list.
    pub(crate) reopen: Vec<&'static str>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) warnings: Diagnostics,
    /// True if the difference means nothing to the platform.
    pub(crate) nothing: bool,
    /// True if what an object is made of is another, although its arguments are the same.
    pub(crate) changed: bool,
    /// Where relative paths begin.
    pub(crate) directory: Option<&'a std::path::Path>,
    /// Attributes that must be made anew although the facts do not say so.
    pub(crate) replace: Vec<&'static str>,
    /// Attributes that need not be made anew although the facts say so.
    pub(crate) keep: Vec<&'static str>,
    /// The configuration, without what is computed; none where one kind asks another.
    pub(crate) said: Option<&'a Json>,
}

impl<'a> Planned<'a> {
    /// A plan of which nothing is said yet.
    pub(crate) fn new(
        session: Option<&'a Session>,
        prior: Option<&'a Json>,
        planned: &'a Json,
        directory: Option<&'a Path>,
    ) -> Self {
        Self {
            session,
            prior,
            planned,
            reopen: Vec::new(),
            effects: Vec::new(),
            warnings: Diagnostics::new(),
            nothing: false,
            changed: false,
            directory,
            replace: Vec::new(),
            keep: Vec::new(),
            said: None,
        }
    }
}

/// One kind of object.
pub(crate) trait Kind: Send + Sync {
    /// One of its names.
    fn name(&self) -> &'static str;

    /// What messages call it.
    fn noun(&self) -> &'static str;

    /// Arguments that are there but refused if set.
    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    /// Arguments that say which object it is, beyond those of the facts: another value is another object.
    fn naming(&self) -> &'static [&'static str] {
        &[]
    }

    /// Checks a configuration beyond its schema.
    fn validate(&self, _config: &Json, _diags: &mut Diagnostics) {}

    /// Looks at a plan; may ask the platform, changes nothing there.
    fn plan<'a>(&'a self, _planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Makes it; fills in what is computed.
    fn create<'a>(&'a self, work: &'a Work<'a>, object: &'a mut Json)
    -> BoxFuture<'a, Outcome<()>>;

    /// Reads it; false if it is not there.
    fn read<'a>(&'a self, work: &'a Work<'a>, object: &'a mut Json)
    -> BoxFuture<'a, Outcome<bool>>;

    /// Changes it. Of some kinds each argument makes another, or says how we go about it: there is nothing to do.
    fn update<'a>(
        &'a self,
        _work: &'a Work<'a>,
        _prior: &'a Json,
        _object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async { Ok(()) })
    }

    /// Removes it; what is gone already is fine.
    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>>;

    /// True if an update makes whole what a create left half made.
    fn continues(&self) -> bool {
        false
    }

    /// The attributes that an import id gives; the rest is read.
    fn import(&self, id: &str) -> Result<Json, String>;

    /// Fills in the rest of an imported object after it was read.
    fn imported(&self, _object: &mut Json) {}

    /// Takes from the configuration what the planned object does not tell: which values somebody wrote.
    fn hear(&self, _object: &mut Json, _said: &Json) {}

    /// Looks for what a create without an answer left: none, or the object and whether it is ours.
    fn find<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(async move { Ok(self.read(work, object).await?.then_some(false)) })
    }
}
