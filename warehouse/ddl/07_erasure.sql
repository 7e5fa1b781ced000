create table if not exists access.erased_people (
    company_id text not null,
    source text not null,
    name text not null,
    erased_at timestamptz not null default now(),
    primary key (company_id, source, name)
);

comment on table access.erased_people is
    'Whose personal data are taken out of whatever lands, kept by clv erase: a keyed hash of the '
    'e-mail where source is email, an account''s id of any other source.';

create table if not exists access.erasures (
    company_id text not null,
    email_hash text not null,
    erased_at timestamptz not null default now(),
    erased_by text not null default current_user,
    changed jsonb not null
);

comment on table access.erasures is
    'One row for each clv erase: by whom, when, and how many rows of which table it changed.';

-- What dbt's macro hash_email computes. An e-mail that was erased carries its hash. Whoever may call
-- it needs no right to the key.
create or replace function access.email_hash(email text)
returns text
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $function$
select
    case
        when email like 'erased-%@erased.invalid' then substr(email, 8, 64)
        else encode(
            sha256(
                outer_key
                || sha256(inner_key || convert_to(nullif(lower(trim(email)), ''), 'UTF8'))
            ),
            'hex'
        )
    end
from access.email_key
$function$;

revoke all on function access.email_hash from public;
