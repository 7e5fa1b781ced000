{% macro sha256(text) -%}
    {{ return(adapter.dispatch('sha256', 'clv')(text)) }}
{%- endmacro %}

{% macro postgres__sha256(text) -%}
    encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex')
{%- endmacro %}
