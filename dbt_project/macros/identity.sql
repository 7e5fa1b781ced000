{% macro surrogate_key(columns) -%}
    {#- Unit separator between the parts, so that ('a', 'bc') and ('ab', 'c') differ. -#}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append("coalesce(cast(" ~ column ~ " as text), chr(30))") -%}
        {%- if not loop.last -%}{%- do parts.append("chr(31)") -%}{%- endif -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro %}

{% macro hash_email(email) -%}
    {%- set key = source('access', 'email_key') -%}
    case
        when {{ email }} like 'erased-%@erased.invalid' then substring({{ email }} from 8 for 64)
        else {{ hmac_sha256(
            "nullif(lower(trim(" ~ email ~ ")), '')",
            "(select inner_key from " ~ key ~ ")",
            "(select outer_key from " ~ key ~ ")"
        ) }}
    end
{%- endmacro %}

{% macro known_email(email) -%}
    case when {{ email }} not like 'erased-%@erased.invalid' then {{ email }} end
{%- endmacro %}
