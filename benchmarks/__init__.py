"""Measured runs at scale, over data made for the purpose."""
