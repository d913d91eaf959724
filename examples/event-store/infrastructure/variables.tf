variable "datastore" {
  description = "Where the cloud-init drive is kept."
  type        = string
  default     = "local-lvm"
}

variable "vm" {
  description = "The machine: a clone of a Debian 12 template with cloud-init and the guest agent, with a fixed address and the length of its network."
  type = object({
    name           = string
    node           = string
    template_id    = number
    cores          = number
    memory         = number
    address        = string
    gateway        = string
    ssh_public_key = string
  })

  validation {
    condition     = can(cidrhost(var.vm.address, 0))
    error_message = "The address needs the form 10.99.0.50/24."
  }
}
