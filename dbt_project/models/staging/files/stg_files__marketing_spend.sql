with source as (
    select * from {{ landed('raw_files', 'marketing_spend') }}
),

-- A re-export replaces the days that it holds: exports are named by their date.
ranked as (
    select
        *,
        rank() over (
            partition by company_id, feed, spend_date, lower(trim(channel))
            order by source_file desc
        ) as file_rank
    from source
)

select
    company_id,
    feed,
    source_file,
    line_number,
    spend_date,
    lower(trim(channel)) as channel,
    amount,
    currency
from ranked
where file_rank = 1
