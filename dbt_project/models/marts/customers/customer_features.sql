{{ config(materialized='kept_table', days=['as_of_date']) }}

{%- set windows = [90, 180, 270, 365, 540] %}
{%- set amounts = ['gross_revenue', 'discount', 'refunded', 'net_revenue', 'margin'] %}

-- Many rows are sorted by one number in a fraction of the time that it takes by names and days.
with snapshots {{ as_computed_once() }} (
    select
        *,
        row_number() over () as place
    from (
        {{ rows_to_build(ref('int_customer_snapshots_spined'), ['as_of_date']) }}
    ) as to_build
),

customers as (
    select * from {{ ref('int_customers_summarised') }}
),

-- Amounts as whole ten-thousandths: sums of whole doubles are exact in any order, and cost a
-- fraction of sums of numerics. Dividing by 10000 at the end gives the double nearest the amount.
customer_days {{ as_computed_once() }} (
    select
        company_id,
        customer_id,
        order_date,
        orders,
        fully_refunded_on,
        days_since_previous_order,
        new_products,
        {%- for amount in amounts %}
            cast({{ amount }}_base * 10000 as double precision) as {{ amount }},
        {%- endfor %}
        orders > 0 as is_order_day,
        gross_revenue_base > 0 as is_positive_day
    from {{ ref('int_customer_days_summed') }}
),

-- The only place where days meet snapshots: what is dated after as_of_date never gets further.
known_days as (
    select
        snapshots.place,
        customer_days.orders,
        customer_days.days_since_previous_order,
        customer_days.new_products,
        customer_days.is_order_day,
        {%- for amount in amounts %}
            customer_days.{{ amount }},
        {%- endfor %}
        {{ days_between('customer_days.order_date', 'snapshots.as_of_date') }} as age_days,
        customer_days.is_positive_day
        and coalesce(customer_days.fully_refunded_on > snapshots.as_of_date, true) as is_paid_day
    from snapshots
    inner join customer_days
        on
            snapshots.company_id = customer_days.company_id
            and snapshots.customer_id = customer_days.customer_id
            and snapshots.as_of_date >= customer_days.order_date
),

histories as (
    select
        place,
        sum(orders) as orders,
        {%- for amount in amounts %}
            sum({{ amount }}) as {{ amount }},
        {%- endfor %}
        count(*) filter (where is_order_day) as order_days,
        min(age_days) filter (where is_order_day) as recency_days,
        max(age_days) filter (where is_order_day) as tenure_days,
        count(*) filter (where is_paid_day) as paid_days,
        min(age_days) filter (where is_paid_day) as days_since_last_paid,
        max(age_days) filter (where is_paid_day) as days_since_first_paid,
        count(days_since_previous_order) as gaps,
        cast(sum(days_since_previous_order) as double precision) as gap_days,
        cast(sum(days_since_previous_order * days_since_previous_order) as double precision)
            as squared_gap_days,
        percentile_cont(0.5) within group (order by days_since_previous_order)
            as median_gap_days,
        {%- for days in windows %}
            sum(orders) filter (where age_days < {{ days }}) as orders_{{ days }}d,
            sum(gross_revenue) filter (where age_days < {{ days }}) as gross_revenue_{{ days }}d,
        {%- endfor %}
        sum(new_products) as distinct_products
    from known_days
    group by place
)

select
    snapshots.company_id,
    snapshots.customer_id,
    snapshots.as_of_date,
    cast(histories.orders as double precision) as orders,
    histories.gross_revenue / 10000 as revenue_sum,
    histories.net_revenue / 10000 as net_revenue_sum,
    histories.margin / 10000 as margin_sum,
    ln(1 + histories.gross_revenue / 10000) as log_revenue_sum,
    histories.gross_revenue / histories.orders / 10000 as avg_order_value,
    cast(customers.first_order_value as double precision) as first_order_value,
    cast(histories.recency_days as double precision) as recency_days,
    cast(histories.tenure_days as double precision) as tenure_days,
    cast(case when histories.order_days > 1 then 1 else 0 end as double precision)
        as is_repeat_buyer,
    cast(case when histories.recency_days < 30 then 1 else 0 end as double precision)
        as active_last_30d,
    histories.gap_days / nullif(histories.gaps, 0) as mean_days_between_orders,
    histories.median_gap_days as median_days_between_orders,
    case
        when histories.gaps > 1
            then sqrt(
                (
                    histories.gaps * histories.squared_gap_days
                    - histories.gap_days * histories.gap_days
                ) / histories.gaps / (histories.gaps - 1)
            )
    end as std_days_between_orders,
    {%- for days in windows %}
        cast(coalesce(histories.orders_{{ days }}d, 0) as double precision) as orders_{{ days }}d,
        coalesce(histories.gross_revenue_{{ days }}d, 0) / 10000 as revenue_{{ days }}d,
    {%- endfor %}
    histories.refunded / nullif(histories.gross_revenue, 0) as refund_rate,
    histories.discount / nullif(histories.gross_revenue, 0) as discount_rate,
    cast(nullif(histories.distinct_products, 0) as double precision) as distinct_products,
    cast(greatest(histories.paid_days - 1, 0) as double precision) as frequency,
    cast(histories.days_since_first_paid - histories.days_since_last_paid as double precision) / 7
        as recency_weeks,
    cast(histories.days_since_first_paid as double precision) / 7 as age_weeks,
    {{ customer_stage('histories.tenure_days') }} as customer_stage,
    {{ status_segment('histories.recency_days') }} as status_segment,
    customers.acquisition_channel as channel,
    customers.country
from histories
inner join snapshots on histories.place = snapshots.place
inner join customers
    on
        snapshots.company_id = customers.company_id
        and snapshots.customer_id = customers.customer_id
