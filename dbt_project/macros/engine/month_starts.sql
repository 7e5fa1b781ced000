{% macro month_starts(from_date, to_date) -%}
    {{ return(adapter.dispatch('month_starts', 'clv')(from_date, to_date)) }}
{%- endmacro %}

{% macro postgres__month_starts(from_date, to_date) -%}
    generate_series(
        date_trunc('month', cast({{ from_date }} as timestamp)),
        cast({{ to_date }} as timestamp),
        interval '1 month'
    )
{%- endmacro %}
