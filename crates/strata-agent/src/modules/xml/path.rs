//! Paths of XPath 1.0, as far as playbooks use them: steps along children, descendants, parents and attributes, with
//! conditions of comparisons, `and`, `or`, positions and the usual functions.

use std::collections::BTreeMap;

use super::document::{Document, Kind, NodeId};
use super::words::{Reader, Word};

/// A path, or several of which all are meant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    is_absolute: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    axis: Axis,
    test: Test,
    conditions: Vec<Expression>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Axis {
    Child,
    /// The node itself and all below.
    Below,
    Parent,
    Own,
    Attribute,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Any,
    Name(String),
    Text,
    Comment,
    Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expression {
    Paths(Vec<Path>),
    Text(String),
    Number(f64),
    Call(String, Vec<Expression>),
    Compare(Box<Expression>, String, Box<Expression>),
    Both(Box<Expression>, Box<Expression>),
    Either(Box<Expression>, Box<Expression>),
}

/// What a path leads to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    Node(NodeId),
    /// An attribute: its element and its name.
    Attribute(NodeId, String),
}

enum Value {
    Nodes(Vec<Found>),
    Text(String),
    Number(f64),
    Truth(bool),
}

/// No condition nests deeper.
const DEEPEST: usize = 50;

/// Reads a path.
pub(super) fn parse(text: &str) -> Result<Vec<Path>, String> {
    let mut reader = Reader::new(text)?;
    let paths = paths(&mut reader, 0)?;
    match reader.next() {
        None => Ok(paths),
        Some(word) => Err(format!("unexpected {word}")),
    }
}

fn paths(reader: &mut Reader, depth: usize) -> Result<Vec<Path>, String> {
    let mut all = vec![path(reader, depth)?];
    while reader.take("|") {
        all.push(path(reader, depth)?);
    }
    Ok(all)
}

fn path(reader: &mut Reader, depth: usize) -> Result<Path, String> {
    let is_absolute =
        matches!(reader.peek(), Some(Word::Sign(sign)) if sign == "/" || sign == "//");
    let mut steps = Vec::new();
    if reader.take("//") {
        steps.push(below());
    } else if reader.take("/") && !reader.begins_step() {
        return Ok(Path { is_absolute, steps });
    }
    loop {
        steps.push(step(reader, depth)?);
        if reader.take("//") {
            steps.push(below());
        } else if !reader.take("/") {
            return Ok(Path { is_absolute, steps });
        }
    }
}

fn below() -> Step {
    Step {
        axis: Axis::Below,
        test: Test::Node,
        conditions: Vec::new(),
    }
}

fn step(reader: &mut Reader, depth: usize) -> Result<Step, String> {
    if depth > DEEPEST {
        return Err("it nests too deep".to_owned());
    }
    let (axis, test) = if reader.take("..") {
        (Axis::Parent, Test::Node)
    } else if reader.take(".") {
        (Axis::Own, Test::Node)
    } else {
        let axis = axis(reader)?;
        (axis, test(reader)?)
    };
    let mut conditions = Vec::new();
    while reader.take("[") {
        conditions.push(either(reader, depth + 1)?);
        reader.expect("]")?;
    }
    Ok(Step {
        axis,
        test,
        conditions,
    })
}

fn axis(reader: &mut Reader) -> Result<Axis, String> {
    if reader.take("@") {
        return Ok(Axis::Attribute);
    }
    let Some(name) = reader.axis() else {
        return Ok(Axis::Child);
    };
    match name.as_str() {
        "child" => Ok(Axis::Child),
        "attribute" => Ok(Axis::Attribute),
        "parent" => Ok(Axis::Parent),
        "self" => Ok(Axis::Own),
        "descendant-or-self" => Ok(Axis::Below),
        name => Err(format!("the axis `{name}` is not supported by Strata")),
    }
}

fn test(reader: &mut Reader) -> Result<Test, String> {
    match reader.next() {
        Some(Word::Sign(sign)) if sign == "*" => Ok(Test::Any),
        Some(Word::Name(name)) if reader.take("(") => {
            reader.expect(")")?;
            match name.as_str() {
                "text" => Ok(Test::Text),
                "comment" => Ok(Test::Comment),
                "node" => Ok(Test::Node),
                name => Err(format!("`{name}()` is no step")),
            }
        }
        Some(Word::Name(name)) => Ok(Test::Name(name)),
        Some(word) => Err(format!("unexpected {word}")),
        None => Err("it ends too early".to_owned()),
    }
}

fn either(reader: &mut Reader, depth: usize) -> Result<Expression, String> {
    let mut left = both(reader, depth)?;
    while reader.take_name("or") {
        left = Expression::Either(Box::new(left), Box::new(both(reader, depth)?));
    }
    Ok(left)
}

fn both(reader: &mut Reader, depth: usize) -> Result<Expression, String> {
    let mut left = comparison(reader, depth)?;
    while reader.take_name("and") {
        left = Expression::Both(Box::new(left), Box::new(comparison(reader, depth)?));
    }
    Ok(left)
}

fn comparison(reader: &mut Reader, depth: usize) -> Result<Expression, String> {
    let left = operand(reader, depth)?;
    for sign in ["=", "!=", "<=", ">=", "<", ">"] {
        if reader.take(sign) {
            let right = operand(reader, depth)?;
            return Ok(Expression::Compare(
                Box::new(left),
                sign.to_owned(),
                Box::new(right),
            ));
        }
    }
    Ok(left)
}

fn operand(reader: &mut Reader, depth: usize) -> Result<Expression, String> {
    if depth > DEEPEST {
        return Err("it nests too deep".to_owned());
    }
    match reader.peek() {
        Some(Word::Text(text)) => {
            let text = Expression::Text(text.clone());
            reader.next();
            Ok(text)
        }
        Some(Word::Number(number)) => {
            let number = Expression::Number(*number);
            reader.next();
            Ok(number)
        }
        Some(Word::Sign(sign)) if sign == "(" => {
            reader.next();
            let inside = either(reader, depth + 1)?;
            reader.expect(")")?;
            Ok(inside)
        }
        _ => match reader.function() {
            Some(name) => call(name, reader, depth),
            None => Ok(Expression::Paths(paths(reader, depth + 1)?)),
        },
    }
}

/// The functions there are, with how many arguments they take at the most.
const FUNCTIONS: &[(&str, usize)] = &[
    ("contains", 2),
    ("count", 1),
    ("last", 0),
    ("local-name", 1),
    ("name", 1),
    ("normalize-space", 1),
    ("not", 1),
    ("position", 0),
    ("starts-with", 2),
    ("string", 1),
    ("string-length", 1),
];

fn call(name: String, reader: &mut Reader, depth: usize) -> Result<Expression, String> {
    let mut arguments = Vec::new();
    while !reader.take(")") {
        if !arguments.is_empty() {
            reader.expect(",")?;
        }
        arguments.push(either(reader, depth + 1)?);
    }
    let known = FUNCTIONS.iter().find(|(known, _)| *known == name);
    match known {
        Some((_, most)) if arguments.len() <= *most => Ok(Expression::Call(name, arguments)),
        Some(_) => Err(format!("`{name}()` has too many arguments")),
        None => Err(format!(
            "the function `{name}()` is not supported by Strata"
        )),
    }
}

/// Where paths are followed: a document, and what prefixes of names mean.
pub(super) struct Search<'d> {
    pub(super) document: &'d Document,
    pub(super) namespaces: &'d BTreeMap<String, String>,
}

/// Where a condition is looked at.
struct Place {
    node: Found,
    position: usize,
    last: usize,
}

impl Search<'_> {
    /// All that paths lead to, in the order of the document.
    pub(super) fn find(&self, paths: &[Path], from: NodeId) -> Vec<Found> {
        let mut all: Vec<Found> = Vec::new();
        for path in paths {
            for found in self.follow(path, &Found::Node(from)) {
                if !all.contains(&found) {
                    all.push(found);
                }
            }
        }
        all
    }

    fn follow(&self, path: &Path, from: &Found) -> Vec<Found> {
        let Some((first, rest)) = path.steps.split_first() else {
            return vec![Found::Node(self.document.root)];
        };
        let mut found = match path.is_absolute {
            true => self.at_top(first),
            false => self.step(first, from),
        };
        for step in rest {
            let mut next: Vec<Found> = Vec::new();
            for one in &found {
                for found in self.step(step, one) {
                    if !next.contains(&found) {
                        next.push(found);
                    }
                }
            }
            found = next;
        }
        found
    }

    /// The first step of an absolute path: the root is the one child of what is above it.
    fn at_top(&self, step: &Step) -> Vec<Found> {
        let root = self.document.root;
        let candidates = match step.axis {
            Axis::Child => vec![Found::Node(root)],
            // What is above the root has it as its child, too.
            Axis::Below => return self.above_and_below(root),
            _ => Vec::new(),
        };
        self.choose(step, candidates)
    }

    /// The root stands for what is above it, marked by an attribute without name.
    fn above_and_below(&self, root: NodeId) -> Vec<Found> {
        let mut all = vec![Found::Attribute(root, String::new())];
        all.extend(self.below(root));
        all
    }

    fn below(&self, id: NodeId) -> Vec<Found> {
        let mut all = Vec::new();
        let mut rest = vec![id];
        while let Some(next) = rest.pop() {
            all.push(Found::Node(next));
            rest.extend(self.document.children(next).iter().rev());
        }
        all
    }

    fn step(&self, step: &Step, from: &Found) -> Vec<Found> {
        let document = self.document;
        let candidates = match (from, step.axis) {
            (Found::Attribute(id, name), Axis::Child) if name.is_empty() => vec![Found::Node(*id)],
            (found, Axis::Own) => vec![found.clone()],
            (Found::Attribute(id, _), Axis::Parent) => vec![Found::Node(*id)],
            (Found::Attribute(..), _) => Vec::new(),
            (Found::Node(id), Axis::Child) => document
                .children(*id)
                .iter()
                .copied()
                .map(Found::Node)
                .collect(),
            (Found::Node(id), Axis::Below) => self.below(*id),
            (Found::Node(id), Axis::Parent) => {
                document.parent(*id).into_iter().map(Found::Node).collect()
            }
            (Found::Node(id), Axis::Attribute) => {
                let names = document.attributes(*id).iter().map(|(name, _)| name);
                let names = names.filter(|name| *name != "xmlns" && !name.starts_with("xmlns:"));
                names
                    .map(|name| Found::Attribute(*id, name.clone()))
                    .collect()
            }
        };
        self.choose(step, candidates)
    }

    fn choose(&self, step: &Step, candidates: Vec<Found>) -> Vec<Found> {
        let mut found: Vec<Found> = candidates
            .into_iter()
            .filter(|one| self.fits(&step.test, one))
            .collect();
        for condition in &step.conditions {
            let last = found.len();
            let places = found.into_iter().enumerate().map(|(at, node)| Place {
                node,
                position: at + 1,
                last,
            });
            let kept = places.filter(|place| self.holds(condition, place));
            found = kept.map(|place| place.node).collect();
        }
        found
    }

    fn fits(&self, test: &Test, found: &Found) -> bool {
        let (id, name) = match found {
            Found::Attribute(id, name) => (*id, name.as_str()),
            Found::Node(id) => match (test, self.document.kind(*id)) {
                (Test::Node, _)
                | (Test::Text, Kind::Text(_) | Kind::Data(_))
                | (Test::Comment, Kind::Comment(_))
                | (Test::Any, Kind::Element { .. }) => return true,
                (Test::Name(_), Kind::Element { name, .. }) => (*id, name.as_str()),
                _ => return false,
            },
        };
        match test {
            Test::Name(wanted) => {
                let is_attribute = matches!(found, Found::Attribute(..));
                self.is_named(id, name, wanted, is_attribute)
            }
            Test::Any | Test::Node => true,
            Test::Text | Test::Comment => false,
        }
    }

    /// Whether a name of the document is that of a path; prefixes count by what they stand for.
    fn is_named(&self, id: NodeId, name: &str, wanted: &str, is_attribute: bool) -> bool {
        let parts = |name: &str| match name.split_once(':') {
            Some((prefix, local)) => (prefix.to_owned(), local.to_owned()),
            None => (String::new(), name.to_owned()),
        };
        let ((prefix, local), (wanted_prefix, wanted)) = (parts(name), parts(wanted));
        let uri = match prefix.is_empty() && is_attribute {
            true => None,
            false => self.document.namespace(id, &prefix),
        };
        let wanted_uri = self.namespaces.get(&wanted_prefix).map(String::as_str);
        let wanted_uri = wanted_uri.filter(|_| !wanted_prefix.is_empty());
        local == wanted && uri == wanted_uri
    }

    fn holds(&self, condition: &Expression, place: &Place) -> bool {
        match self.value(condition, place) {
            Value::Number(number) => number == place.position as f64,
            value => truth(&value),
        }
    }

    fn value(&self, expression: &Expression, place: &Place) -> Value {
        match expression {
            Expression::Text(text) => Value::Text(text.clone()),
            Expression::Number(number) => Value::Number(*number),
            Expression::Both(left, right) => {
                let holds = |side: &Expression| truth(&self.value(side, place));
                Value::Truth(holds(left) && holds(right))
            }
            Expression::Either(left, right) => {
                let holds = |side: &Expression| truth(&self.value(side, place));
                Value::Truth(holds(left) || holds(right))
            }
            Expression::Compare(left, sign, right) => {
                let (left, right) = (self.value(left, place), self.value(right, place));
                Value::Truth(self.compare(&left, sign, &right))
            }
            Expression::Call(name, arguments) => self.call(name, arguments, place),
            Expression::Paths(paths) => {
                let found = paths.iter().flat_map(|path| self.follow(path, &place.node));
                Value::Nodes(found.collect())
            }
        }
    }

    fn call(&self, name: &str, arguments: &[Expression], place: &Place) -> Value {
        let value = |at: usize| {
            arguments
                .get(at)
                .map(|argument| self.value(argument, place))
        };
        let own = || Value::Nodes(vec![place.node.clone()]);
        let text = |at: usize| self.text(&value(at).unwrap_or_else(own));
        match name {
            "position" => Value::Number(place.position as f64),
            "last" => Value::Number(place.last as f64),
            "not" => Value::Truth(!value(0).is_some_and(|value| truth(&value))),
            "count" => Value::Number(match value(0) {
                Some(Value::Nodes(nodes)) => nodes.len() as f64,
                _ => 0.0,
            }),
            "contains" => Value::Truth(text(0).contains(&text(1))),
            "starts-with" => Value::Truth(text(0).starts_with(&text(1))),
            "normalize-space" => {
                Value::Text(text(0).split_whitespace().collect::<Vec<_>>().join(" "))
            }
            "string-length" => Value::Number(text(0).chars().count() as f64),
            "name" | "local-name" => {
                let nodes = match value(0).unwrap_or_else(own) {
                    Value::Nodes(nodes) => nodes,
                    _ => Vec::new(),
                };
                let whole = nodes
                    .first()
                    .map(|node| self.name(node))
                    .unwrap_or_default();
                let local = whole.rsplit(':').next().unwrap_or_default().to_owned();
                Value::Text(if name == "name" { whole } else { local })
            }
            _ => Value::Text(text(0)),
        }
    }

    fn name(&self, found: &Found) -> String {
        match found {
            Found::Node(id) => self.document.name(*id).unwrap_or_default().to_owned(),
            Found::Attribute(_, name) => name.clone(),
        }
    }

    /// What something found is as a text.
    pub(super) fn string(&self, found: &Found) -> String {
        match found {
            Found::Node(id) => self.document.string(*id),
            Found::Attribute(id, name) => self
                .document
                .attribute(*id, name)
                .unwrap_or_default()
                .to_owned(),
        }
    }

    fn text(&self, value: &Value) -> String {
        match value {
            Value::Nodes(nodes) => nodes
                .first()
                .map(|node| self.string(node))
                .unwrap_or_default(),
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
        }
    }

    /// Of several nodes one is enough.
    fn compare(&self, left: &Value, sign: &str, right: &Value) -> bool {
        let texts = |value: &Value| match value {
            Value::Nodes(nodes) => nodes.iter().map(|node| self.string(node)).collect(),
            value => vec![self.text(value)],
        };
        let is_number = |value: &Value| matches!(value, Value::Number(_));
        let by_number = is_number(left) || is_number(right) || !matches!(sign, "=" | "!=");
        let number = |text: &String| text.trim().parse::<f64>().unwrap_or(f64::NAN);
        let (left, right): (Vec<String>, Vec<String>) = (texts(left), texts(right));
        left.iter().any(|left| {
            right.iter().any(|right| match (by_number, sign) {
                (false, "=") => left == right,
                (false, _) => left != right,
                (true, "=") => number(left) == number(right),
                (true, "!=") => number(left) != number(right),
                (true, "<") => number(left) < number(right),
                (true, "<=") => number(left) <= number(right),
                (true, ">") => number(left) > number(right),
                (true, _) => number(left) >= number(right),
            })
        })
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Nodes(nodes) => !nodes.is_empty(),
        Value::Text(text) => !text.is_empty(),
        Value::Number(number) => *number != 0.0 && !number.is_nan(),
        Value::Truth(truth) => *truth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEERS: &str = "<bar><name>Foo</name><beers><beer id=\"1\">Rochefort</beer><beer id=\"2\">St. Bernardus\
        </beer></beers><p:site xmlns:p=\"urn:p\" p:x=\"y\"><!-- c --></p:site></bar>";

    fn check(path: &str, expected: &str) {
        let document = super::super::parse::parse(BEERS).unwrap();
        let namespaces = BTreeMap::from([("q".to_owned(), "urn:p".to_owned())]);
        let search = Search {
            document: &document,
            namespaces: &namespaces,
        };
        let found = search.find(&parse(path).unwrap(), document.root);
        let texts: Vec<String> = found.iter().map(|found| search.string(found)).collect();
        assert_eq!(texts.join("|"), expected, "{path}");
    }

    #[test]
    fn paths_lead_to_elements_attributes_and_texts() {
        check("/bar/name", "Foo");
        check("/bar/beers/beer", "Rochefort|St. Bernardus");
        check("//beer[2]", "St. Bernardus");
        check("//beer[last()]/@id", "2");
        check("/bar/beers/beer[@id='1']", "Rochefort");
        check(
            "//beer[text()='Rochefort' and @id=1]/../beer[2]",
            "St. Bernardus",
        );
        check(
            "//beer[contains(., 'Bern') or starts-with(., 'X')]",
            "St. Bernardus",
        );
        check("/bar/beers[count(beer)=2]/beer[not(@id='2')]", "Rochefort");
        check("//q:site/@q:x", "y");
        check("//site", "");
        check("name | beers/beer[1]", "Foo|Rochefort");
        check("//*[local-name()='site']/comment()", "");
        check("/none/x", "");
    }

    #[test]
    fn what_is_no_path_is_told() {
        let check = |path: &str, why: &str| assert_eq!(parse(path).unwrap_err(), why);
        check("/a[", "it ends too early");
        check("/a[@b='1]", "a text is not closed");
        check(
            "/a[translate(b)]",
            "the function `translate()` is not supported by Strata",
        );
        check("/a]", "unexpected `]`");
        assert!(parse(&"(".repeat(500)).is_err());
        assert!(parse(&format!("a{}", "[a".repeat(500))).is_err());
    }
}
