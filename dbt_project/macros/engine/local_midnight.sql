{% macro local_midnight(date, timezone) -%}
    {{ return(adapter.dispatch('local_midnight', 'clv')(date, timezone)) }}
{%- endmacro %}

{% macro postgres__local_midnight(date, timezone) -%}
    (cast({{ date }} as timestamp) at time zone {{ timezone }})
{%- endmacro %}
