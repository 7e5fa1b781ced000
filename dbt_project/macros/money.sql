{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as numeric(18, 4))
{%- endmacro %}
