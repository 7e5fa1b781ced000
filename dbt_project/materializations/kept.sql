{#- For models of customers at days (materialization kept_table): which rows are to be built. -#}

{% macro keeps_rows() -%}
    {%- if not execute or should_full_refresh() -%}{{ return(false) }}{%- endif -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing is none or not existing.is_table -%}{{ return(false) }}{%- endif -%}
    {%- set had = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
    {%- if had != model.columns.keys() | list -%}{{ return(false) }}{%- endif -%}
    {#- Of nothing that was built by this SQL, all rows would move. -#}
    {%- set known = run_query(
        'select 1 from ' ~ built('built_windows')
        ~ " where model = '" ~ model.name ~ "' and state like '" ~ definition() ~ "/%' limit 1"
    ) -%}
    {{ return(known.rows | length > 0) }}
{%- endmacro %}

{% macro rows_to_build(rows, days) -%}
    {#- The materialization reads these; they become known as inputs here. -#}
    {%- do ref('int_customers_fingerprinted') -%}
    {%- do ref('int_snapshot_windows_spined') -%}
    {%- do ref('stg_quarantine__held_companies') -%}
    {#- Two halves instead of an "or", so that each is a join. -#}
    {%- if keeps_rows() -%}
        select rows.*
        from {{ rows }} as rows
        inner join moved_customers
            on
                rows.company_id = moved_customers.company_id
                and rows.customer_id = moved_customers.customer_id
        union all
        select rows.*
        from {{ rows }} as rows
        inner join moved_windows
            on
                rows.company_id = moved_windows.company_id
                {%- for column in days %}
                    and rows.{{ column }} = moved_windows.{{ column }}
                {%- endfor %}
        left join moved_customers
            on
                rows.company_id = moved_customers.company_id
                and rows.customer_id = moved_customers.customer_id
        where moved_customers.customer_id is null
    {%- else -%}
        select * from {{ rows }}
    {%- endif -%}
{%- endmacro %}

{% macro built(table) -%}
    {{ return(api.Relation.create(database=this.database, schema='intermediate', identifier=table)) }}
{%- endmacro %}

{% macro definition() -%}
    {#- What the rows follow from besides the tables: another SQL makes other rows of all. -#}
    {{ return(local_md5(
        model.raw_code ~ customer_stage('a') ~ status_segment('a') ~ days_between('a', 'b') ~ add_days('a', 'b')
    )) }}
{%- endmacro %}

{% macro windows_of_this(horizons) -%}
    select
        company_id,
        as_of_date,
        horizon_months,
        '{{ definition() }}/' || state as state
    from {{ ref('int_snapshot_windows_spined') }}
    where
        horizon_months {{ '>' if horizons else '=' }} 0
        and company_id not in (select company_id from {{ ref('stg_quarantine__held_companies') }})
{%- endmacro %}

{% macro mark_moved(horizons) -%}
    create temporary table moved_customers on commit drop as
    select
        coalesce(customers.company_id, built.company_id) as company_id,
        coalesce(customers.customer_id, built.customer_id) as customer_id
    from {{ ref('int_customers_fingerprinted') }} as customers
    full join (
        select * from {{ built('built_customers') }}
        where model = '{{ model.name }}'
    ) as built
        on customers.company_id = built.company_id and customers.customer_id = built.customer_id
    where
        customers.fingerprint is distinct from built.fingerprint
        and coalesce(customers.company_id, built.company_id) not in (
            select company_id from {{ ref('stg_quarantine__held_companies') }}
        );
    analyze moved_customers;
    create temporary table moved_windows on commit drop as
    select
        coalesce(windows.company_id, built.company_id) as company_id,
        coalesce(windows.as_of_date, built.as_of_date) as as_of_date,
        coalesce(windows.horizon_months, built.horizon_months) as horizon_months
    from ({{ windows_of_this(horizons) }}) as windows
    full join (
        select * from {{ built('built_windows') }}
        where
            model = '{{ model.name }}'
            and company_id not in (select company_id from {{ ref('stg_quarantine__held_companies') }})
    ) as built
        on
            windows.company_id = built.company_id
            and windows.as_of_date = built.as_of_date
            and windows.horizon_months = built.horizon_months
    where windows.state is distinct from built.state;
    analyze moved_windows
{%- endmacro %}

{% macro delete_moved(target, days) -%}
    delete from {{ target }} as kept
    using moved_customers
    where
        kept.company_id = moved_customers.company_id
        and kept.customer_id = moved_customers.customer_id;
    delete from {{ target }} as kept
    using moved_windows
    where
        kept.company_id = moved_windows.company_id
        {%- for column in days %}
            and kept.{{ column }} = moved_windows.{{ column }}
        {%- endfor %}
{%- endmacro %}

{% macro remember_built(horizons, of_held) -%}
    {%- for table in ['built_customers', 'built_windows'] %}
        delete from {{ built(table) }}
        where
            model = '{{ model.name }}'
            {%- if not of_held %}
                and company_id not in (
                    select company_id from {{ ref('stg_quarantine__held_companies') }}
                )
            {%- endif %};
    {%- endfor %}
    insert into {{ built('built_customers') }} (model, company_id, customer_id, fingerprint)
    select
        '{{ model.name }}',
        company_id,
        customer_id,
        fingerprint
    from {{ ref('int_customers_fingerprinted') }}
    where company_id not in (select company_id from {{ ref('stg_quarantine__held_companies') }});
    insert into {{ built('built_windows') }} (model, company_id, as_of_date, horizon_months, state)
    select
        '{{ model.name }}',
        company_id,
        as_of_date,
        horizon_months,
        state
    from ({{ windows_of_this(horizons) }}) as windows
{%- endmacro %}
