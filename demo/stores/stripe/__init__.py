"""A stand-in of Stripe's API, version 2026-10-28.endive."""
