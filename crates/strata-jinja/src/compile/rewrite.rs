//! Rewrites a syntax tree so that operations mean what they mean in Ansible.
//!
//! Trees of minijinja cannot be changed in place, so this copies them.

use minijinja::{
    Value,
    machinery::{
        Span,
        ast::{self, BinOpKind, CallArg, Expr, Spanned, Stmt},
    },
};

use super::macros;

/// The filter that takes an attribute.
pub(crate) const ATTRIBUTE: &str = "__strata_attribute";
/// The filter that takes an item.
pub(crate) const ITEM: &str = "__strata_item";
/// The filter behind `~`.
pub(crate) const CONCATENATE: &str = "__strata_concatenate";
/// The filter behind `%`.
pub(crate) const REMAINDER: &str = "__strata_remainder";
/// The filter behind `+`.
pub(crate) const ADD: &str = "__strata_add";

/// The filter behind `-`.
pub(crate) const SUBTRACT: &str = "__strata_subtract";

/// The filter behind `*`.
pub(crate) const MULTIPLY: &str = "__strata_multiply";

/// The filter behind `in`.
pub(crate) const CONTAINED: &str = "__strata_contained";
/// The filter behind `==` beside a list that is written there: only such a one may hold what is undefined.
pub(crate) const EQUAL: &str = "__strata_equal";

/// The filter behind `-` before a value.
pub(crate) const NEGATE: &str = "__strata_negate";

/// The filter behind `[a:b:c]`.
pub(crate) const SLICE: &str = "__strata_slice";

/// The filters behind comparisons.
pub(crate) const LESS: &str = "__strata_less";
pub(crate) const LESS_OR_EQUAL: &str = "__strata_less_or_equal";
pub(crate) const GREATER: &str = "__strata_greater";
pub(crate) const GREATER_OR_EQUAL: &str = "__strata_greater_or_equal";
/// The filter behind `include`.
pub(crate) const INCLUDE: &str = "__strata_include";
/// The filter that renders a literal in a condition.
pub(crate) const RENDER: &str = "__strata_render";
/// The filter behind what is assigned and looped over, which the template may go on to change.
pub(crate) const CHANGING: &str = "__strata_changing";
/// The filter that refuses nothing where there must be a list.
pub(crate) const ITERABLE: &str = "__strata_iterable";
/// The filters that go through what they are given, and fail in Ansible where that is nothing.
const ITERATING: &[&str] = &[
    "batch",
    "combinations",
    "difference",
    "flatten",
    "groupby",
    "intersect",
    "join",
    "list",
    "permutations",
    "product",
    "reverse",
    "slice",
    "sort",
    "subelements",
    "sum",
    "symmetric_difference",
    "union",
    "unique",
    "zip",
    "zip_longest",
];
/// The filter that refuses an undefined argument, which a filter would take for one that was not given.
pub(crate) const DEFINED: &str = "__strata_defined";

/// The filter behind all filters that a template names, but those that do something with what is undefined.
pub(crate) const CALL: &str = "__strata_call";
/// Those: what is undefined comes to nothing in any other, so that a `default` at the end stands in for all before it.
const TAKING_UNDEFINED: &[&str] = &["d", "default", "mandatory", "ternary", "type_debug"];

/// The function that begins to count what a block puts out.
pub(crate) const CAPTURE: &str = "__strata_capture";
/// The filter that ends it: what was put out is a value, not a text, where it was nothing but that.
pub(crate) const CAPTURED: &str = "__strata_captured";

/// Functions that would take an undefined argument for one that was not given.
const NEEDING_ARGUMENTS: &[&str] = &["cycler", "joiner", "lipsum", "range"];

/// What is called without a variable of its name.
const MADE_BY_THE_ENGINE: &[&str] = &["super", "loop", "caller"];

/// The filter behind those in what a filter may choose: its mistake counts only where it does.
pub(crate) const ATTEMPT: &str = "__strata_attempt";
/// The filter behind lookups there.
pub(crate) const ATTEMPT_CALL: &str = "__strata_attempt_call";
/// The filter behind such filters there.
pub(crate) const ATTEMPT_CHOICE: &str = "__strata_attempt_choice";
/// The filter behind variables there.
pub(crate) const ATTEMPT_NAME: &str = "__strata_attempt_name";
/// The filters that may leave their arguments alone: what stands in for something undefined, what is not chosen.
const CHOOSING: &[&str] = &["d", "default", "ternary"];
/// The functions that fail for what is missing on the machine.
const LOOKUPS: &[&str] = &["lookup", "q", "query"];

/// The filter behind all tests that a template names, but those that ask for what is undefined.
pub(crate) const TEST: &str = "__strata_test";
/// Those.
const ASKING_WHETHER_DEFINED: &[&str] = &["defined", "undefined"];

/// Rewrites a statement.
pub(crate) fn statement<'a>(tree: &Stmt<'a>) -> Stmt<'a> {
    match tree {
        Stmt::Template(node) => Stmt::Template(Spanned::new(
            ast::Template {
                children: body(&node.children),
            },
            node.span(),
        )),
        Stmt::EmitExpr(node) => Stmt::EmitExpr(Spanned::new(
            ast::EmitExpr {
                expr: expression(&node.expr),
            },
            node.span(),
        )),
        Stmt::EmitRaw(node) => {
            Stmt::EmitRaw(Spanned::new(ast::EmitRaw { raw: node.raw }, node.span()))
        }
        Stmt::ForLoop(node) => Stmt::ForLoop(Spanned::new(for_loop(node), node.span())),
        Stmt::IfCond(node) => Stmt::IfCond(Spanned::new(
            ast::IfCond {
                expr: expression(&node.expr),
                true_body: body(&node.true_body),
                false_body: body(&node.false_body),
            },
            node.span(),
        )),
        Stmt::WithBlock(node) => Stmt::WithBlock(Spanned::new(
            ast::WithBlock {
                assignments: node
                    .assignments
                    .iter()
                    .map(|(name, value)| (target(name), changing(expression(value))))
                    .collect(),
                body: body(&node.body),
            },
            node.span(),
        )),
        Stmt::Set(node) => Stmt::Set(Spanned::new(
            ast::Set {
                target: target(&node.target),
                expr: changing(expression(&node.expr)),
            },
            node.span(),
        )),
        Stmt::SetBlock(node) => Stmt::SetBlock(Spanned::new(
            ast::SetBlock {
                target: target(&node.target),
                filter: Some(over_captured(node.filter.as_ref(), node.span())),
                body: captured_body(&node.body, node.span()),
            },
            node.span(),
        )),
        Stmt::AutoEscape(node) => Stmt::AutoEscape(Spanned::new(
            ast::AutoEscape {
                enabled: expression(&node.enabled),
                body: body(&node.body),
            },
            node.span(),
        )),
        Stmt::FilterBlock(node) => Stmt::FilterBlock(Spanned::new(
            ast::FilterBlock {
                filter: over_captured(Some(&node.filter), node.span()),
                body: captured_body(&node.body, node.span()),
            },
            node.span(),
        )),
        Stmt::Continue(node) => Stmt::Continue(Spanned::new(ast::Continue, node.span())),
        Stmt::Break(node) => Stmt::Break(Spanned::new(ast::Break, node.span())),
        Stmt::Do(node) => Stmt::Do(Spanned::new(
            ast::Do {
                call: spanned_call(&node.call),
            },
            node.span(),
        )),
        _ => structure(tree),
    }
}

/// Statements that make macros and join templates.
fn structure<'a>(tree: &Stmt<'a>) -> Stmt<'a> {
    match tree {
        Stmt::Block(node) => Stmt::Block(Spanned::new(
            ast::Block {
                name: node.name,
                required: node.required,
                body: body(&node.body),
            },
            node.span(),
        )),
        Stmt::Import(node) => Stmt::Import(Spanned::new(
            ast::Import {
                expr: expression(&node.expr),
                name: target(&node.name),
            },
            node.span(),
        )),
        Stmt::FromImport(node) => Stmt::FromImport(Spanned::new(
            ast::FromImport {
                expr: expression(&node.expr),
                names: node
                    .names
                    .iter()
                    .map(|(name, alias)| (target(name), alias.as_ref().map(target)))
                    .collect(),
            },
            node.span(),
        )),
        Stmt::Extends(node) => Stmt::Extends(Spanned::new(
            ast::Extends {
                name: expression(&node.name),
            },
            node.span(),
        )),
        Stmt::Include(node) => {
            let missing = constant(Value::from(node.ignore_missing), node.span());
            let included = filter(INCLUDE, expression(&node.name), missing, node.span());
            Stmt::EmitExpr(Spanned::new(ast::EmitExpr { expr: included }, node.span()))
        }
        Stmt::CallBlock(node) => Stmt::CallBlock(Spanned::new(
            ast::CallBlock {
                call: spanned_call(&node.call),
                macro_decl: macros::spanned_macro(&node.macro_decl, Vec::new()),
            },
            node.span(),
        )),
        _ => unreachable!("`statement` takes all others, and `body` macros"),
    }
}

/// The filters of a block over what it puts out, as [`CAPTURED`] gives it.
fn over_captured<'a>(tree: Option<&Expr<'a>>, span: Span) -> Expr<'a> {
    match tree {
        Some(Expr::Filter(node)) => {
            let before = over_captured(node.expr.as_ref(), node.span());
            Expr::Filter(Spanned::new(filter_of(node, Some(before)), node.span()))
        }
        _ => Expr::Filter(Spanned::new(
            ast::Filter {
                name: CAPTURED,
                expr: None,
                args: Vec::new(),
            },
            span,
        )),
    }
}

/// The statements of a block whose filter begins with [`CAPTURED`].
fn captured_body<'a>(statements: &[Stmt<'a>], span: Span) -> Vec<Stmt<'a>> {
    let begin = ast::Call {
        expr: Expr::Var(Spanned::new(ast::Var { id: CAPTURE }, span)),
        args: Vec::new(),
    };
    let call = Spanned::new(begin, span);
    let mut all = vec![Stmt::Do(Spanned::new(ast::Do { call }, span))];
    all.extend(body(statements));
    all
}

pub(super) fn body<'a>(statements: &[Stmt<'a>]) -> Vec<Stmt<'a>> {
    let mut all = Vec::with_capacity(statements.len());
    for tree in statements {
        match tree {
            Stmt::Macro(node) => all.extend(macros::statements(node)),
            tree => all.push(statement(tree)),
        }
    }
    all
}

fn for_loop<'a>(node: &ast::ForLoop<'a>) -> ast::ForLoop<'a> {
    ast::ForLoop {
        target: target(&node.target),
        iter: changing(bare_filter(ITERABLE, expression(&node.iter))),
        filter_expr: node.filter_expr.as_ref().map(expression),
        recursive: node.recursive,
        body: body(&node.body),
        else_body: body(&node.else_body),
    }
}

fn spanned_call<'a>(node: &Spanned<ast::Call<'a>>) -> Spanned<ast::Call<'a>> {
    Spanned::new(
        ast::Call {
            expr: callee(&node.expr),
            args: match &node.expr {
                Expr::Var(callee) if NEEDING_ARGUMENTS.contains(&callee.id) => {
                    arguments(&node.args).into_iter().map(defined).collect()
                }
                _ => arguments(&node.args),
            },
        },
        node.span(),
    )
}

/// A call, which of a name that is not defined gives what the name does: nothing, so that a `default` may follow.
fn call<'a>(node: &Spanned<ast::Call<'a>>) -> Expr<'a> {
    let call = Expr::Call(spanned_call(node));
    let name = match &node.expr {
        Expr::Var(name) if !MADE_BY_THE_ENGINE.contains(&name.id) => &node.expr,
        Expr::GetAttr(method) if matches!(method.expr, Expr::Var(_)) => &method.expr,
        _ => return call,
    };
    if_defined(name, call, expression(name), node.span())
}

/// One value if a name is defined, and else another.
pub(super) fn if_defined<'a>(
    name: &Expr<'a>,
    value: Expr<'a>,
    other: Expr<'a>,
    span: Span,
) -> Expr<'a> {
    let test = ast::Test {
        name: "defined",
        expr: expression(name),
        args: Vec::new(),
    };
    Expr::IfExpr(Spanned::new(
        ast::IfExpr {
            test_expr: Expr::Test(Spanned::new(test, span)),
            true_expr: value,
            false_expr: Some(other),
        },
        span,
    ))
}

/// What is called: a method keeps its attribute, else it could not be told from a value.
fn callee<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::GetAttr(node) => Expr::GetAttr(Spanned::new(
            ast::GetAttr {
                expr: expression(&node.expr),
                name: node.name,
            },
            node.span(),
        )),
        _ => expression(tree),
    }
}

/// What is assigned to: names, tuples of names, attributes of namespaces; nothing to rewrite.
pub(super) fn target<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::GetAttr(node) => Expr::GetAttr(Spanned::new(
            ast::GetAttr {
                expr: target(&node.expr),
                name: node.name,
            },
            node.span(),
        )),
        Expr::List(node) => Expr::List(Spanned::new(
            ast::List {
                items: node.items.iter().map(target).collect(),
            },
            node.span(),
        )),
        Expr::Tuple(node) => Expr::Tuple(Spanned::new(
            ast::Tuple {
                items: node.items.iter().map(target).collect(),
            },
            node.span(),
        )),
        _ => expression(tree),
    }
}

/// Rewrites an expression.
pub(crate) fn expression<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::Var(node) => Expr::Var(Spanned::new(ast::Var { id: node.id }, node.span())),
        Expr::Const(node) => constant(node.value.clone(), node.span()),
        Expr::Slice(node) => slice(node),
        Expr::UnaryOp(node) => match node.op {
            ast::UnaryOpKind::Neg => bare_filter(NEGATE, expression(&node.expr)),
            ast::UnaryOpKind::Not => Expr::UnaryOp(Spanned::new(
                ast::UnaryOp {
                    op: ast::UnaryOpKind::Not,
                    expr: expression(&node.expr),
                },
                node.span(),
            )),
        },
        Expr::BinOp(node) => binary(node),
        Expr::Compare(node) => Expr::Compare(Spanned::new(
            ast::Compare {
                expr: expression(&node.expr),
                ops: node
                    .ops
                    .iter()
                    .map(|part| ast::CompareOp {
                        op: part.op,
                        expr: expression(&part.expr),
                    })
                    .collect(),
            },
            node.span(),
        )),
        Expr::IfExpr(node) => Expr::IfExpr(Spanned::new(
            ast::IfExpr {
                test_expr: expression(&node.test_expr),
                true_expr: expression(&node.true_expr),
                false_expr: node.false_expr.as_ref().map(expression),
            },
            node.span(),
        )),
        Expr::Filter(node) => Expr::Filter(Spanned::new(named_filter(node), node.span())),
        Expr::Test(node) if !is_one_of(node.name, ASKING_WHETHER_DEFINED) => {
            Expr::Filter(Spanned::new(named_test(node), node.span()))
        }
        Expr::Test(node) => Expr::Test(Spanned::new(
            ast::Test {
                name: node.name,
                expr: expression(&node.expr),
                args: arguments(&node.args).into_iter().map(defined).collect(),
            },
            node.span(),
        )),
        _ => access(tree),
    }
}

fn slice<'a>(node: &Spanned<ast::Slice<'a>>) -> Expr<'a> {
    let part = |part: &Option<Expr<'a>>| {
        let part = part.as_ref().map(expression);
        CallArg::Pos(part.unwrap_or_else(|| constant(Value::from(()), node.span())))
    };
    Expr::Filter(Spanned::new(
        ast::Filter {
            name: SLICE,
            expr: Some(expression(&node.expr)),
            args: vec![part(&node.start), part(&node.stop), part(&node.step)],
        },
        node.span(),
    ))
}

fn named_filter<'a>(node: &Spanned<ast::Filter<'a>>) -> ast::Filter<'a> {
    filter_of(node, node.expr.as_ref().map(expression))
}

/// A filter that a template names, of a value that is rewritten already.
fn filter_of<'a>(node: &Spanned<ast::Filter<'a>>, value: Option<Expr<'a>>) -> ast::Filter<'a> {
    if is_one_of(node.name, CHOOSING) {
        return ast::Filter {
            name: node.name,
            expr: value,
            args: each_argument(&node.args, attempted),
        };
    }
    let mut args = arguments(&node.args);
    if value.is_none() || is_one_of(node.name, TAKING_UNDEFINED) {
        return ast::Filter {
            name: node.name,
            expr: value,
            args,
        };
    }
    let name: String = node.name.split_ascii_whitespace().collect();
    args.insert(0, CallArg::Pos(constant(Value::from(name), node.span())));
    let iterating = is_one_of(node.name, ITERATING);
    ast::Filter {
        name: CALL,
        expr: value.map(|value| match iterating {
            true => bare_filter(ITERABLE, value),
            false => value,
        }),
        args,
    }
}

/// What a filter may choose: a filter, lookup or variable in it that fails makes a mistake of it that counts only if it
/// is chosen, as in ansible-core 2.19.
fn attempted<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::Var(node) => {
            let name = constant(Value::from(node.id), node.span());
            // The branch that is never taken tells a macro that it needs the variable.
            Expr::IfExpr(Spanned::new(
                ast::IfExpr {
                    test_expr: constant(Value::from(true), node.span()),
                    true_expr: bare_filter(ATTEMPT_NAME, name),
                    false_expr: Some(expression(tree)),
                },
                node.span(),
            ))
        }
        Expr::Filter(node) => {
            let mut filter = named_filter(node);
            if let (CALL, Some(value)) = (filter.name, &node.expr) {
                filter.name = ATTEMPT;
                if !is_one_of(node.name, ITERATING) {
                    filter.expr = Some(attempted(value));
                }
            } else if let (true, Some(value)) = (is_one_of(node.name, CHOOSING), &node.expr) {
                let name = constant(Value::from(filter.name), node.span());
                filter.name = ATTEMPT_CHOICE;
                filter.expr = Some(attempted(value));
                filter.args.insert(0, CallArg::Pos(name));
            }
            Expr::Filter(Spanned::new(filter, node.span()))
        }
        Expr::Call(node) => match &node.expr {
            Expr::Var(callee) if LOOKUPS.contains(&callee.id) => Expr::Filter(Spanned::new(
                ast::Filter {
                    name: ATTEMPT_CALL,
                    expr: Some(expression(&node.expr)),
                    args: arguments(&node.args),
                },
                node.span(),
            )),
            _ => expression(tree),
        },
        Expr::IfExpr(node) => Expr::IfExpr(Spanned::new(
            ast::IfExpr {
                test_expr: expression(&node.test_expr),
                true_expr: attempted(&node.true_expr),
                false_expr: node.false_expr.as_ref().map(attempted),
            },
            node.span(),
        )),
        _ => expression(tree),
    }
}

fn named_test<'a>(node: &Spanned<ast::Test<'a>>) -> ast::Filter<'a> {
    let mut args = arguments(&node.args);
    let name: String = node.name.split_ascii_whitespace().collect();
    args.insert(0, CallArg::Pos(constant(Value::from(name), node.span())));
    ast::Filter {
        name: TEST,
        expr: Some(expression(&node.expr)),
        args,
    }
}

fn access<'a>(tree: &Expr<'a>) -> Expr<'a> {
    match tree {
        Expr::GetAttr(node) => {
            let name = constant(Value::from(node.name), node.span());
            filter(ATTRIBUTE, expression(&node.expr), name, node.span())
        }
        Expr::GetItem(node) => {
            let key = expression(&node.subscript_expr);
            filter(ITEM, expression(&node.expr), key, node.span())
        }
        Expr::Call(node) => call(node),
        Expr::List(node) => Expr::List(Spanned::new(
            ast::List {
                items: node.items.iter().map(expression).collect(),
            },
            node.span(),
        )),
        Expr::Tuple(node) => Expr::Tuple(Spanned::new(
            ast::Tuple {
                items: node.items.iter().map(expression).collect(),
            },
            node.span(),
        )),
        Expr::Map(node) => Expr::Map(Spanned::new(
            ast::Map {
                keys: node.keys.iter().map(expression).collect(),
                values: node.values.iter().map(expression).collect(),
            },
            node.span(),
        )),
        _ => unreachable!("`expression` takes all others"),
    }
}

fn binary<'a>(node: &Spanned<ast::BinOp<'a>>) -> Expr<'a> {
    let left = expression(&node.left);
    let right = expression(&node.right);
    let name = match node.op {
        BinOpKind::Concat => CONCATENATE,
        BinOpKind::Rem => REMAINDER,
        BinOpKind::Add => ADD,
        BinOpKind::Sub => SUBTRACT,
        BinOpKind::Mul => MULTIPLY,
        BinOpKind::Lt => LESS,
        BinOpKind::Lte => LESS_OR_EQUAL,
        BinOpKind::Gt => GREATER,
        BinOpKind::Gte => GREATER_OR_EQUAL,
        BinOpKind::In => CONTAINED,
        BinOpKind::Eq if is_list(&node.left) || is_list(&node.right) => EQUAL,
        op => return Expr::BinOp(Spanned::new(ast::BinOp { op, left, right }, node.span())),
    };
    filter(name, left, right, node.span())
}

fn filter<'a>(name: &'a str, value: Expr<'a>, argument: Expr<'a>, span: Span) -> Expr<'a> {
    Expr::Filter(Spanned::new(
        ast::Filter {
            name,
            expr: Some(value),
            args: vec![CallArg::Pos(argument)],
        },
        span,
    ))
}

fn is_list(tree: &Expr<'_>) -> bool {
    matches!(tree, Expr::List(_) | Expr::Tuple(_))
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.contains(&name.strip_prefix("ansible.builtin.").unwrap_or(name))
}

/// Makes an undefined argument a mistake.
fn defined(argument: CallArg<'_>) -> CallArg<'_> {
    match argument {
        CallArg::Pos(value) => CallArg::Pos(checked(value)),
        CallArg::Kwarg(name, value) => CallArg::Kwarg(name, checked(value)),
        other => other,
    }
}

fn checked(value: Expr<'_>) -> Expr<'_> {
    if matches!(
        value,
        Expr::Const(_) | Expr::List(_) | Expr::Map(_) | Expr::Tuple(_)
    ) {
        return value;
    }
    bare_filter(DEFINED, value)
}

/// Lets the template change a list or mapping.
fn changing(value: Expr<'_>) -> Expr<'_> {
    bare_filter(CHANGING, value)
}

fn bare_filter<'a>(name: &'a str, value: Expr<'a>) -> Expr<'a> {
    let span = value.span();
    Expr::Filter(Spanned::new(
        ast::Filter {
            name,
            expr: Some(value),
            args: Vec::new(),
        },
        span,
    ))
}

fn constant<'a>(value: Value, span: Span) -> Expr<'a> {
    Expr::Const(Spanned::new(ast::Const { value }, span))
}

fn arguments<'a>(arguments: &[CallArg<'a>]) -> Vec<CallArg<'a>> {
    each_argument(arguments, expression)
}

fn each_argument<'a>(
    arguments: &[CallArg<'a>],
    rewritten: fn(&Expr<'a>) -> Expr<'a>,
) -> Vec<CallArg<'a>> {
    arguments
        .iter()
        .map(|argument| match argument {
            CallArg::Pos(value) => CallArg::Pos(rewritten(value)),
            CallArg::Kwarg(name, value) => CallArg::Kwarg(name, rewritten(value)),
            CallArg::PosSplat(value) => CallArg::PosSplat(expression(value)),
            CallArg::KwargSplat(value) => CallArg::KwargSplat(expression(value)),
        })
        .collect()
}
