{% macro as_computed_each_time() -%}
    {{ return(adapter.dispatch('as_computed_each_time', 'clv')()) }}
{%- endmacro %}

{% macro default__as_computed_each_time() -%}
    as
{%- endmacro %}

{% macro postgres__as_computed_each_time() -%}
    as not materialized
{%- endmacro %}
