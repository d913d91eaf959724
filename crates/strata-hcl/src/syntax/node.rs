//! The tree of an expression.
//!
//! Chains are flat: `a.b.c` is one [`NodeKind::Access`] and `1 + 2 + 3` one [`NodeKind::Binary`], so depth is only
//! what the user nests, and the parser bounds that.

use std::sync::Arc;

use strata_core::Value;

use super::{ByteRange, Name};

/// One node, with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub kind: NodeKind,
    /// Where it stands.
    pub range: ByteRange,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A number, `true`, `false`, `null`, or quoted text without interpolation.
    Literal(Value),
    /// Text with interpolations or directives, quoted or a heredoc.
    Template(Vec<TemplatePart>),
    /// The name that begins a reference, or names a variable of a `for`.
    Variable(Arc<str>),
    /// Attributes, indexes and splats applied to something, from left to right.
    Access(Box<Node>, Vec<Step>),
    /// `[a, b]`.
    Tuple(Vec<Node>),
    /// `{ a = b }`.
    Object(Vec<ObjectItem>),
    /// `[for …]` or `{for …}`.
    For(Box<For>),
    /// `condition ? then : otherwise`.
    Conditional(Box<Conditional>),
    /// Operations of one precedence, applied from left to right.
    Binary(Box<Node>, Vec<Operation>),
    /// `-a`, `!a`.
    Unary(UnaryOperator, Box<Node>),
    /// `name(arguments)`.
    Call(Box<Call>),
    /// `(a)`.
    Parentheses(Box<Node>),
    /// A mistake stands here and has been reported; evaluates to unknown.
    Error,
}

/// One step of an access.
#[derive(Clone, Debug)]
pub struct Step {
    /// Which step.
    pub kind: StepKind,
    /// Where it stands, with its dot or brackets.
    pub range: ByteRange,
}

/// Which step an access takes.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// `.name`.
    Attribute(Arc<str>),
    /// `[key]`, or the legacy `.0`.
    Index(Node),
    /// `[*]`: the steps after it apply to each element.
    Splat,
    /// `.*`: attributes and legacy indexes after it apply to each element, an index in brackets to the result.
    AttributeSplat,
}

/// One item of an object.
#[derive(Clone, Debug)]
pub struct ObjectItem {
    /// The key; a bare name is a [`NodeKind::Literal`].
    pub key: Node,
    /// True if the key is a bare name.
    pub bare: bool,
    /// The value.
    pub value: Node,
}

/// A `for` expression.
#[derive(Clone, Debug)]
pub struct For {
    /// The first name, if two are given.
    pub key_name: Option<Name>,
    /// The name of the element.
    pub value_name: Name,
    /// What is gone through.
    pub collection: Node,
    /// The key of each element; none in a tuple.
    pub key: Option<Node>,
    /// The value of each element.
    pub value: Node,
    /// True for `...`: values of one key are grouped.
    pub group: bool,
    /// What elements must fulfil.
    pub condition: Option<Node>,
}

/// A conditional expression.
#[derive(Clone, Debug)]
pub struct Conditional {
    /// What is asked.
    pub condition: Node,
    /// The value if it is true.
    pub then: Node,
    /// The value if it is false.
    pub otherwise: Node,
}

/// An operator and its right side.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The operator.
    pub operator: BinaryOperator,
    /// Where the operator stands.
    pub range: ByteRange,
    /// The right side.
    pub right: Node,
}

/// An operator between two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOperator {
    /// `||`
    Or,
    /// `&&`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// An operator before a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `!`
    Not,
}

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function's name, with `::` where it has a namespace.
    pub name: Name,
    /// The arguments.
    pub arguments: Vec<Node>,
    /// True if `...` follows the last argument.
    pub expand: bool,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub enum TemplatePart {
    /// Text as it comes out.
    Text(Arc<str>),
    /// `${…}`.
    Interpolation(Node),
    /// `%{if …}`.
    If(Box<TemplateIf>),
    /// `%{for …}`.
    For(Box<TemplateFor>),
}

/// An `if` directive.
#[derive(Clone, Debug)]
pub struct TemplateIf {
    /// What is asked.
    pub condition: Node,
    /// The parts if it is true.
    pub then: Vec<TemplatePart>,
    /// The parts if it is false.
    pub otherwise: Vec<TemplatePart>,
}

/// A `for` directive.
#[derive(Clone, Debug)]
pub struct TemplateFor {
    /// The first name, if two are given.
    pub key_name: Option<Name>,
    /// The name of the element.
    pub value_name: Name,
    /// What is gone through.
    pub collection: Node,
    /// The parts for each element.
    pub body: Vec<TemplatePart>,
}
