{% test rules_hold(model, rules) %}

select *
from (
    select
        *,
        concat_ws(', ', {{ broken_rules(rules) }}) as broken_rules
    from {{ model }}
) as judged
where broken_rules <> ''

{% endtest %}
