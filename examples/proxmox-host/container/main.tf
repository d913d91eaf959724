# Stands for the Proxmox VE host, and has the network of the machines.

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
  description = "Names of the hosts."
  type        = list(string)
}

variable "network" {
  description = "Name of the network, and of the profile."
  type        = string
}

variable "subnet" {
  description = "Address of the network's bridge."
  type        = string
}

variable "image" {
  description = "Image of the containers: Debian 12 with systemd."
  type        = string
  default     = "debian/12"
}

resource "incus_network" "this" {
  name = var.network
  config = {
    "ipv4.address" = var.subnet
    "ipv4.nat"     = "true"
    "ipv6.address" = "none"
  }
}

resource "incus_profile" "this" {
  name = var.network

  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }

  device {
    name       = "eth0"
    type       = "nic"
    properties = { network = incus_network.this.name }
  }
}

resource "incus_instance" "host" {
  for_each = toset(var.names)

  name     = each.key
  image    = var.image
  profiles = [incus_profile.this.name]

  wait_for {
    type = "ipv4"
  }
}

output "names" {
  value = [for host in incus_instance.host : host.name]
}

output "network" {
  description = "Name of the profile that puts a machine into the network."
  value       = incus_profile.this.name
}
