{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as numeric(18, 4))
{%- endmacro %}

{% macro in_base(amount) -%}
    case base_side
        when 'presentment' then {{ amount }}_presentment
        when 'shop' then {{ amount }}
    end
{%- endmacro %}
