create table if not exists quarantine.rejected_rows (
    company_id text not null,
    source text not null,
    feed text not null,
    source_file text not null,
    line_number bigint not null,
    column_name text not null,
    reason text not null,
    raw_row jsonb not null,
    rejected_at timestamptz not null
);

comment on table quarantine.rejected_rows is
    'Rows that a source could not read, with the reason; replaced with each load of their feed.';

create index if not exists rejected_rows_feed
    on quarantine.rejected_rows (company_id, source, feed);
