{% macro json_text(object, path) -%}
    {{ return(adapter.dispatch('json_text', 'clv')(object, path)) }}
{%- endmacro %}

{% macro postgres__json_text(object, path) -%}
    {%- set keys = [path] if path is string else path -%}
    nullif({{ object }} #>> '{{ "{" ~ keys | join(",") ~ "}" }}', '')
{%- endmacro %}
