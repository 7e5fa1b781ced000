{#- One scan judges all rules of a table; `broken_rules` says which a row breaks. -#}
{% test rules_hold(model, rules) %}

select *
from (
    select
        *,
        concat_ws(
            ', '
            {%- for name, rule in rules.items() %},
            case when ({{ rule }}) is not true then '{{ name }}' end
            {%- endfor %}
        ) as broken_rules
    from {{ model }}
) as judged
where broken_rules <> ''

{% endtest %}
