"""Local stand-ins of the store APIs: ``python -m demo.stores --company acme --port 8765``.

What belongs here: shops made from real purchases (`business`), what every stand-in shares (faults
on demand, the control plane), and one folder per API. Nothing else imports it.
"""
