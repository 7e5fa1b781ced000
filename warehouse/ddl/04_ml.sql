create table if not exists ml.clv_predictions (
    company_id text not null,
    customer_id text not null,
    calculation_date date not null,
    horizon_months integer not null,
    expected_orders double precision not null,
    predicted_value numeric(18, 4) not null,
    predicted_net numeric(18, 4) not null,
    predicted_margin numeric(18, 4) not null,
    predicted_discounted numeric(18, 4) not null,
    currency text not null,
    lower numeric(18, 4),
    upper numeric(18, 4),
    p_active double precision not null,
    churn_probability double precision not null,
    confidence double precision,
    eligibility text not null,
    model_name text not null,
    model_version text not null,
    primary key (company_id, customer_id, calculation_date, horizon_months)
);

-- The dashboard asks for the latest calculation before a day.
create index if not exists clv_predictions_by_day
on ml.clv_predictions (company_id, calculation_date);

comment on table ml.clv_predictions is
    'What each customer is expected to spend within a horizon after the calculation date.';

-- Tables take no lock for it where it is there.
do $migration$
begin
    if to_regclass('ml.clv_predictions_of_a_day') is null then
        create index clv_predictions_of_a_day
            on ml.clv_predictions (company_id, calculation_date, horizon_months);
    end if;
end
$migration$;

create table if not exists ml.clv_model_scores (
    company_id text not null,
    run text not null,
    model text not null,
    cutoff date not null,
    horizon text not null,
    segment text not null,
    horizon_days integer not null,
    rows integer not null,
    mae double precision,
    rmse double precision,
    spearman double precision,
    normalised_gini double precision,
    decile_mape double precision,
    total_ratio double precision,
    auc double precision,
    coverage double precision,
    composite double precision,
    is_champion boolean not null,
    primary key (company_id, run, model, cutoff, horizon, segment)
);

comment on table ml.clv_model_scores is
    'How each candidate did in the backtest, the naive baseline included.';
