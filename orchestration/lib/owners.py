"""Who answers for an asset; dbt_project.yml names the same team for the models."""

OWNERS = ["team:data-platform"]
