{% macro json_first(array, key) -%}
    {{ return(adapter.dispatch('json_first', 'clv')(array, key)) }}
{%- endmacro %}

{% macro postgres__json_first(array, key) -%}
    {{ array }} -> 0 ->> '{{ key }}'
{%- endmacro %}
