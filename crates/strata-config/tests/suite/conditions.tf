variable "a" {
  type    = number
  default = 1

  validation {
    condition     = [var.a] # Error: Invalid variable validation result
    error_message = "No."
  }
}

variable "b" {
  type = number

  validation {
    condition     = var.a > 1 # Error: Invalid variable validation condition
    error_message = "No."
  }
}

resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.a > 0
      error_message = "Fine."
      severity      = "low" # Error: Unsupported argument
    }
    postcondition {
      condition     = 1 + 1 == 3 # Error: Invalid postcondition expression
      error_message = "Nothing is looked at."
    }
  }
}
