{% macro local_date(moment, timezone) -%}
    {{ return(adapter.dispatch('local_date', 'clv')(moment, timezone)) }}
{%- endmacro %}

{% macro postgres__local_date(moment, timezone) -%}
    cast({{ moment }} at time zone {{ timezone }} as date)
{%- endmacro %}
