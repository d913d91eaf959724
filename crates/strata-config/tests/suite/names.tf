variable "1a" {} # Error: Invalid variable name

variable "count" {} # Error: Invalid variable name

output "a b" { # Error: Invalid output name
  value = 1
}

resource "terraform_data" "a.b" {} # Error: Invalid resource name
