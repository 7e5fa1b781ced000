"""Settings, connections, the embedded server, and how rows get in and out of Postgres."""
