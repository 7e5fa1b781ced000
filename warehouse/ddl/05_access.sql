create schema if not exists access;

create table if not exists access.reader_companies (
    role_name text not null,
    company_id text not null,
    personal_data boolean not null default false,
    granted_at timestamptz not null default now(),
    primary key (role_name, company_id)
);

comment on table access.reader_companies is
    'Which companies a reader sees, and whether marts.customer_pii too; kept by clv grant and clv revoke.';

-- Halves of an HMAC key, as RFC 2104 pads it, so that SQL needs no more than sha256.
create table if not exists access.email_key (
    only_row boolean primary key default true check (only_row),
    inner_key bytea not null,
    outer_key bytea not null
);

comment on table access.email_key is
    'The key of every email_hash. Made once; a new one would make new customers of all guests.';

-- The policies of a table or view that people read, and after them the rights. Who makes a relation
-- calls it in the transaction that makes it. A role that is missing on the server is left out.
create or replace function access.protect(target regclass, personal_data boolean default false)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
    layer name;
    kind "char";
    insiders text[];
    everyone text[];
    writers text[];
begin
    select nspname, relkind into layer, kind
    from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
    where pg_class.oid = target;

    if kind not in ('r', 'p', 'v') then
        raise exception '% can''t be kept from readers of other companies', target
            using hint = 'Make it a table: materialized views and foreign tables take no policies.';
    end if;
    if not exists (
        select from pg_attribute
        where attrelid = target and attname = 'company_id' and not attisdropped
    ) then
        raise exception '% has no column company_id', target
            using hint = 'Readers see the rows of their companies: add company_id, or keep the '
            'relation out of marts, reporting and ml.';
    end if;

    select coalesce(array_agg(quote_ident(rolname)), '{}') into insiders
    from pg_roles
    where
        rolname in ('clv_transformer', 'clv_analyst')
        or rolname = 'clv_ml' and layer in ('marts', 'ml') and not personal_data;
    select insiders || coalesce(array_agg(quote_ident(rolname)), '{}') into everyone
    from pg_roles where rolname = 'clv_reader';
    select coalesce(array_agg(quote_ident(rolname)), '{}') into writers
    from pg_roles
    where rolname = 'clv_transformer' or rolname = 'clv_ml' and layer = 'ml';

    -- Done already: what follows would wait for everybody who reads the table.
    if kind <> 'v' and (select relrowsecurity from pg_class where oid = target) and not exists (
        select from pg_roles
        where
            quote_ident(rolname) = any (everyone)
            and not (
                has_table_privilege(pg_roles.oid, target, 'select')
                and exists (
                    select from pg_policy
                    where polrelid = target and pg_roles.oid = any (polroles)
                )
            )
    ) then
        return;
    end if;

    if kind = 'v' then
        execute format('alter view %s set (security_invoker = true)', target);
    else
        execute format('alter table %s enable row level security', target);
        execute format('drop policy if exists every_company on %s', target);
        execute format('drop policy if exists granted_companies on %s', target);
        if cardinality(insiders) > 0 then
            execute format(
                'create policy every_company on %s to %s using (true) with check (true)',
                target, array_to_string(insiders, ', ')
            );
        end if;
        if everyone <> insiders then
            -- The list is made once a query, and an index on company_id looks it up. Joined to
            -- pg_roles because pg_has_role fails for a role that is gone.
            execute format(
                $policy$
                create policy granted_companies on %s for select to clv_reader using (
                    company_id = any (array(
                        select granted.company_id
                        from access.reader_companies as granted
                        inner join pg_catalog.pg_roles as readers
                            on readers.rolname = granted.role_name
                        where pg_catalog.pg_has_role(readers.oid, 'usage') and %s
                    ))
                )
                $policy$,
                target, case when personal_data then 'granted.personal_data' else 'true' end
            );
        end if;
    end if;

    if cardinality(everyone) > 0 then
        execute format('grant select on %s to %s', target, array_to_string(everyone, ', '));
    end if;
    if cardinality(writers) > 0 and kind <> 'v' then
        execute format(
            'grant insert, update, delete, truncate on %s to %s',
            target, array_to_string(writers, ', ')
        );
    end if;
end
$function$;
