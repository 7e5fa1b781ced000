"""The numbers of report and dashboard: SQL over marts, reporting and ml, rows out.

Belongs here: what is asked of the warehouse, once for both. Does not belong here: how a number is
written or drawn (`reporting/blocks`).
"""
