{% macro json_length(array) -%}
    {{ return(adapter.dispatch('json_length', 'clv')(array)) }}
{%- endmacro %}

{% macro postgres__json_length(array) -%}
    coalesce(
        json_array_length(case when json_typeof({{ array }}) = 'array' then {{ array }} end), 0
    )
{%- endmacro %}
