"""The stand-in of Square: a stall at two places, where people pay on the spot."""
