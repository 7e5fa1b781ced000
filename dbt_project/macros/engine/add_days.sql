{% macro add_days(date, days) -%}
    {{ return(adapter.dispatch('add_days', 'clv')(date, days)) }}
{%- endmacro %}

{% macro default__add_days(date, days) -%}
    cast({{ dbt.dateadd('day', days, date) }} as date)
{%- endmacro %}

{% macro postgres__add_days(date, days) -%}
    ({{ date }} + {{ days }})
{%- endmacro %}
