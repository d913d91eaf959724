variable "name" {
  type = string
}

variable "node" {
  type = string
}

variable "vm_id" {
  type = number
}

variable "image" {
  description = "Volume of the image, such as local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst."
  type        = string
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
  default     = 512
}

variable "disk" {
  description = "In GiB."
  type        = number
  default     = 4
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
