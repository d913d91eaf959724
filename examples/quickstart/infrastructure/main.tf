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

variable "image" {
  description = "Image of the containers: Debian 12 with systemd."
  type        = string
  default     = "debian/12"
}

variable "greeting" {
  description = "What the web servers say."
  type        = string

  validation {
    condition     = length(var.greeting) > 0
    error_message = "The greeting must not be empty."
  }
}

variable "servers" {
  description = "Names of the web servers, with the port of each."
  type        = map(object({ port = optional(number, 80) }))
  default = {
    web-1 = {}
    web-2 = { port = 8080 }
  }
}

resource "incus_network" "quickstart" {
  name = "quickstart"
  config = {
    "ipv4.address" = "10.79.0.1/24"
    "ipv4.nat"     = "true"
    "ipv6.address" = "none"
  }
}

resource "incus_profile" "web" {
  name = "quickstart-web"

  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }

  device {
    name       = "eth0"
    type       = "nic"
    properties = { network = incus_network.quickstart.name }
  }
}

resource "incus_instance" "web" {
  for_each = var.servers

  name     = each.key
  image    = var.image
  profiles = [incus_profile.web.name]

  wait_for {
    type = "ipv4"
  }
}

# The outputs that end in `_instances` and `_ansible_vars` are the inventory of the playbook.

output "web_instances" {
  value = {
    for name, server in incus_instance.web : name => {
      ipv4_address = server.ipv4_address
      web_port     = var.servers[name].port
    }
  }
}

output "web_ansible_vars" {
  value = { web_greeting = var.greeting }
}
