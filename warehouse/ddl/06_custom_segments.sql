create table if not exists reporting.custom_segments (
    company_id text not null,
    segment text not null,
    customer_id text not null,
    primary key (company_id, segment, customer_id)
);

create index if not exists custom_segments_customer
    on reporting.custom_segments (company_id, customer_id);

comment on table reporting.custom_segments is
    'Who is in which segment of segments.yml, by reporting.customer_360.';
comment on column reporting.custom_segments.company_id is 'The company (tenant). Part of every key.';
comment on column reporting.custom_segments.segment is 'Name of the segment.';
comment on column reporting.custom_segments.customer_id is 'The customer within the company.';

create table if not exists reporting.custom_segment_summary (
    company_id text not null,
    segment text not null,
    description text not null,
    customers bigint not null,
    share_of_customers double precision not null,
    currency text not null,
    value_to_date numeric(18, 4) not null,
    predicted_value_12m numeric(18, 4),
    average_value_to_date numeric(18, 4),
    average_predicted_value_12m numeric(18, 4),
    average_clv numeric(18, 4),
    primary key (company_id, segment)
);

comment on table reporting.custom_segment_summary is
    'How many customers a segment of segments.yml has in a company, and what they are worth.';
comment on column reporting.custom_segment_summary.company_id is
    'The company (tenant). Part of every key.';
comment on column reporting.custom_segment_summary.segment is 'Name of the segment.';
comment on column reporting.custom_segment_summary.description is 'What the segment is for.';
comment on column reporting.custom_segment_summary.customers is 'Customers in it; 0 where nobody fits.';
comment on column reporting.custom_segment_summary.share_of_customers is
    'customers over all customers of the company, 0 to 1.';
comment on column reporting.custom_segment_summary.currency is
    'Currency of the company''s base amounts, ISO 4217.';
comment on column reporting.custom_segment_summary.value_to_date is 'Net revenue to date, all together.';
comment on column reporting.custom_segment_summary.predicted_value_12m is
    'Gross revenue expected in the next 12 months, all together; null where nobody has a prediction.';
comment on column reporting.custom_segment_summary.average_value_to_date is
    'Net revenue to date a customer; null where nobody fits.';
comment on column reporting.custom_segment_summary.average_predicted_value_12m is
    'Gross revenue expected in the next 12 months a customer, over those with a prediction.';
comment on column reporting.custom_segment_summary.average_clv is
    'Net revenue to date and expected in the next 12 months a customer, over those with a prediction.';
