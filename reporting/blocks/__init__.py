"""What pages for people are made of: numbers in words, tables and charts, and how they look.

Belongs here: what report and dashboard share once the numbers are known. Does not belong here: SQL
(`reporting/metrics`) and which page shows what (`reporting/report`, `reporting/dashboard`).
"""
