# The machine that becomes the template: from a cloud image, with what all machines have.

terraform {
  required_version = ">= 1.6"

  required_providers {
    proxmox = {
      source  = "bpg/proxmox"
      version = "~> 0.111"
    }
  }
}

provider "proxmox" {}

resource "proxmox_virtual_environment_download_file" "debian" {
  node_name          = var.node
  datastore_id       = "local"
  content_type       = "import"
  url                = var.image.url
  checksum           = var.image.checksum
  checksum_algorithm = "sha256"
  # A file that is there already is not loaded again.
  overwrite = false
}

resource "proxmox_virtual_environment_vm" "template" {
  name      = "debian-12-web"
  node_name = var.node
  vm_id     = var.template_id
  tags      = ["template"]

  agent {
    enabled = true
  }

  cpu {
    cores = 2
  }

  memory {
    dedicated = 1024
  }

  disk {
    datastore_id = "local-lvm"
    interface    = "scsi0"
    import_from  = proxmox_virtual_environment_download_file.debian.id
    size         = 8
  }

  network_device {
    bridge = "vmbr0"
  }

  # Only for building: clones bring an address and keys of their own.
  initialization {
    datastore_id = "local-lvm"

    ip_config {
      ipv4 {
        address = var.address
        gateway = cidrhost(var.address, 1)
      }
    }

    user_account {
      username = "debian"
      keys     = [var.ssh_public_key]
    }
  }
}

output "template_instances" {
  value = {
    (proxmox_virtual_environment_vm.template.name) = { ansible_host = split("/", var.address)[0] }
  }
}
