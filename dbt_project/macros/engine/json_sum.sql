{% macro json_sum(array, path) -%}
    {{ return(adapter.dispatch('json_sum', 'clv')(array, path)) }}
{%- endmacro %}

{% macro postgres__json_sum(array, path) -%}
    {#- Most lists have one element or none, and looking at it costs half of unfolding them. -#}
    case
        when {{ array }} is null then 0
        when json_typeof({{ array }}) <> 'array' then 0
        when {{ array }} -> 1 is null
            then coalesce(cast({{ array }} #>> '{0,{{ path | join(",") }}}' as numeric), 0)
        else (
            select coalesce(sum(cast(element #>> '{ {{- path | join(",") -}} }' as numeric)), 0)
            from json_array_elements({{ array }}) as elements (element)
        )
    end
{%- endmacro %}
