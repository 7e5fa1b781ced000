"""How candidates are judged against what customers really did."""
