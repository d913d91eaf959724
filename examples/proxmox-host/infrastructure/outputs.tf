output "web_instances" {
  value = {
    for name, machine in proxmox_virtual_environment_vm.web : name => { ansible_host = local.web[name].address }
  }
}
