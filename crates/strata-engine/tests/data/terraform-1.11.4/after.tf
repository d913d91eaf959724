variable "size" { default = 1 }

resource "terraform_data" "a" {
  input = { x = 2, y = ["a", true], z = 12345678901234567890.125 }
}

resource "terraform_data" "b" {
  for_each         = toset(["k1", "k3", "k4"])
  input            = sensitive("s-${each.key}")
  triggers_replace = [terraform_data.a.input.x]
}

resource "terraform_data" "c" {
  count      = var.size
  input      = terraform_data.a.output
  depends_on = [terraform_data.b]
}

resource "terraform_data" "swapped" {
  input            = terraform_data.base.id
  triggers_replace = "two"
  lifecycle { create_before_destroy = true }
}

resource "terraform_data" "base" {
  triggers_replace = { v = 2 }
}

resource "terraform_data" "same" {
  input = [null, { k = "v" }]
}

resource "terraform_data" "triggered" {
  input = "t"
  lifecycle { replace_triggered_by = [terraform_data.a] }
}

module "m" {
  source   = "./m"
  for_each = { one = 10, three = 3 }
  value    = each.value
}

output "o" { value = terraform_data.a.output }
output "s" {
  value     = terraform_data.b["k1"].output
  sensitive = true
}
output "n" { value = null }
output "m" { value = { for k, m in module.m : k => m.out } }
