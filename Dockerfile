# One image for every service of docker-compose.yml.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 \
    PATH=/app/.venv/bin:$PATH CLV_HOME=/data DAGSTER_HOME=/data/dagster

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 make \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home clv && mkdir /data && chown clv /data

WORKDIR /app
COPY Makefile pyproject.toml requirements.lock README.md ./
COPY demo demo
COPY ingestion ingestion
COPY ml ml
COPY orchestration orchestration
COPY reporting reporting
COPY warehouse warehouse
RUN make .venv/.installed
COPY dbt_project dbt_project
COPY companies.yml segments.yml workspace.yaml ./
RUN dbt parse --project-dir dbt_project --profiles-dir dbt_project \
    && install --directory --owner clv /data/dagster /data/mlflow \
    && chown --recursive clv dbt_project
USER clv
