"""What dbt builds."""
