"""What the assets ask for: companies, customer days, MLflow, people, segments."""
