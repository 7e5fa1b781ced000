create schema if not exists intermediate;

create table if not exists intermediate.built_customers (
    model text not null,
    company_id text not null,
    customer_id text not null,
    fingerprint numeric not null,
    primary key (model, company_id, customer_id)
);

comment on table intermediate.built_customers is
    'From what a model that keeps its rows was last built, a customer a row; kept by the model itself.';

create table if not exists intermediate.built_windows (
    model text not null,
    company_id text not null,
    as_of_date date not null,
    horizon_months integer not null,
    state text not null,
    primary key (model, company_id, as_of_date, horizon_months)
);

comment on table intermediate.built_windows is
    'For which days and horizons such a model was last built, and by what SQL.';
