{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as numeric(18, 4))
{%- endmacro %}

{% macro in_base(amount) -%}
    case base_side
        when 'presentment' then {{ amount }}_presentment
        when 'shop' then {{ amount }}
        when 'rate' then {{ amount }}_presentment * exchange_rate
    end
{%- endmacro %}
