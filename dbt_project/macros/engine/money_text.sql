{% macro money_text(amount, minor_units, currency) -%}
    {{ return(adapter.dispatch('money_text', 'clv')(amount, minor_units, currency)) }}
{%- endmacro %}

{% macro postgres__money_text(amount, minor_units, currency) -%}
    to_char(
        {{ amount }},
        case {{ minor_units }}
            when 0 then 'FM999,999,999,999,990'
            when 3 then 'FM999,999,999,999,990.000'
            else 'FM999,999,999,999,990.00'
        end
    ) || ' ' || {{ currency }}
{%- endmacro %}
