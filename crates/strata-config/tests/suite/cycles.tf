locals {
  a = local.b # Error: Cycle
  b = local.c
  c = local.a
}
