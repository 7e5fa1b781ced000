create schema if not exists alerts;

create table if not exists alerts.raised (
    alert_id bigint generated always as identity primary key,
    kind text not null,
    company_id text,
    key text not null,
    happened text not null,
    means text not null,
    to_do text not null,
    raised_at timestamptz not null default clock_timestamp(),
    unique nulls not distinct (kind, company_id, key)
);

comment on table alerts.raised is
    'What people were to be told, each once; written before it is sent.';

create table if not exists alerts.deliveries (
    alert_id bigint not null references alerts.raised,
    route text not null,
    attempts integer not null default 0,
    try_after timestamptz not null default '-infinity',
    sent_at timestamptz,
    problem text,
    primary key (alert_id, route)
);

comment on table alerts.deliveries is
    'Where each alert goes and whether it got there. No address that is a secret stands here.';

create index if not exists deliveries_due on alerts.deliveries (route, alert_id) where sent_at is null;
