variable "node" {
  description = "Node of the cluster that the images and the template are on."
  type        = string
}

variable "template_id" {
  description = "VM id of the template."
  type        = number
}

variable "machine_image" {
  description = "Cloud image of the template: a dated release and its checksum."
  type        = object({ url = string, checksum = string })
  default = {
    url      = "https://cloud.debian.org/images/cloud/bookworm/20250703-2162/debian-12-genericcloud-amd64-20250703-2162.qcow2"
    checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  }
}

variable "container_image" {
  description = "Image of containers: a release and its checksum."
  type        = object({ url = string, checksum = string })
  default = {
    url      = "http://download.proxmox.com/images/system/debian-12-standard_12.7-1_amd64.tar.zst"
    checksum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  }
}
