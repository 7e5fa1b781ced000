"""What people read. Reads marts, reporting and ml only."""
