{% macro as_computed_once() -%}
    {{ return(adapter.dispatch('as_computed_once', 'clv')()) }}
{%- endmacro %}

{% macro default__as_computed_once() -%}
    as
{%- endmacro %}

{% macro postgres__as_computed_once() -%}
    as materialized
{%- endmacro %}
