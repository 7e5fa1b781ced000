{% macro json_text(object, key) -%}
    {{ return(adapter.dispatch('json_text', 'clv')(object, key)) }}
{%- endmacro %}

{% macro postgres__json_text(object, key) -%}
    nullif({{ object }} ->> '{{ key }}', '')
{%- endmacro %}
