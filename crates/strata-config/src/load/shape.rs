//! Which properties of a `.tf.json` file are blocks.

use strata_hcl::Shape;

use super::encryption;

static EMPTY: Shape = Shape(&[], &[]);
static LIFECYCLE: Shape = Shape(
    &[("precondition", 0, &EMPTY), ("postcondition", 0, &EMPTY)],
    &[],
);
static PROVISIONER: Shape = Shape(&[("connection", 0, &EMPTY), ("lifecycle", 0, &EMPTY)], &[]);
static CONTENT: Shape = Shape(&[("content", 0, Shape::dynamic())], &[]);
static RESOURCE: Shape = Shape(
    &[
        ("lifecycle", 0, &LIFECYCLE),
        ("connection", 0, &EMPTY),
        ("provisioner", 1, &PROVISIONER),
        ("dynamic", 1, &CONTENT),
    ],
    &[],
);
static REMOVED: Shape = Shape(
    &[
        ("lifecycle", 0, &EMPTY),
        ("connection", 0, &EMPTY),
        ("provisioner", 1, &PROVISIONER),
    ],
    &[],
);
static DATA: Shape = Shape(
    &[("lifecycle", 0, &LIFECYCLE), ("dynamic", 1, &CONTENT)],
    &[],
);
static CLOUD: Shape = Shape(&[("workspaces", 0, &EMPTY)], &[]);
static TERRAFORM: Shape = Shape(
    &[
        ("required_providers", 0, &EMPTY),
        ("backend", 1, &EMPTY),
        ("cloud", 0, &CLOUD),
        ("provider_meta", 1, &EMPTY),
        ("encryption", 0, &encryption::SHAPE),
    ],
    &[],
);
static VARIABLE: Shape = Shape(
    &[("validation", 0, &EMPTY)],
    &["default", "description", "type", "deprecated"],
);
static OUTPUT: Shape = Shape(
    &[("precondition", 0, &EMPTY)],
    &["description", "deprecated"],
);
static CHECK: Shape = Shape(&[("data", 2, &DATA), ("assert", 0, &EMPTY)], &[]);
static MODULE: Shape = Shape(&[("lifecycle", 0, &EMPTY)], &[]);

/// What a configuration file holds.
pub(super) static FILE: Shape = Shape(
    &[
        ("terraform", 0, &TERRAFORM),
        ("provider", 1, Shape::dynamic()),
        ("variable", 1, &VARIABLE),
        ("locals", 0, &EMPTY),
        ("output", 1, &OUTPUT),
        ("module", 1, &MODULE),
        ("resource", 2, &RESOURCE),
        ("data", 2, &DATA),
        ("ephemeral", 2, &DATA),
        ("moved", 0, &EMPTY),
        ("removed", 0, &REMOVED),
        ("import", 0, &EMPTY),
        ("check", 1, &CHECK),
    ],
    &[],
);
