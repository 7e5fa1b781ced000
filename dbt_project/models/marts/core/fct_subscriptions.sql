-- What a subscription was worth is read from what was billed for it, and its end from itself:
-- Stripe shows only what it is now. So the history is the same whenever it is built.
with companies as (
    select * from {{ ref('stg_files__companies') }}
),

subscriptions as (
    select
        subscriptions.*,
        companies.base_currency,
        companies.timezone
    from {{ ref('stg_stripe__subscriptions') }} as subscriptions
    inner join companies on subscriptions.company_id = companies.company_id
    where
        subscriptions.is_live
        and coalesce(subscriptions.start_date, subscriptions.created_at) is not null
),

prices as (
    select
        company_id,
        price_id,
        coalesce(unit_amount_decimal, unit_amount) * case interval
            when 'day' then 30.4375
            when 'week' then 30.4375 / 7
            when 'month' then 1
            when 'year' then cast(1 as numeric) / 12
        end / coalesce(interval_count, 1) as monthly_amount,
        usage_type
    from {{ ref('stg_stripe__prices') }}
    where interval is not null
),

-- The share of a line that a discount took is taken off the price. What credits the unused part of
-- a period, and what is metered, recurs not.
billed as (
    select
        lines.company_id,
        lines.subscription_id,
        lines.invoice_id,
        min(lines.period_start) as valid_from,
        sum(
            prices.monthly_amount * coalesce(lines.quantity, 1)
            * (1 - coalesce(lines.discount / nullif(lines.amount, 0), 0))
        ) as monthly_amount,
        sum(lines.amount) as amount
    from {{ ref('stg_stripe__invoice_lines') }} as lines
    inner join {{ ref('stg_stripe__invoices') }} as invoices
        on lines.company_id = invoices.company_id and lines.invoice_id = invoices.invoice_id
    inner join prices on lines.company_id = prices.company_id and lines.price_id = prices.price_id
    where
        lines.subscription_id is not null
        and lines.period_start is not null
        and lines.amount >= 0
        and coalesce(prices.usage_type, 'licensed') = 'licensed'
        and invoices.status in ('paid', 'open', 'uncollectible')
    group by lines.company_id, lines.subscription_id, lines.invoice_id
),

-- What is held now, for a subscription of which no invoice landed.
held as (
    select
        items.company_id,
        items.subscription_id,
        sum(prices.monthly_amount * coalesce(items.quantity, 1)) as monthly_amount
    from {{ ref('stg_stripe__subscription_items') }} as items
    inner join prices on items.company_id = prices.company_id and items.price_id = prices.price_id
    where coalesce(prices.usage_type, 'licensed') = 'licensed'
    group by items.company_id, items.subscription_id
),

moments as (
    select
        subscriptions.company_id,
        subscriptions.subscription_id,
        coalesce(subscriptions.start_date, subscriptions.created_at) as valid_from,
        case
            when subscriptions.trial_end is not null then 'trialing'
            when subscriptions.status in ('incomplete', 'incomplete_expired')
                then subscriptions.status
            else 'active'
        end as status,
        held.monthly_amount,
        1 as moment_rank
    from subscriptions
    left join held
        on
            subscriptions.company_id = held.company_id
            and subscriptions.subscription_id = held.subscription_id
    union all
    select
        billed.company_id,
        billed.subscription_id,
        billed.valid_from,
        case
            when subscriptions.trial_end > billed.valid_from then 'trialing' else 'active'
        end as status,
        billed.monthly_amount,
        2 as moment_rank
    from billed
    inner join subscriptions
        on
            billed.company_id = subscriptions.company_id
            and billed.subscription_id = subscriptions.subscription_id
    where subscriptions.ended_at is null or billed.valid_from < subscriptions.ended_at
    union all
    -- The status that it has now holds since the last period began, or since its end.
    select
        subscriptions.company_id,
        subscriptions.subscription_id,
        coalesce(
            subscriptions.ended_at, max(billed.valid_from), subscriptions.start_date,
            subscriptions.created_at
        ) as valid_from,
        subscriptions.status,
        coalesce(
            (array_agg(billed.monthly_amount order by billed.valid_from desc))[1],
            max(held.monthly_amount)
        ) as monthly_amount,
        3 as moment_rank
    from subscriptions
    left join billed
        on
            subscriptions.company_id = billed.company_id
            and subscriptions.subscription_id = billed.subscription_id
    left join held
        on
            subscriptions.company_id = held.company_id
            and subscriptions.subscription_id = held.subscription_id
    group by
        subscriptions.company_id, subscriptions.subscription_id, subscriptions.ended_at,
        subscriptions.start_date, subscriptions.created_at, subscriptions.status
),

last_of_moment as (
    select
        *,
        row_number() over (
            partition by company_id, subscription_id, valid_from
            order by moment_rank desc, monthly_amount desc
        ) as place
    from moments
),

paying as (
    select
        company_id,
        subscription_id,
        valid_from,
        status,
        case when status in ('active', 'past_due') then coalesce(monthly_amount, 0) else 0 end
            as monthly_recurring_revenue
    from last_of_moment
    where place = 1
),

compared as (
    select
        *,
        lag(status) over subscription_so_far as status_before,
        lag(monthly_recurring_revenue) over subscription_so_far as revenue_before
    from paying
    window
        subscription_so_far as (partition by company_id, subscription_id order by valid_from)
),

-- A renewal on the same terms changes nothing.
changes as (
    select
        *,
        lead(valid_from) over (partition by company_id, subscription_id order by valid_from)
            as valid_to
    from compared
    where
        status_before is null
        or status <> status_before
        or monthly_recurring_revenue <> revenue_before
),

dated as (
    select
        changes.*,
        subscriptions.customer_id as account_id,
        subscriptions.currency,
        subscriptions.base_currency,
        {{ local_date('changes.valid_from', 'subscriptions.timezone') }} as rate_date
    from changes
    inner join subscriptions
        on
            changes.company_id = subscriptions.company_id
            and changes.subscription_id = subscriptions.subscription_id
),

rated as (
    select
        dated.*,
        coalesce(accounts.customer_id, dated.account_id) as customer_id,
        case
            when dated.currency = dated.base_currency then cast(1 as numeric)
            else rates.exchange_rate
        end as exchange_rate
    from dated
    left join {{ ref('int_accounts_resolved') }} as accounts
        on dated.company_id = accounts.company_id and dated.account_id = accounts.account_id
    left join {{ ref('int_exchange_rates_crossed') }} as rates
        on
            dated.currency = rates.currency
            and dated.rate_date = rates.rate_date
            and dated.base_currency = rates.base_currency
)

select
    company_id,
    subscription_id,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    customer_id,
    'stripe' as source,
    status,
    currency,
    exchange_rate,
    {{ money('monthly_recurring_revenue') }} as monthly_recurring_revenue,
    {{ money('monthly_recurring_revenue * exchange_rate') }} as monthly_recurring_revenue_base
from rated
