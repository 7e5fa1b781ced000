-- An alter table waits for every reader even where it has nothing to do, so it is only said once.
do $migration$
begin
    if not exists (
        select from pg_attribute
        where attrelid = 'ml.clv_predictions'::regclass and attname = 'upper_95'
    ) then
        alter table ml.clv_predictions
            add column lower_95 numeric(18, 4),
            add column upper_95 numeric(18, 4);
    end if;
end
$migration$;

comment on column ml.clv_predictions.lower is
    'Lower end of the 80 % interval of predicted_value; null where nothing calibrates it.';
comment on column ml.clv_predictions.upper is
    'Upper end of the 80 % interval of predicted_value; null where nothing calibrates it.';
comment on column ml.clv_predictions.lower_95 is
    'Lower end of the 95 % interval of predicted_value; null where nothing calibrates it.';
comment on column ml.clv_predictions.upper_95 is
    'Upper end of the 95 % interval of predicted_value; null where nothing calibrates it.';
comment on column ml.clv_predictions.confidence is
    '1 less the width of the 80 % interval over that of the company''s marginal one, cut to 0..1.';

create table if not exists ml.interval_scores (
    company_id text not null,
    horizon_months integer not null,
    nominal double precision not null,
    cutoff date not null,
    segment text not null,
    horizon_days integer not null,
    calibration_cutoff date not null,
    currency text not null,
    rows integer not null,
    pinball numeric(18, 4) not null,
    pinball_marginal numeric(18, 4) not null,
    mean_width numeric(18, 4) not null,
    mean_width_marginal numeric(18, 4) not null,
    coverage double precision not null check (coverage between 0 and 1),
    coverage_marginal double precision not null check (coverage_marginal between 0 and 1),
    primary key (company_id, horizon_months, nominal, cutoff, segment)
);

comment on table ml.interval_scores is
    'How the intervals of predicted_value did on a holdout that calibrated none of them, beside one constant interval.';
comment on column ml.interval_scores.company_id is 'The company (tenant). Part of every key.';
comment on column ml.interval_scores.horizon_months is 'Horizon of the predictions that are judged.';
comment on column ml.interval_scores.nominal is 'Share that is meant to lie within: 0.8 or 0.95.';
comment on column ml.interval_scores.cutoff is 'Last day that the judged model knew.';
comment on column ml.interval_scores.segment is
    'all, decile_01 (lowest prediction) to decile_10, one_time_buyers (before the cutoff), or buyers (in the holdout).';
comment on column ml.interval_scores.horizon_days is 'Length of the holdout.';
comment on column ml.interval_scores.calibration_cutoff is
    'Cutoff of the latest window that calibrated the intervals; it was over by cutoff.';
comment on column ml.interval_scores.currency is 'Currency of the money columns, ISO 4217.';
comment on column ml.interval_scores.rows is 'Customers judged.';
comment on column ml.interval_scores.pinball is
    'Mean pinball loss of both ends at their quantile levels, in currency.';
comment on column ml.interval_scores.pinball_marginal is 'The same of the constant interval.';
comment on column ml.interval_scores.mean_width is 'Mean of upper less lower, in currency.';
comment on column ml.interval_scores.mean_width_marginal is 'Width of the constant interval.';
comment on column ml.interval_scores.coverage is 'Share of customers whose spend lay within.';
comment on column ml.interval_scores.coverage_marginal is 'The same of the constant interval.';

create table if not exists ml.customer_outlook (
    company_id text not null,
    customer_id text not null,
    calculation_date date not null,
    expected_next_order_date date,
    days_overdue integer check (days_overdue >= 0),
    churn_risk text check (churn_risk in ('low', 'medium', 'high')),
    best_intervention_date date,
    intervention_reason text,
    primary key (company_id, customer_id, calculation_date)
);

comment on table ml.customer_outlook is
    'When each customer is expected back, and when it pays most to write to them; the latest calculation only.';
comment on column ml.customer_outlook.company_id is 'The company (tenant). Part of every key.';
comment on column ml.customer_outlook.customer_id is 'The customer within the company.';
comment on column ml.customer_outlook.calculation_date is 'Last day of data that the outlook knows.';
comment on column ml.customer_outlook.expected_next_order_date is
    'Day by which an order is as likely as not; null where that lies beyond a year.';
comment on column ml.customer_outlook.days_overdue is
    'Days since the last order beyond the customer''s own median gap, 0 within it; null below three order days.';
comment on column ml.customer_outlook.churn_risk is
    'By the probability of no order within the company''s churn window: low below 1/3, high from 2/3 on; null where nothing is predicted.';
comment on column ml.customer_outlook.best_intervention_date is
    'First day of the week of silence that costs most; null where no week costs as much as a contact.';
comment on column ml.customer_outlook.intervention_reason is 'Why then, or why never, for people.';

create table if not exists ml.survival_curves (
    company_id text not null,
    calculation_date date not null,
    dimension text not null,
    dimension_value text not null,
    weeks_since integer not null,
    survival double precision not null check (survival between 0 and 1),
    lower double precision not null check (lower between 0 and survival),
    upper double precision not null check (upper between survival and 1),
    at_risk integer not null,
    primary key (company_id, calculation_date, dimension, dimension_value, weeks_since)
);

comment on table ml.survival_curves is
    'Share of orders that no other has followed within so many weeks (Kaplan-Meier); the latest calculation only.';
comment on column ml.survival_curves.company_id is 'The company (tenant). Part of every key.';
comment on column ml.survival_curves.calculation_date is 'Last day of data that counts.';
comment on column ml.survival_curves.dimension is
    'What customers are told apart by, known at the order: all, order_number, order_value, acquisition_channel, country, cohort.';
comment on column ml.survival_curves.dimension_value is 'Which of them.';
comment on column ml.survival_curves.weeks_since is 'Whole weeks since an order.';
comment on column ml.survival_curves.survival is 'Share without another order by then.';
comment on column ml.survival_curves.lower is 'Lower end of its 95 % interval (log-log Greenwood).';
comment on column ml.survival_curves.upper is 'Upper end of its 95 % interval.';
comment on column ml.survival_curves.at_risk is 'Orders that were still waited on when that week ended.';

create table if not exists ml.churn_risk_factors (
    company_id text not null,
    calculation_date date not null,
    factor text not null,
    hazard_ratio double precision not null check (hazard_ratio > 0),
    lower double precision not null check (lower <= hazard_ratio),
    upper double precision not null check (upper >= hazard_ratio),
    direction text not null check (direction in ('raises', 'lowers', 'none')),
    orders integer not null,
    description text not null,
    primary key (company_id, calculation_date, factor)
);

comment on table ml.churn_risk_factors is
    'What at an order goes with no other order following within the churn window; the latest calculation only.';
comment on column ml.churn_risk_factors.company_id is 'The company (tenant). Part of every key.';
comment on column ml.churn_risk_factors.calculation_date is 'Last day of data that counts.';
comment on column ml.churn_risk_factors.factor is 'Name of the factor.';
comment on column ml.churn_risk_factors.hazard_ratio is
    'By how much the factor multiplies the hazard of churn, the other factors equal; above 1 raises the risk.';
comment on column ml.churn_risk_factors.lower is
    'Lower end of its 95 % interval, for all factors together, robust to customers with many orders.';
comment on column ml.churn_risk_factors.upper is 'Upper end of its interval.';
comment on column ml.churn_risk_factors.direction is
    'raises or lowers the risk; none where the interval holds 1.';
comment on column ml.churn_risk_factors.orders is 'Orders that the estimate rests on.';
comment on column ml.churn_risk_factors.description is 'The factor in words.';

create table if not exists ml.revenue_forecasts (
    company_id text not null,
    calculation_date date not null,
    month date not null,
    cohort text not null,
    forecast numeric(18, 4) not null check (forecast >= 0),
    lower numeric(18, 4) check (lower <= forecast),
    upper numeric(18, 4) check (upper >= forecast),
    seasonal_naive numeric(18, 4),
    currency text not null,
    primary key (company_id, calculation_date, month, cohort)
);

comment on table ml.revenue_forecasts is
    'Gross revenue expected by month and cohort, with 80 % intervals; the latest calculation only.';
comment on column ml.revenue_forecasts.company_id is 'The company (tenant). Part of every key.';
comment on column ml.revenue_forecasts.calculation_date is 'Last day of data that the forecast knows.';
comment on column ml.revenue_forecasts.month is
    'First day of the month. A month that is under way holds what it brought already.';
comment on column ml.revenue_forecasts.cohort is
    'all; existing and new customers, which add up to all; or the quarter of the first order, such as 2025-Q1: these add up to existing.';
comment on column ml.revenue_forecasts.forecast is 'Gross revenue, before refunds, undiscounted.';
comment on column ml.revenue_forecasts.lower is
    'Lower end of the 80 % interval; null below three backtests.';
comment on column ml.revenue_forecasts.upper is
    'Upper end of the 80 % interval; null below three backtests.';
comment on column ml.revenue_forecasts.seasonal_naive is
    'Gross revenue of the same month a year before; null where there is none.';
comment on column ml.revenue_forecasts.currency is 'Currency of the money columns, ISO 4217.';

create table if not exists ml.cohort_forecasts (
    company_id text not null,
    calculation_date date not null,
    month date not null,
    cohort_month date not null,
    forecast numeric(18, 4) not null check (forecast >= 0),
    lower numeric(18, 4) check (lower <= forecast),
    upper numeric(18, 4) check (upper >= forecast),
    currency text not null,
    primary key (company_id, calculation_date, month, cohort_month)
);

comment on table ml.cohort_forecasts is
    'Gross revenue expected of existing customers by month and month of their first order, with 80 % intervals; the latest calculation only.';
comment on column ml.cohort_forecasts.company_id is 'The company (tenant). Part of every key.';
comment on column ml.cohort_forecasts.calculation_date is 'Last day of data that the forecast knows.';
comment on column ml.cohort_forecasts.month is
    'First day of the month. A month that is under way holds what it brought already.';
comment on column ml.cohort_forecasts.cohort_month is
    'Month of the first day with a positive amount.';
comment on column ml.cohort_forecasts.forecast is 'Gross revenue, before refunds, undiscounted.';
comment on column ml.cohort_forecasts.lower is
    'Lower end of the 80 % interval; null below three backtests.';
comment on column ml.cohort_forecasts.upper is
    'Upper end of the 80 % interval; null below three backtests.';
comment on column ml.cohort_forecasts.currency is 'Currency of the money columns, ISO 4217.';

create table if not exists ml.forecast_scores (
    company_id text not null,
    calculation_date date not null,
    model text not null check (model in ('forecast', 'seasonal_naive')),
    horizon_months integer not null,
    mae numeric(18, 4) not null,
    mape double precision,
    coverage double precision check (coverage between 0 and 1),
    windows integer not null,
    currency text not null,
    primary key (company_id, calculation_date, model, horizon_months)
);

comment on table ml.forecast_scores is
    'How the revenue forecast did at earlier cutoffs, beside the same month a year before; the latest calculation only.';
comment on column ml.forecast_scores.company_id is 'The company (tenant). Part of every key.';
comment on column ml.forecast_scores.calculation_date is 'Last day of data that counts.';
comment on column ml.forecast_scores.model is 'forecast or seasonal_naive, on the same months.';
comment on column ml.forecast_scores.horizon_months is 'How many months ahead the month was.';
comment on column ml.forecast_scores.mae is 'Mean absolute error of a month''s revenue, in currency.';
comment on column ml.forecast_scores.mape is
    'The same over the month''s revenue; null where a month had none.';
comment on column ml.forecast_scores.coverage is
    'Share of months within the 80 % interval that the other cutoffs give; null below three.';
comment on column ml.forecast_scores.windows is 'Cutoffs that were judged.';
comment on column ml.forecast_scores.currency is 'Currency of the money columns, ISO 4217.';

create table if not exists ml.drift_metrics (
    company_id text not null,
    calculation_date date not null,
    kind text not null check (kind in ('feature', 'prediction', 'segment', 'shap')),
    name text not null,
    psi double precision not null check (psi >= 0),
    ks double precision check (ks between 0 and 1),
    psi_bound double precision not null,
    is_drifted boolean not null,
    reference_rows integer not null,
    current_rows integer not null,
    primary key (company_id, calculation_date, kind, name)
);

comment on table ml.drift_metrics is
    'How far what the models see, say and go by has moved within a year.';
comment on column ml.drift_metrics.company_id is 'The company (tenant). Part of every key.';
comment on column ml.drift_metrics.calculation_date is 'Last day of data that counts.';
comment on column ml.drift_metrics.kind is 'feature, prediction, segment or shap.';
comment on column ml.drift_metrics.name is 'What is compared; of kind shap the driver, as in ml.customer_reasons.feature.';
comment on column ml.drift_metrics.psi is
    'Population stability index, Σ (q - p) ln(q / p) over bins or groups, against the earlier quarter that is most like today; customers of one tenure with those of the same.';
comment on column ml.drift_metrics.ks is
    'Largest distance of the two distribution functions; null where values have no order.';
comment on column ml.drift_metrics.psi_bound is
    'What psi stays below: 0.25, or more where so few rows scatter beyond that by chance.';
comment on column ml.drift_metrics.is_drifted is 'psi is above psi_bound.';
comment on column ml.drift_metrics.reference_rows is 'Rows of the earlier quarter that have their like today.';
comment on column ml.drift_metrics.current_rows is 'Rows of today that have their like in that quarter.';

create table if not exists ml.realised_accuracy (
    company_id text not null,
    calculation_date date not null,
    horizon_months integer not null,
    basis text not null check (basis in ('published', 'backtest')),
    window_end date not null,
    customers integer not null,
    predicted numeric(18, 4) not null,
    actual numeric(18, 4) not null,
    total_ratio double precision,
    mae numeric(18, 4) not null,
    mae_expected numeric(18, 4),
    change double precision,
    is_alarm boolean not null,
    currency text not null,
    primary key (company_id, calculation_date, horizon_months, basis)
);

comment on table ml.realised_accuracy is
    'What came after earlier predictions, once their window was over.';
comment on column ml.realised_accuracy.company_id is 'The company (tenant). Part of every key.';
comment on column ml.realised_accuracy.calculation_date is
    'Day from which was predicted: of earlier predictions, or of the contest''s latest cutoff.';
comment on column ml.realised_accuracy.horizon_months is 'Horizon of the prediction.';
comment on column ml.realised_accuracy.basis is
    'published: rows of ml.clv_predictions that people saw. backtest: what the champion would have said, at the contest''s latest cutoff.';
comment on column ml.realised_accuracy.window_end is 'Last day that was predicted.';
comment on column ml.realised_accuracy.customers is 'Customers compared: those who had paid by then.';
comment on column ml.realised_accuracy.predicted is 'Their predicted gross revenue, all together.';
comment on column ml.realised_accuracy.actual is 'What it was.';
comment on column ml.realised_accuracy.total_ratio is 'predicted over actual; null where nothing came.';
comment on column ml.realised_accuracy.mae is 'Mean absolute error a customer.';
comment on column ml.realised_accuracy.mae_expected is
    'The error that the contest saw of the same model at the cutoff before; null without one.';
comment on column ml.realised_accuracy.change is 'mae over mae_expected, less 1.';
comment on column ml.realised_accuracy.is_alarm is 'change is above 0.2.';
comment on column ml.realised_accuracy.currency is 'Currency of the money columns, ISO 4217.';
