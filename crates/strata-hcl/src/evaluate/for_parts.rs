//! A large `for` on several threads.
//!
//! Only where its body speaks of nothing but variables of `for` expressions: then no element sees what becomes of
//! another. Each thread takes elements that stand side by side, and what they make is put together in their order: the
//! result, and the first mistake, are those of one thread.

use std::{
    num::NonZero,
    ops::Range,
    panic,
    sync::Arc,
    thread::{self, available_parallelism},
};

use strata_core::{Diagnostics, Source, Value};

use crate::{
    scope::EmptyScope,
    syntax::node::{For, Node, NodeKind, StepKind, TemplatePart},
};

use super::{Evaluator, for_expression::Made};

/// Fewer elements are done sooner than a thread has begun.
const MANY: usize = 16_384;

/// More threads than these wait for memory.
const MOST_THREADS: usize = 4;

/// As much as the main thread mostly has: expressions nest as deep here as there.
const STACK: usize = 8 << 20;

impl Evaluator<'_> {
    /// What a `for` makes of its elements, on several threads; none where one thread must do.
    pub(super) fn in_parts(
        &mut self,
        inner: &For,
        collection: &Value,
        count: usize,
    ) -> Option<Made> {
        if count < MANY || !self.is_apart(inner) {
            return None;
        }
        let threads = available_parallelism().map_or(1, NonZero::get);
        let threads = threads.min(MOST_THREADS);
        if threads < 2 {
            return None;
        }
        let size = count.div_ceil(threads);
        let part = |at: usize| at * size..((at + 1) * size).min(count);
        let (source, bound) = (self.source, &*self.bound);
        let work = &|at: usize| done(inner, collection, part(at), source, bound);
        let parts = thread::scope(|scope| {
            let begun: Vec<_> = (1..threads)
                .map(|at| {
                    let thread = thread::Builder::new().stack_size(STACK);
                    thread.spawn_scoped(scope, move || work(at))
                })
                .collect();
            let mut parts = vec![work(0)];
            for (at, begun) in (1..).zip(begun) {
                parts.push(match begun.map(thread::ScopedJoinHandle::join) {
                    Ok(Ok(done)) => done,
                    Ok(Err(panicked)) => panic::resume_unwind(panicked),
                    // Where there are no threads to be had, it is done here.
                    Err(_) => work(at),
                });
            }
            parts
        });
        Some(self.together(parts))
    }

    /// Puts parts together, up to the first with a mistake.
    fn together(&mut self, parts: Vec<(Made, Diagnostics)>) -> Made {
        let mut all = Made::default();
        for (made, diags) in parts {
            all.append(made);
            if !diags.is_empty() {
                self.diags.append(diags);
                break;
            }
        }
        all
    }

    /// True if what a `for` does with an element asks for nothing but what is bound.
    fn is_apart(&self, inner: &For) -> bool {
        let bound = self.bound.iter().map(|(name, _)| &**name);
        let own = inner.key_name.iter().chain([&inner.value_name]);
        let names: Vec<&str> = bound.chain(own.map(|name| &*name.text)).collect();
        let mut parts = inner
            .key
            .iter()
            .chain(&inner.condition)
            .chain([&inner.value]);
        parts.all(|part| is_of(part, &names))
    }
}

/// What some elements become, and what is wrong with the first that is mistaken.
fn done(
    inner: &For,
    collection: &Value,
    elements: Range<usize>,
    source: &Arc<Source>,
    bound: &[(Arc<str>, Value)],
) -> (Made, Diagnostics) {
    let mut diags = Diagnostics::new();
    let mut made = Made::with_room(inner, elements.len());
    let mut evaluator = Evaluator {
        scope: &EmptyScope,
        source,
        bound: bound.to_vec(),
        template_text: String::new(),
        diags: &mut diags,
    };
    evaluator.rounds(inner, collection, elements, &mut made);
    (made, diags)
}

/// True if a node is made of constants and these variables alone.
fn is_of(node: &Node, names: &[&str]) -> bool {
    match &node.kind {
        NodeKind::Literal(_) => true,
        NodeKind::Variable(name) => names.contains(&&**name),
        NodeKind::Access(of, steps) => {
            let mut steps = steps.iter();
            is_of(of, names)
                && steps.all(|step| match &step.kind {
                    StepKind::Index(key) => is_of(key, names),
                    StepKind::Attribute(_) | StepKind::Splat | StepKind::AttributeSplat => true,
                })
        }
        NodeKind::Template(parts) => parts.iter().all(|part| match part {
            TemplatePart::Text(_) => true,
            TemplatePart::Interpolation(inner) => is_of(inner, names),
            TemplatePart::If(_) | TemplatePart::For(_) => false,
        }),
        NodeKind::Tuple(items) => items.iter().all(|item| is_of(item, names)),
        NodeKind::Object(items) => items
            .iter()
            .all(|item| is_of(&item.key, names) && is_of(&item.value, names)),
        NodeKind::Conditional(inner) => [&inner.condition, &inner.then, &inner.otherwise]
            .into_iter()
            .all(|part| is_of(part, names)),
        NodeKind::Binary(first, rest) => {
            is_of(first, names) && rest.iter().all(|next| is_of(&next.right, names))
        }
        NodeKind::Unary(_, inner) | NodeKind::Parentheses(inner) => is_of(inner, names),
        NodeKind::For(_) | NodeKind::Call(_) | NodeKind::Error => false,
    }
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;
    use crate::{Environment, Reference, Resolved, Scope, evaluate, parse_expression};

    /// `all` are many numbers, `one` of them is something else.
    struct Many(Value);

    impl Scope for Many {
        fn resolve(&self, reference: &Reference<'_>, _: &mut Diagnostics) -> Option<Resolved> {
            (reference.root == "all").then(|| Resolved::new(self.0.clone(), 0))
        }

        fn environment(&self) -> Environment<'_> {
            Environment::none()
        }
    }

    fn many(replaced: &[(usize, Value)]) -> Many {
        let mut all: Vec<Value> = (0..MANY as i64 * 2).map(Value::from).collect();
        for (at, value) in replaced {
            all[*at] = value.clone();
        }
        Many(Value::tuple(all))
    }

    fn evaluated(text: &str, scope: &Many) -> (Value, Vec<String>) {
        let mut diags = Diagnostics::new();
        let source = Arc::new(Source::new("console", text));
        let expression = parse_expression(&source, &mut diags);
        let value = evaluate(&expression, scope, &mut diags);
        let found = diags.iter();
        (value, found.map(|found| found.detail.clone()).collect())
    }

    /// `E` is an element; a call around it keeps all on one thread.
    fn same_on_one_thread(text: &str, scope: &Many) -> (Value, Vec<String>) {
        let on_several = evaluated(&text.replace('E', "e"), scope);
        let on_one = evaluated(&text.replace('E', "one([e])"), scope);
        assert_eq!(on_several.0, on_one.0, "{text}");
        assert_eq!(on_several.1.len(), on_one.1.len(), "{text}");
        on_several
    }

    #[test]
    fn several_threads_make_what_one_makes() {
        for text in [
            "[for e in all : E + 1]",
            "{for e in all : \"k${E}\" => { n = E, t = \"${E}!\" }}",
            "[for e in all : E % 2 == 0 ? [E] : [0] if E > 3]",
            "{for e in all : E % 7 => E...}",
        ] {
            let (value, wrong) = same_on_one_thread(text, &many(&[]));
            assert!(
                value.is_wholly_known() && wrong.is_empty(),
                "{text} {wrong:?}"
            );
        }
    }

    #[test]
    fn of_many_mistakes_the_first_is_told() {
        let wrong = |text: &str| Value::from(text);
        let scope = many(&[
            (20_000, wrong("b")),
            (19_999, wrong("a")),
            (5, Value::Bool(true)),
        ]);
        let (_, found) = same_on_one_thread("[for e in all : E + 1 if E != true]", &scope);
        assert_eq!(found.len(), 1, "{found:?}");
        let scope = many(&[(MANY * 2 - 1, wrong("b")), (MANY, wrong("a"))]);
        let (_, found) = same_on_one_thread("{for e in all : E => -E}", &scope);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[test]
    fn what_is_unknown_or_secret_for_one_element_is_so_for_all() {
        let scope = many(&[(MANY + 5, Value::unknown(Type::Number))]);
        let (value, _) = same_on_one_thread("{for e in all : \"${E}\" => E}", &scope);
        assert!(!value.is_known());
        let scope = many(&[(MANY + 5, Value::from("s").sensitive())]);
        let (value, _) = same_on_one_thread("{for e in all : E => 1}", &scope);
        assert!(!value.marks().is_none());
    }

    #[test]
    fn keys_that_are_there_twice_are_found_across_threads() {
        let scope = many(&[(MANY * 2 - 1, Value::from(0))]);
        let (_, found) = same_on_one_thread("{for e in all : E => E}", &scope);
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
