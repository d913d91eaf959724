variable "node" {
  description = "Node that the template is on."
  type        = string
}

variable "template_id" {
  description = "VM id of the template."
  type        = number
}

variable "image" {
  description = "Cloud image: a dated release and its checksum."
  type        = object({ url = string, checksum = string })
  default = {
    url      = "https://cloud.debian.org/images/cloud/bookworm/20250703-2162/debian-12-genericcloud-amd64-20250703-2162.qcow2"
    checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  }
}

variable "address" {
  description = "Address while it is built, with the length of its network."
  type        = string
  default     = "10.99.0.10/24"
}

variable "ssh_public_key" {
  description = "Key of who builds it."
  type        = string
}
