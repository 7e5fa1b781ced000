{% macro json_sum(array, path) -%}
    {{ return(adapter.dispatch('json_sum', 'clv')(array, path)) }}
{%- endmacro %}

{% macro postgres__json_sum(array, path) -%}
    (
        select coalesce(sum(cast(element #>> '{{ "{" ~ path | join(",") ~ "}" }}' as numeric)), 0)
        from json_array_elements(
            case when json_typeof({{ array }}) = 'array' then {{ array }} end
        ) as elements (element)
    )
{%- endmacro %}
