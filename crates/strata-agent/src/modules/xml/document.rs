//! A document of XML in memory: read, changed, written as libxml2 writes it.
//!
//! Names stay as they are written, with their prefixes; what a prefix means is looked up when it is asked for.

/// The number of a node in its document.
pub(super) type NodeId = usize;

/// What stands in a document.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Element {
        name: String,
        attributes: Vec<(String, String)>,
        children: Vec<NodeId>,
    },
    Text(String),
    Data(String),
    Comment(String),
    Instruction(String),
}

#[derive(Clone, Debug)]
struct Node {
    parent: Option<NodeId>,
    kind: Kind,
}

/// A document: its root, and what stands around it.
#[derive(Clone, Debug)]
pub(super) struct Document {
    nodes: Vec<Node>,
    doctype: Option<String>,
    before: Vec<NodeId>,
    pub(super) root: NodeId,
    after: Vec<NodeId>,
}

impl Document {
    /// Puts the parts of a parsed text together.
    pub(super) fn new(root: Kind) -> Document {
        Document {
            nodes: vec![Node {
                parent: None,
                kind: root,
            }],
            doctype: None,
            before: Vec::new(),
            root: 0,
            after: Vec::new(),
        }
    }

    pub(super) fn set_doctype(&mut self, text: &str) {
        self.doctype = Some(text.to_owned());
    }

    /// Adds a comment or an instruction beside the root.
    pub(super) fn add_beside(&mut self, kind: Kind, is_before: bool) {
        let id = self.add(kind);
        match is_before {
            true => self.before.push(id),
            false => self.after.push(id),
        }
    }

    /// Makes a node that stands nowhere yet.
    pub(super) fn add(&mut self, kind: Kind) -> NodeId {
        self.nodes.push(Node { parent: None, kind });
        self.nodes.len() - 1
    }

    /// An element without attributes that stands nowhere yet.
    pub(super) fn element(&mut self, name: &str) -> NodeId {
        self.add(Kind::Element {
            name: name.to_owned(),
            attributes: Vec::new(),
            children: Vec::new(),
        })
    }

    pub(super) fn kind(&self, id: NodeId) -> &Kind {
        &self.nodes[id].kind
    }

    pub(super) fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.nodes[id].parent
    }

    pub(super) fn children(&self, id: NodeId) -> &[NodeId] {
        match &self.nodes[id].kind {
            Kind::Element { children, .. } => children,
            _ => &[],
        }
    }

    fn children_mut(&mut self, id: NodeId) -> Option<&mut Vec<NodeId>> {
        match &mut self.nodes[id].kind {
            Kind::Element { children, .. } => Some(children),
            _ => None,
        }
    }

    /// The name of an element.
    pub(super) fn name(&self, id: NodeId) -> Option<&str> {
        match &self.nodes[id].kind {
            Kind::Element { name, .. } => Some(name),
            _ => None,
        }
    }

    pub(super) fn rename(&mut self, id: NodeId, new: &str) {
        if let Kind::Element { name, .. } = &mut self.nodes[id].kind {
            *name = new.to_owned();
        }
    }

    pub(super) fn attributes(&self, id: NodeId) -> &[(String, String)] {
        match &self.nodes[id].kind {
            Kind::Element { attributes, .. } => attributes,
            _ => &[],
        }
    }

    pub(super) fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        let mut all = self.attributes(id).iter();
        all.find(|(one, _)| one == name)
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn set_attribute(&mut self, id: NodeId, name: &str, value: &str) {
        let Kind::Element { attributes, .. } = &mut self.nodes[id].kind else {
            return;
        };
        match attributes.iter_mut().find(|(one, _)| one == name) {
            Some((_, old)) => *old = value.to_owned(),
            None => attributes.push((name.to_owned(), value.to_owned())),
        }
    }

    pub(super) fn remove_attribute(&mut self, id: NodeId, name: &str) {
        if let Kind::Element { attributes, .. } = &mut self.nodes[id].kind {
            attributes.retain(|(one, _)| one != name);
        }
    }

    fn is_text(&self, id: NodeId) -> bool {
        matches!(self.nodes[id].kind, Kind::Text(_) | Kind::Data(_))
    }

    /// What stands in an element that is no text.
    pub(super) fn inner(&self, id: NodeId) -> Vec<NodeId> {
        let children = self.children(id).iter().copied();
        children.filter(|child| !self.is_text(*child)).collect()
    }

    /// The text of an element before anything else in it.
    pub(super) fn text(&self, id: NodeId) -> Option<String> {
        let begin = self.children(id).iter();
        let begin: Vec<NodeId> = begin
            .copied()
            .take_while(|child| self.is_text(*child))
            .collect();
        let text: String = begin.iter().map(|child| self.content(*child)).collect();
        (!begin.is_empty()).then_some(text)
    }

    fn content(&self, id: NodeId) -> &str {
        match &self.nodes[id].kind {
            Kind::Text(text) | Kind::Data(text) => text,
            _ => "",
        }
    }

    /// All text below, as XPath takes an element for a text.
    pub(super) fn string(&self, id: NodeId) -> String {
        let mut text = String::new();
        let mut rest = vec![id];
        while let Some(next) = rest.pop() {
            text.push_str(self.content(next));
            rest.extend(self.children(next).iter().rev());
        }
        text
    }

    /// Puts another text in place of the first one.
    pub(super) fn set_text(&mut self, id: NodeId, text: &str) {
        let count = self
            .children(id)
            .iter()
            .take_while(|child| self.is_text(**child))
            .count();
        let new = self.add(Kind::Text(text.to_owned()));
        self.nodes[new].parent = Some(id);
        if let Some(children) = self.children_mut(id) {
            children.splice(..count, [new]);
        }
    }

    /// Adds a node at the end of an element.
    pub(super) fn append(&mut self, parent: NodeId, child: NodeId) {
        self.nodes[child].parent = Some(parent);
        if let Some(children) = self.children_mut(parent) {
            children.push(child);
        }
    }

    /// Puts a node before another, or behind it and the text that follows that.
    pub(super) fn insert_beside(&mut self, place: NodeId, new: NodeId, is_behind: bool) {
        let Some(parent) = self.nodes[place].parent else {
            return;
        };
        let siblings = self.children(parent);
        let at = siblings.iter().position(|one| *one == place).unwrap_or(0);
        let at = match is_behind {
            true => at + 1 + self.tail(parent, at).len(),
            false => at,
        };
        self.nodes[new].parent = Some(parent);
        if let Some(children) = self.children_mut(parent) {
            children.insert(at, new);
        }
    }

    /// The text that follows a child.
    fn tail(&self, parent: NodeId, at: usize) -> Vec<NodeId> {
        let behind = self.children(parent)[at + 1..].iter().copied();
        behind.take_while(|child| self.is_text(*child)).collect()
    }

    /// Takes a node out, with the text that follows it.
    pub(super) fn remove(&mut self, id: NodeId) {
        let Some(parent) = self.nodes[id].parent.take() else {
            return;
        };
        let Some(at) = self.children(parent).iter().position(|one| *one == id) else {
            return;
        };
        let end = at + 1 + self.tail(parent, at).len();
        if let Some(children) = self.children_mut(parent) {
            children.drain(at..end);
        }
    }

    /// Takes out texts of blanks alone, in elements that hold others.
    pub(super) fn remove_blanks(&mut self) {
        for id in 0..self.nodes.len() {
            let blank =
                |child: &NodeId| self.is_text(*child) && self.content(*child).trim().is_empty();
            let children = self.children(id);
            let is_mixed = children
                .iter()
                .any(|child| self.is_text(*child) && !blank(child));
            if is_mixed || self.inner(id).is_empty() {
                continue;
            }
            let kept: Vec<NodeId> = children
                .iter()
                .copied()
                .filter(|child| !blank(child))
                .collect();
            if let Some(children) = self.children_mut(id) {
                *children = kept;
            }
        }
    }

    /// What a prefix stands for where a node is; an empty prefix for the default.
    pub(super) fn namespace(&self, id: NodeId, prefix: &str) -> Option<&str> {
        let name = match prefix {
            "" => "xmlns".to_owned(),
            prefix => format!("xmlns:{prefix}"),
        };
        let mut at = Some(id);
        while let Some(id) = at {
            if let Some(uri) = self.attribute(id, &name) {
                return Some(uri).filter(|uri| !uri.is_empty());
            }
            at = self.nodes[id].parent;
        }
        None
    }

    /// A prefix that stands for a namespace where a node is.
    pub(super) fn prefix(&self, id: NodeId, uri: &str, may_be_empty: bool) -> Option<String> {
        let mut at = Some(id);
        while let Some(id) = at {
            for (name, value) in self.attributes(id) {
                let prefix = name
                    .strip_prefix("xmlns:")
                    .or((name == "xmlns").then_some(""));
                let fits = prefix.filter(|prefix| may_be_empty || !prefix.is_empty());
                if let Some(prefix) = fits.filter(|_| value == uri) {
                    return Some(prefix.to_owned());
                }
            }
            at = self.nodes[id].parent;
        }
        None
    }

    /// The whole, with its declaration.
    pub(super) fn write(&self, pretty: bool) -> String {
        let mut text = "<?xml version='1.0' encoding='UTF-8'?>\n".to_owned();
        if let Some(doctype) = &self.doctype {
            text.push_str(&format!("{doctype}\n"));
        }
        for id in &self.before {
            self.write_node(*id, None, &mut text);
            text.push('\n');
        }
        self.write_node(self.root, pretty.then_some(0), &mut text);
        for id in &self.after {
            text.push('\n');
            self.write_node(*id, None, &mut text);
        }
        if pretty {
            text.push('\n');
        }
        text
    }

    /// One node as it is written; `depth` where it stands on a line of its own.
    pub(super) fn write_node(&self, id: NodeId, depth: Option<usize>, to: &mut String) {
        match &self.nodes[id].kind {
            Kind::Text(text) => to.push_str(&escape(text, false)),
            Kind::Data(text) => to.push_str(&format!("<![CDATA[{text}]]>")),
            Kind::Comment(text) => to.push_str(&format!("<!--{text}-->")),
            Kind::Instruction(text) => to.push_str(&format!("<?{text}?>")),
            Kind::Element {
                name,
                attributes,
                children,
            } => {
                to.push_str(&format!("<{name}"));
                for (name, value) in attributes {
                    to.push_str(&format!(" {name}=\"{}\"", escape(value, true)));
                }
                if children.is_empty() {
                    to.push_str("/>");
                    return;
                }
                to.push('>');
                // Where a text stands among others, blanks would be part of it.
                let is_mixed = children.iter().any(|child| self.is_text(*child));
                let depth = depth.filter(|_| !is_mixed);
                for child in children {
                    indent(depth.map(|depth| depth + 1), to);
                    self.write_node(*child, depth.map(|depth| depth + 1), to);
                }
                indent(depth, to);
                to.push_str(&format!("</{name}>"));
            }
        }
    }
}

fn indent(depth: Option<usize>, to: &mut String) {
    if let Some(depth) = depth {
        to.push('\n');
        to.push_str(&"  ".repeat(depth));
    }
}

fn escape(text: &str, is_attribute: bool) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' if is_attribute => escaped.push_str("&quot;"),
            '\n' if is_attribute => escaped.push_str("&#10;"),
            '\t' if is_attribute => escaped.push_str("&#9;"),
            '\r' => escaped.push_str("&#13;"),
            c => escaped.push(c),
        }
    }
    escaped
}
