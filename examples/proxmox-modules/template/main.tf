terraform {
  required_version = ">= 1.6"

  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "~> 0.111"
    }
  }
}

# Endpoint and API token come from PROXMOX_VE_ENDPOINT and PROXMOX_VE_API_TOKEN.
provider "proxmox" {}

module "debian" {
  source = "../modules/template"

  node      = var.node
  vm_id     = var.template_id
  image     = var.machine_image
  container = var.container_image
}

resource "proxmox_virtual_environment_cluster_firewall_security_group" "web" {
  name    = "web"
  comment = "Web servers"

  rule {
    type   = "in"
    action = "ACCEPT"
    macro  = "HTTP"
  }

  rule {
    type   = "in"
    action = "ACCEPT"
    macro  = "HTTPS"
  }
}
