{% macro broken_rules(rules) -%}
    {#- One scan judges all rules of a table, and says which a row breaks. -#}
    {%- set broken = [] -%}
    {%- for name, rule in rules.items() -%}
        {%- do broken.append("case when (" ~ rule ~ ") is not true then '" ~ name ~ "' end") -%}
    {%- endfor -%}
    {{ broken | join(', ') }}
{%- endmacro %}
