# Differs: Terraform names no place, and the cells in another order.
locals {
  a = local.b # Error: Cycle
  b = local.c
  c = local.a
}
