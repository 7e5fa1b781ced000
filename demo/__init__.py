"""The demo data and the stand-ins of the stores, each a process of its own."""
