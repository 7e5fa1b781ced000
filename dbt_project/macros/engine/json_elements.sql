{% macro json_elements(array) -%}
    {{ return(adapter.dispatch('json_elements', 'clv')(array)) }}
{%- endmacro %}

{% macro postgres__json_elements(array) -%}
    jsonb_array_elements_text({{ array }})
{%- endmacro %}
