"""The partitions: one for each company of companies.yml."""

import dagster as dg

company_partitions = dg.DynamicPartitionsDefinition(name="company")
