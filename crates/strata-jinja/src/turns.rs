//! `cycler` and `joiner`: values that remember how often a template asked them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use minijinja::{
    Environment, Error, ErrorKind, State, Value,
    value::{Object, ObjectRepr, Rest},
};

pub(crate) fn register(environment: &mut Environment<'static>) {
    environment.add_function("cycler", cycler);
    environment.add_function("joiner", |separator: Option<String>| {
        Value::from_object(Joiner {
            separator: separator.unwrap_or_else(|| ", ".to_owned()),
            used: AtomicBool::new(false),
        })
    });
}

/// Nothing at the first call, then the separator.
#[derive(Debug)]
struct Joiner {
    separator: String,
    used: AtomicBool,
}

impl Object for Joiner {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, _: &[Value]) -> Result<Value, Error> {
        let text = match self.used.swap(true, Ordering::Relaxed) {
            true => self.separator.as_str(),
            false => "",
        };
        Ok(Value::from(text))
    }
}

/// One of several values after the other, from the beginning again.
#[derive(Debug)]
struct Cycler {
    items: Vec<Value>,
    at: AtomicUsize,
}

fn cycler(items: Rest<Value>) -> Result<Value, Error> {
    if items.is_empty() {
        let message = "at least one item has to be provided";
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    Ok(Value::from_object(Cycler {
        items: items.to_vec(),
        at: AtomicUsize::new(0),
    }))
}

impl Cycler {
    fn current(&self) -> Value {
        let at = self.at.load(Ordering::Relaxed) % self.items.len();
        self.items[at].clone()
    }
}

impl Object for Cycler {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        (key.as_str() == Some("current")).then(|| self.current())
    }

    fn call_method(
        self: &Arc<Self>,
        _: &mut State<'_, '_>,
        method: &str,
        _: &[Value],
    ) -> Result<Value, Error> {
        match method {
            "next" => {
                let current = self.current();
                self.at.fetch_add(1, Ordering::Relaxed);
                Ok(current)
            }
            "reset" => {
                self.at.store(0, Ordering::Relaxed);
                Ok(Value::from(()))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use crate::{Engine, NoSurroundings, Templar, Variable};

    #[test]
    fn they_go_on_from_call_to_call() {
        let none = Arc::new(BTreeMap::<String, Variable>::new());
        let templar = Templar::new(&Engine::new(), none, Arc::new(NoSurroundings::default()));
        let render = |text: &str| templar.render_text(text).unwrap();
        let joined =
            "{% set comma = joiner('-') %}{% for i in 'abc' %}{{ comma() }}{{ i }}{% endfor %}";
        assert_eq!(render(joined), "a-b-c");
        let turns = "{% set c = cycler('o', 'e') %}{% for i in 'abc' %}{{ c.next() }}{% endfor %}{{ c.current }}{{ c.reset() }}{{ c.current }}";
        assert_eq!(render(turns), "oeoeo");
        assert!(templar.render_text("{{ cycler() }}").is_err());
    }
}
