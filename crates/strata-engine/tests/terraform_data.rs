//! `terraform_data` from plan to state, beside what Terraform makes of the same files.

mod support;

use expect_test::expect;
use support::{World, block_on, changes};

const EVERYTHING: &str = r#"
resource "terraform_data" "a" {
  input = { x = 1, y = ["a", true], z = 12345678901234567890.125 }
}
resource "terraform_data" "b" {
  for_each         = toset(["k1", "k 2"])
  input            = sensitive("s-${each.key}")
  triggers_replace = [terraform_data.a.id]
}
resource "terraform_data" "c" {
  count      = 2
  depends_on = [terraform_data.b]
  lifecycle { create_before_destroy = true }
}
output "o" { value = terraform_data.a.output }
output "s" {
  value     = terraform_data.b["k1"].output
  sensitive = true
}
output "n" { value = null }
"#;

#[test]
fn everything_is_made_and_a_second_plan_is_empty() {
    block_on(async {
        let world = World::new(Vec::new());
        let plan = world.plan(EVERYTHING).await;
        expect![[r#"
            + terraform_data.a
            + terraform_data.b["k 2"]
            + terraform_data.b["k1"]
            + terraform_data.c[0]
            + terraform_data.c[1]
        "#]]
        .assert_eq(&changes(&plan));
        let applied = world.apply(EVERYTHING).await;
        assert_eq!(applied.counts.add, 5);
        let again = world.plan(EVERYTHING).await;
        assert_eq!(changes(&again), "");
        assert!(again.is_empty() && !again.is_applyable());
        let destroyed = world.apply("").await;
        assert_eq!(destroyed.counts.destroy, 5);
        assert!(world.state().is_empty());
    });
}
