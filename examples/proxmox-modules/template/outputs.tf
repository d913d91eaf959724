output "template_id" {
  description = "VM id of the template."
  value       = module.debian.vm_id
}

output "container_template" {
  description = "Image that containers are made from."
  value       = module.debian.container_template
}
