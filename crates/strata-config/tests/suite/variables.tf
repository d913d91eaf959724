variable "a" {
  type    = number
  default = "many" # Error: Invalid default value for variable
}

variable "b" {
  type    = object({ name = string, size = optional(number, 1) })
  default = { name = "x" }
}

variable "c" {
  type    = list(object({ name = string }))
  default = [{ nam = "x" }] # Error: Invalid default value for variable
}

variable "d" {
  default = var.a # Error: Variables not allowed
}

variable "e" {
  nullable = false
  default  = null # Error: Invalid default value for variable
}

variable "f" {
  type = string
  validation { # Error: Missing required argument
    condition = var.f != ""
  }
}
