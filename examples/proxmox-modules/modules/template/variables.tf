variable "name" {
  description = "Name of the template."
  type        = string
  default     = "debian-12"
}

variable "node" {
  type = string
}

variable "vm_id" {
  type = number
}

variable "datastore" {
  description = "Where disks are kept."
  type        = string
  default     = "local-lvm"
}

variable "image" {
  type = object({ url = string, checksum = string })
}

variable "container" {
  type = object({ url = string, checksum = string })
}
