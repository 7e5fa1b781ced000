"""The HTTP service that listens: signed webhooks of the stores, and files that people send.

Belongs here: what is taken in, checked and kept until it is landed. Does not belong here: landing
(`ingestion/inbox.py` asks the sources for it) and when that happens (orchestration).
"""
