{% macro json_noted(array, key) -%}
    {{ return(adapter.dispatch('json_noted', 'clv')(array, key)) }}
{%- endmacro %}

{% macro postgres__json_noted(array, key) -%}
    (
        select nullif(element ->> 'value', '')
        from json_array_elements(
            case when json_typeof({{ array }}) = 'array' then {{ array }} end
        ) as elements (element)
        where element ->> 'key' = '{{ key }}'
        limit 1
    )
{%- endmacro %}
