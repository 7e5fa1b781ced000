{% macro json_refund_ids(array) -%}
    {{ return(adapter.dispatch('json_refund_ids', 'clv')(array)) }}
{%- endmacro %}

{% macro postgres__json_refund_ids(array) -%}
    (
        select coalesce(element #>> '{refund,id}', element ->> 'refund')
        from json_array_elements(
            case when json_typeof({{ array }}) = 'array' then {{ array }} end
        ) as elements (element)
    )
{%- endmacro %}
