{% macro decimal_or_null(text) -%}
    {{ return(adapter.dispatch('decimal_or_null', 'clv')(text)) }}
{%- endmacro %}

{% macro postgres__decimal_or_null(text) -%}
    case when {{ text }} ~ '^-?[0-9]{1,14}([.][0-9]+)?$' then cast({{ text }} as numeric) end
{%- endmacro %}
