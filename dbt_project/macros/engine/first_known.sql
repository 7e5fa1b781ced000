{% macro first_known(value, order_by) -%}
    {{ return(adapter.dispatch('first_known', 'clv')(value, order_by)) }}
{%- endmacro %}

{% macro postgres__first_known(value, order_by) -%}
    (array_agg({{ value }} order by {{ order_by }}) filter (where {{ value }} is not null))[1]
{%- endmacro %}
