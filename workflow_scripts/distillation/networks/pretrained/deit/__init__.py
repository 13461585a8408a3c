"""Weights of a DeiT with a distillation token, as named by its authors and timm (Touvron et al. 2021)."""

FAMILY = "vit"
