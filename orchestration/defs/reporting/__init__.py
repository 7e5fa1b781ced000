"""What is published beside the models of dbt."""
