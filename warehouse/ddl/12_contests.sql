create table if not exists ml.contests (
    company_id text not null,
    number integer not null,
    as_of date not null,
    run text not null,
    settings text not null,
    asked_by text not null,
    decision text not null check (decision in ('first', 'promoted', 'kept')),
    champion text not null,
    champion_before text,
    reason text not null,
    model_version text not null,
    primary key (company_id, number)
);

comment on table ml.contests is
    'Every contest of the models that was held: why, who won, and whether the winner took over. The '
    'latest of a company says which model is in service.';
comment on column ml.contests.company_id is 'The company (tenant). Part of every key.';
comment on column ml.contests.number is 'Counts the company''s contests from 1.';
comment on column ml.contests.as_of is 'Last day of the data that it was held on.';
comment on column ml.contests.run is 'Id that depends on data, settings and code alone.';
comment on column ml.contests.settings is
    'Hash of what else than data decides it: currency, horizons, the code of the models.';
comment on column ml.contests.asked_by is 'Why it was held.';
comment on column ml.contests.decision is
    'first: nobody was in service. promoted: another model took over. kept: the same model, fitted anew.';
comment on column ml.contests.champion is 'The model in service from then on.';
comment on column ml.contests.champion_before is 'The model in service until then.';
comment on column ml.contests.reason is 'Why this one.';
comment on column ml.contests.model_version is 'Version of the registered model of the company.';
