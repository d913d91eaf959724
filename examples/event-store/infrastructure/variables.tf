variable "node" {
  description = "Node of the cluster that the machine is on."
  type        = string
}

variable "datastore" {
  description = "Where the cloud-init drive is kept."
  type        = string
  default     = "local-lvm"
}

variable "template_id" {
  description = "VM id of a Debian 12 template with cloud-init and the guest agent."
  type        = number
}

variable "ssh_public_key" {
  description = "Key of who configures the machine."
  type        = string
}

variable "vm" {
  description = "The machine, with its fixed address and the length of its network."
  type = object({
    name    = string
    cores   = number
    memory  = number
    address = string
    gateway = string
  })

  validation {
    condition     = can(cidrhost(var.vm.address, 0))
    error_message = "The address needs the form 10.99.0.50/24."
  }
}
