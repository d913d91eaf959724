output "addresses" {
  description = "Address of each machine and container."
  value = merge(
    { for name, machine in module.web : name => machine.address },
    { for name, container in module.container : name => container.address },
  )
}
