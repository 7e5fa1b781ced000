create table if not exists ml.clv_prediction_paths (
    company_id text not null,
    customer_id text not null,
    calculation_date date not null,
    month integer not null check (month > 0),
    expected_orders double precision not null check (expected_orders >= 0),
    predicted_value numeric(18, 4) not null check (predicted_value >= 0),
    p_active double precision not null check (p_active between 0 and 1),
    primary key (company_id, customer_id, month)
);

comment on table ml.clv_prediction_paths is
    'What each customer is expected to spend up to the end of each month after the calculation date, up to the longest horizon; the latest calculation only. Customers who have paid nothing have no path.';
comment on column ml.clv_prediction_paths.company_id is 'The company (tenant). Part of every key.';
comment on column ml.clv_prediction_paths.customer_id is 'The customer within the company.';
comment on column ml.clv_prediction_paths.calculation_date is
    'Last day of data that the prediction knows.';
comment on column ml.clv_prediction_paths.month is
    'Months of 30.4375 days after the calculation date, from 1; all figures are cumulative.';
comment on column ml.clv_prediction_paths.expected_orders is
    'Expected orders up to the end of the month.';
comment on column ml.clv_prediction_paths.predicted_value is
    'Expected gross revenue up to then, before refunds, base currency, undiscounted.';
comment on column ml.clv_prediction_paths.p_active is
    'Probability of at least one order up to then.';
