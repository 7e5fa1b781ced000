create schema if not exists inbox;

-- No payload: whatever an event is about is read again from its source, so nothing personal is here.
create table if not exists inbox.events (
    event_number bigint generated always as identity primary key,
    company_id text not null,
    source text not null,
    delivery_id text not null,
    event_id text,
    topic text not null,
    objects text[] not null,
    occurred_at timestamptz,
    received_at timestamptz not null default clock_timestamp(),
    status text not null default 'waiting' check (status in ('waiting', 'done', 'failed')),
    attempts integer not null default 0,
    try_after timestamptz not null default '-infinity',
    problem text,
    finished_at timestamptz,
    unique (company_id, source, delivery_id)
);

comment on table inbox.events is
    'What stores told by webhook to have changed, each once; the receiver writes it, the job fetch '
    'reads the objects again. Done ones are kept for a month, so that a repeated delivery is known.';
comment on column inbox.events.objects is 'What changed, each as entity/id, such as orders/1001.';

-- Two subscriptions of one topic tell of one event in deliveries of their own.
create unique index if not exists events_event
    on inbox.events (company_id, source, event_id, topic, objects) where event_id is not null;
create index if not exists events_waiting
    on inbox.events (company_id, source, event_number) where status = 'waiting';
create index if not exists events_failed on inbox.events (company_id, source) where status = 'failed';
create index if not exists events_finished on inbox.events (finished_at) where status = 'done';

create table if not exists inbox.uploads (
    upload_id uuid primary key,
    company_id text not null,
    feed text not null,
    file_name text not null,
    bytes bigint not null,
    sha256 text not null,
    mode text not null check (mode in ('replace', 'add')),
    settings jsonb not null default '{}',
    status text not null check (
        status in ('checking', 'ready', 'refused', 'requested', 'landing', 'landed', 'failed')
    ),
    uploaded_by text not null,
    uploaded_at timestamptz not null default clock_timestamp(),
    changed_at timestamptz not null default clock_timestamp(),
    rows_checked bigint not null default 0,
    problem text
);

comment on table inbox.uploads is
    'Files that people sent: checked, then accepted, then landed as a feed of the files source.';

create index if not exists uploads_company on inbox.uploads (company_id, uploaded_at);
create index if not exists uploads_open
    on inbox.uploads (status) where status in ('checking', 'requested', 'landing');

-- Written when a run has ended, for the metrics.
create table if not exists inbox.runs (
    run_id text primary key,
    job_name text not null,
    company_id text,
    status text not null,
    started_at timestamptz,
    ended_at timestamptz not null,
    rows_landed bigint not null default 0
);

comment on table inbox.runs is 'Runs of the platform that have ended, one row each.';
