{% macro days_between(from_date, to_date) -%}
    {{ dbt.datediff(from_date, to_date, 'day') }}
{%- endmacro %}

{% macro months_between(from_month, to_month) -%}
    cast({{ dbt.datediff(from_month, to_month, 'month') }} as integer)
{%- endmacro %}

{% macro month_start(date) -%}
    cast({{ dbt.date_trunc('month', date) }} as date)
{%- endmacro %}

{% macro month_end(date) -%}
    {{ dbt.last_day(date, 'month') }}
{%- endmacro %}
