"""Consistent shops made from CDNOW's purchase rhythm; no API's shape is known here."""
