{% macro postgres__get_create_table_as_sql(temporary, relation, sql) -%}
    {%- if config.get('materialized') in ['company_table', 'kept_table'] and not temporary -%}
        {%- set sql = with_held_rows(sql) -%}
    {%- endif -%}
    {{ return(dbt.default__get_create_table_as_sql(temporary, relation, sql)) }}
{%- endmacro %}
