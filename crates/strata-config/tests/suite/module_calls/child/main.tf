variable "name" {
  type = string
}

variable "size" {
  type    = number
  default = 1
}

output "name" {
  value = var.name
}
