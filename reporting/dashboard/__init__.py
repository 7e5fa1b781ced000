"""The dashboard: pages for people who log in as themselves.

Every query runs as the reader who asks, so that Postgres itself keeps the other companies' rows
back. Belongs here: HTTP, sessions, filters and which page shows what. Does not belong here: SQL
(`reporting/metrics`) and how a block looks (`reporting/blocks`).
"""
