{% macro postgres__get_create_table_as_sql(temporary, relation, sql) -%}
    {%- if config.get('materialized') == 'company_table' and not temporary -%}
        {%- set sql = with_held_rows(sql) -%}
    {%- endif -%}
    {{ return(dbt.default__get_create_table_as_sql(temporary, relation, sql)) }}
{%- endmacro %}
