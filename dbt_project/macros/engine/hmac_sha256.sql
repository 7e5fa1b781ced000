{% macro hmac_sha256(text, inner_key, outer_key) -%}
    {{ return(adapter.dispatch('hmac_sha256', 'clv')(text, inner_key, outer_key)) }}
{%- endmacro %}

{% macro postgres__hmac_sha256(text, inner_key, outer_key) -%}
    encode(
        sha256({{ outer_key }} || sha256({{ inner_key }} || convert_to({{ text }}, 'UTF8'))), 'hex'
    )
{%- endmacro %}
