//! Which properties of a `.tftest.json` file are blocks.

use strata_hcl::Shape;

static EMPTY: Shape = Shape(&[], &[]);
/// What a played provider holds, in a test file or in a file of its own.
pub(super) static MOCK: Shape = Shape(
    &[
        ("mock_resource", 1, &EMPTY),
        ("mock_data", 1, &EMPTY),
        ("override_resource", 0, &EMPTY),
        ("override_data", 0, &EMPTY),
    ],
    &[],
);
static RUN: Shape = Shape(
    &[
        ("variables", 0, &EMPTY),
        ("assert", 0, &EMPTY),
        ("module", 0, &EMPTY),
        ("plan_options", 0, &EMPTY),
        ("override_resource", 0, &EMPTY),
        ("override_data", 0, &EMPTY),
        ("override_module", 0, &EMPTY),
    ],
    &[],
);

/// What a test file holds.
pub(super) static FILE: Shape = Shape(
    &[
        ("run", 1, &RUN),
        ("variables", 0, &EMPTY),
        ("provider", 1, Shape::dynamic()),
        ("mock_provider", 1, &MOCK),
        ("override_resource", 0, &EMPTY),
        ("override_data", 0, &EMPTY),
        ("override_module", 0, &EMPTY),
    ],
    &[],
);
