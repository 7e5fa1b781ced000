{% macro row_hash(columns) -%}
    {{ return(adapter.dispatch('row_hash', 'clv')(columns)) }}
{%- endmacro %}

{% macro postgres__row_hash(columns) -%}
    hash_record_extended(row({{ columns | join(', ') }}), 0)
{%- endmacro %}
