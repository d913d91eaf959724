variable "name" {
  description = "Name of the service and of its container."
  type        = string
}

variable "image" {
  description = "Image of the container."
  type        = string
}

variable "profiles" {
  description = "Profiles of the container."
  type        = list(string)
}

variable "pool" {
  description = "Pool of the data volume."
  type        = string
}

variable "data" {
  description = "Where the service keeps its data."
  type        = string
}

variable "snapshots" {
  description = "When the data volume is copied, and how long a copy is kept."
  type = object({
    schedule = optional(string, "@daily")
    expiry   = optional(string, "1w")
  })
  default = {}
}
