# Stand for the machines: the output is that of `infrastructure`.

terraform {
  required_version = ">= 1.6"

  required_providers {
    incus = {
      source  = "lxc/incus"
      version = "~> 1.0"
    }
  }
}

provider "incus" {}

variable "names" {
  description = "Names of the machines."
  type        = list(string)
}

variable "network" {
  description = "Name of the profile that puts a machine into the network."
  type        = string
}

variable "image" {
  description = "Image of the machines."
  type        = string
}

resource "incus_instance" "web" {
  for_each = toset(var.names)

  name     = each.key
  image    = var.image
  profiles = [var.network]

  wait_for {
    type = "ipv4"
  }
}

output "web_instances" {
  value = {
    for name, machine in incus_instance.web : name => { ipv4_address = machine.ipv4_address }
  }
}
