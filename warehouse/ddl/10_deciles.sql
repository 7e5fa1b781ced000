create table if not exists ml.clv_decile_scores (
    company_id text not null,
    model text not null,
    cutoff date not null,
    horizon text not null,
    horizon_days integer not null,
    decile integer not null,
    customers integer not null,
    predicted_value double precision not null,
    actual_value double precision not null,
    is_champion boolean not null,
    primary key (company_id, horizon, model, decile)
);

comment on table ml.clv_decile_scores is
    'Mean predicted and mean actual spend of the customers in each tenth of the prediction, lowest '
    'first, at the latest cutoff: the champion and the naive baseline. Written with '
    'ml.clv_model_scores, and about the same holdouts.';
comment on column ml.clv_decile_scores.predicted_value is
    'Mean gross revenue predicted for the holdout, base currency.';
comment on column ml.clv_decile_scores.actual_value is
    'Mean gross revenue of the holdout, base currency; equal predictions share their mean.';
