"""Where the dbt project and its manifest are."""

from dagster_dbt import DbtProject

from warehouse.settings import PROJECT_ROOT

dbt_project = DbtProject(
    project_dir=PROJECT_ROOT / "dbt_project", profiles_dir=PROJECT_ROOT / "dbt_project"
)
