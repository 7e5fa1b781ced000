{% test rules_hold(model, rules) %}

{#- One scan judges all rules of a table; broken_rules says which a row breaks. -#}
{%- set broken = [] -%}
{%- for name, rule in rules.items() -%}
    {%- do broken.append("case when (" ~ rule ~ ") is not true then '" ~ name ~ "' end") -%}
{%- endfor %}

select *
from (
    select
        *,
        concat_ws(', ', {{ broken | join(', ') }}) as broken_rules
    from {{ model }}
) as judged
where broken_rules <> ''

{% endtest %}
