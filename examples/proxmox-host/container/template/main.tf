# Stands for the template: an image that the machines are made from.

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

variable "network" {
  description = "Name of the profile that puts a machine into the network."
  type        = string
}

variable "image" {
  description = "Image to begin with: Debian 12 with systemd."
  type        = string
  default     = "debian/12"
}

resource "incus_instance" "template" {
  name     = "proxmox-host-template"
  image    = var.image
  profiles = [var.network]

  wait_for {
    type = "ipv4"
  }
}

output "template_instances" {
  value = [incus_instance.template.name]
}
