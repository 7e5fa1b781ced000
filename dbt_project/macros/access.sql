{% macro protect() -%}
    {#- While dbt parses, the configuration isn't known yet. -#}
    {%- if execute and this.schema in ['marts', 'reporting'] -%}
        {{ keep_to_companies(this, config.get('meta', {}).get('personal_data', false)) }}
    {%- endif -%}
{%- endmacro %}
