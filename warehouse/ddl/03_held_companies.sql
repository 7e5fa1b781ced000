create table if not exists quarantine.held_companies (
    company_id text primary key,
    reason text not null,
    since timestamptz not null
);

comment on table quarantine.held_companies is
    'Companies whose raw data are not fit for use: their marts keep the rows of the last good load.';
