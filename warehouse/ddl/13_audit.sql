create table if not exists access.audit_log (
    number bigint generated always as identity primary key,
    at_time timestamptz not null default now(),
    actor text not null,
    action text not null,
    company_id text,
    object text not null,
    detail jsonb not null default '{}'
);

create index if not exists audit_log_at_time on access.audit_log (at_time);

comment on table access.audit_log is
    'Who or what ran, changed, exported or erased something, and when. Rows are only ever added; no '
    'personal data and no secrets stand in it. Read with clv audit, or by whom it is granted to.';
comment on column access.audit_log.actor is
    'A reader or person by name, a schedule, a sensor, or clv for a command of the platform.';
comment on column access.audit_log.company_id is 'Null where it concerns all companies.';
comment on column access.audit_log.object is 'What it was done to: a reader, a table, a run, a model.';

create or replace function access.refuse_change()
returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
    raise exception 'access.audit_log is only added to: % is refused', lower(tg_op);
end
$function$;

do $block$
begin
    if not exists (
        select from pg_trigger
        where tgrelid = 'access.audit_log'::regclass and tgname = 'only_added_to'
    ) then
        create trigger only_added_to
        before update or delete or truncate on access.audit_log
        for each statement execute function access.refuse_change();
    end if;
end
$block$;
