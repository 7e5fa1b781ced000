"""Groups of customers: who is alike, and where the customers of a segment go."""
