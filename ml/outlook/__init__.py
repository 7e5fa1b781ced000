"""What lies ahead: of each customer, of orders, of revenue; with what is known of its error."""
