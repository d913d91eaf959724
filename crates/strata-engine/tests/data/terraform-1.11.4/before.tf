variable "size" { default = 2 }

resource "terraform_data" "a" {
  input = { x = 1, y = ["a", true], z = 12345678901234567890.125 }
}

resource "terraform_data" "b" {
  for_each         = toset(["k1", "k 2", "k3"])
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
  triggers_replace = "one"
  lifecycle { create_before_destroy = true }
}

resource "terraform_data" "base" {
  triggers_replace = { v = 1 }
}

resource "terraform_data" "orphan" {
  input = terraform_data.a.id
}

resource "terraform_data" "same" {
  input = [null, { k = "v" }]
}

module "m" {
  source   = "./m"
  for_each = { one = 1, two = 2 }
  value    = each.value
}

output "o" { value = terraform_data.a.output }
output "s" {
  value     = terraform_data.b["k1"].output
  sensitive = true
}
output "n" { value = null }
output "gone" { value = "x" }
output "m" { value = { for k, m in module.m : k => m.out } }
