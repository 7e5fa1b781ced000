-- Shares of a scope add up to 1, and its features are ranked 1 to as many as there are.
select
    company_id,
    scope
from {{ source('ml', 'feature_importances') }}
group by company_id, calculation_date, scope
having
    abs(sum(share) - 1) > 0.0001
    or min(rank) <> 1
    or max(rank) <> count(*)
    or count(distinct rank) <> count(*)
