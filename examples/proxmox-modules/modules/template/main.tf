terraform {
  required_providers {
    proxmox = {
      source = "bpg/proxmox"
    }
  }
}

resource "proxmox_virtual_environment_download_file" "machine" {
  node_name          = var.node
  datastore_id       = "local"
  content_type       = "import"
  url                = var.image.url
  checksum           = var.image.checksum
  checksum_algorithm = "sha256"
  # A file that is there already is not loaded again.
  overwrite = false
}

resource "proxmox_virtual_environment_download_file" "container" {
  node_name          = var.node
  datastore_id       = "local"
  content_type       = "vztmpl"
  url                = var.container.url
  checksum           = var.container.checksum
  checksum_algorithm = "sha256"
  overwrite          = false
}

resource "proxmox_virtual_environment_vm" "template" {
  name      = var.name
  node_name = var.node
  vm_id     = var.vm_id
  template  = true
  started   = false
  tags      = ["template"]

  agent {
    enabled = true
  }

  cpu {
    cores = 1
  }

  memory {
    dedicated = 1024
  }

  disk {
    datastore_id = var.datastore
    interface    = "scsi0"
    import_from  = proxmox_virtual_environment_download_file.machine.id
    size         = 8
  }

  network_device {
    bridge = "vmbr0"
  }

  initialization {
    datastore_id = var.datastore
  }

  lifecycle {
    # Machines of every environment are cloned from it.
    prevent_destroy = true
  }
}
