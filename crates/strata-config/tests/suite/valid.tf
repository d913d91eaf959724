terraform {
  required_version = ">= 1.3, < 2.0"
}

variable "hosts" {
  type = map(object({
    address = string
    port    = optional(number, 22)
    labels  = optional(map(string), {})
  }))
  default = {}

  validation {
    condition     = alltrue([for h in var.hosts : h.port > 0])
    error_message = "Ports are positive."
  }
}

locals {
  names   = [for name, host in var.hosts : "${name}:${host.port}"]
  by_port = { for name, host in var.hosts : host.port => name... }
  first   = try(local.names[0], "none")
}

resource "terraform_data" "host" {
  for_each         = var.hosts
  input            = { name = each.key, address = each.value.address }
  triggers_replace = [each.value.port]

  lifecycle {
    create_before_destroy = true
    ignore_changes        = [triggers_replace]

    precondition {
      condition     = each.value.address != ""
      error_message = "A host has an address, ${each.key} too."
    }
    postcondition {
      condition     = self.id != ""
      error_message = "No id."
    }
  }
}

resource "terraform_data" "after" {
  count      = length(local.names)
  input      = local.names[count.index]
  depends_on = [terraform_data.host]

  lifecycle {
    replace_triggered_by = [terraform_data.host["a"].id]
  }
}

output "ids" {
  value = { for name, host in terraform_data.host : name => host.id }
}

output "inputs" {
  value     = terraform_data.after[*].output
  sensitive = true
}
