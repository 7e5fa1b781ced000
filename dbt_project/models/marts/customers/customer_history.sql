-- The only mart that remembers: it adds today's to what it held before it was swapped, so no full
-- refresh forgets anything, and a held company's rows are carried over like everybody's.
{%- set columns = {
    'company_id': 'text', 'customer_id': 'text', 'valid_from': 'date', 'valid_to': 'date',
    'customer_stage': 'text', 'status_segment': 'text', 'rfm_segment': 'text',
    'acquisition_channel': 'text', 'country': 'text', 'sources': 'text'
} %}
{%- set known_before = [
    'earlier.customer_stage', 'earlier.status_segment', 'earlier.rfm_segment',
    'earlier.acquisition_channel', 'earlier.country', 'earlier.sources'
] %}
{%- set known_today = [
    'customers.customer_stage', 'customers.status_segment', 'customers.rfm_segment',
    'customers.acquisition_channel', 'customers.country', 'customers.sources'
] %}

with customers as (
    select
        customers.company_id,
        customers.customer_id,
        customers.as_of_date,
        customers.customer_stage,
        customers.status_segment,
        scores.rfm_segment,
        customers.acquisition_channel,
        customers.country,
        customers.sources
    from {{ ref('dim_customers') }} as customers
    left join {{ ref('customer_rfm') }} as scores
        on
            customers.company_id = scores.company_id
            and customers.customer_id = scores.customer_id
),

-- A day that is built again, and days after it, are forgotten first: the same data leave the same
-- history, however often they are built.
earlier as (
    select
        history.company_id,
        history.customer_id,
        history.valid_from,
        case when history.valid_to < companies.as_of_date then history.valid_to end as valid_to,
        history.customer_stage,
        history.status_segment,
        history.rfm_segment,
        history.acquisition_channel,
        history.country,
        history.sources,
        companies.as_of_date
    from {{ history_so_far(columns) }} as history
    inner join {{ ref('dim_companies') }} as companies
        on history.company_id = companies.company_id
    where history.valid_from < companies.as_of_date
),

compared as (
    select
        earlier.*,
        case
            when customers.customer_id is null then false
            else {{ surrogate_key(known_before) }} = {{ surrogate_key(known_today) }}
        end as is_unchanged
    from earlier
    left join customers
        on
            earlier.company_id = customers.company_id
            and earlier.customer_id = customers.customer_id
),

changed as (
    select customers.*
    from customers
    left join compared
        on
            customers.company_id = compared.company_id
            and customers.customer_id = compared.customer_id
            and compared.valid_to is null
            and compared.is_unchanged
    where compared.customer_id is null
)

select
    company_id,
    customer_id,
    valid_from,
    case when valid_to is null and not is_unchanged then as_of_date else valid_to end as valid_to,
    customer_stage,
    status_segment,
    rfm_segment,
    acquisition_channel,
    country,
    sources
from compared
union all
select
    company_id,
    customer_id,
    as_of_date as valid_from,
    null as valid_to,
    customer_stage,
    status_segment,
    rfm_segment,
    acquisition_channel,
    country,
    sources
from changed
