# Stands for the machine where there is no Proxmox VE: the outputs are the same.

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

variable "vm" {
  description = "The machine, of which a container has only the name; so have its profile and network."
  type        = object({ name = string })
}

variable "image" {
  description = "Image of the container: Debian 12 with systemd."
  type        = string
  default     = "debian/12"
}

resource "incus_network" "event_store" {
  name = "event-store"
  config = {
    "ipv4.address" = "10.80.0.1/24"
    "ipv4.nat"     = "true"
    "ipv6.address" = "none"
  }
}

resource "incus_profile" "event_store" {
  name = var.vm.name
  # Docker runs in it.
  config = { "security.nesting" = "true" }

  device {
    name       = "root"
    type       = "disk"
    properties = { path = "/", pool = "default" }
  }

  device {
    name       = "eth0"
    type       = "nic"
    properties = { network = incus_network.event_store.name }
  }
}

resource "incus_instance" "event_store" {
  name     = var.vm.name
  image    = var.image
  profiles = [incus_profile.event_store.name]

  wait_for {
    type = "ipv4"
  }
}

output "address" {
  description = "Address of the machine."
  value       = incus_instance.event_store.ipv4_address
}

output "event_store_instances" {
  value = {
    (incus_instance.event_store.name) = { ipv4_address = incus_instance.event_store.ipv4_address }
  }
}
