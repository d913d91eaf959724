output "vm_id" {
  value = proxmox_virtual_environment_vm.template.vm_id
}

output "container_template" {
  value = proxmox_virtual_environment_download_file.container.id
}
