variable "image_name" {
  type = string
}

locals {
  a = var.image_nam       # Error: Reference to undeclared input variable
  b = local.nothing       # Error: Reference to undeclared local value
  c = terraform_data.none # Error: Reference to undeclared resource
  d = module.none.output  # Error: Reference to undeclared module
  e = path.nowhere        # Error: Invalid "path" attribute
  f = each.key            # Error: Reference to "each" in context without for_each
  g = count.index         # Error: Reference to "count" in non-counted context
  h = self.id             # Error: Invalid "self" reference
  i = var                 # Error: Invalid reference
  j = terraform.nothing   # Error: Invalid "terraform" attribute
}

resource "terraform_data" "a" {
  input = data.terraform_remote_state.none.outputs # Error: Reference to undeclared resource
}
