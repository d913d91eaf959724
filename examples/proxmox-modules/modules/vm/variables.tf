variable "name" {
  type = string
}

variable "node" {
  type = string
}

variable "vm_id" {
  type = number
}

variable "template_id" {
  description = "VM id of the template it is cloned from."
  type        = number
}

variable "tags" {
  type    = list(string)
  default = []
}

variable "cores" {
  type    = number
  default = 1
}

variable "memory" {
  description = "In MiB."
  type        = number
  default     = 1024
}

variable "disk" {
  description = "In GiB; at least that of the template."
  type        = number
  default     = 8
}

variable "datastore" {
  type    = string
  default = "local-lvm"
}

variable "address" {
  description = "Fixed address, with the length of its network."
  type        = string
}

variable "gateway" {
  type = string
}

variable "ssh_public_key" {
  type = string
}

variable "rules" {
  description = "What may come in."
  type = list(object({
    comment = string
    port    = string
    proto   = optional(string, "tcp")
    source  = optional(string)
  }))
  default = []
}
