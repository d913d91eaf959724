resource "terraform_data" "a" {
  inptu = 1 # Error: Unsupported argument

  nested { # Error: Unsupported block type
  }
}

resource "terraform_dta" "b" { # Error: Invalid resource type
}

variable "a" {
  typ = string # Error: Unsupported argument
}

output "no_value" { # Error: Missing required argument
}

output "b" {
  value     = 1
  sensitive = "perhaps" # Error: Unsuitable value type
}

resource "terraform_data" "c" {
  count    = 1
  for_each = {} # Error: Invalid combination of "count" and "for_each"
}

resource "terraform_data" "d" {
  lifecycle {
    prevent_destroy = "x"   # Error: Unsuitable value type
    ignore_change   = [all] # Error: Unsupported argument
  }
}

resource "terraform_data" { # Error: Missing name for resource
}

variable "b" "c" { # Error: Extraneous label for variable
}

something "else" { # Error: Unsupported block type
}

x = 1 # Error: Unsupported argument
