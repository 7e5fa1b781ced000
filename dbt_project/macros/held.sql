{% macro landed(source_name, table_name, of_companies=true) -%}
    {#- Both are asked for at parsing too, where a model's inputs become known. -#}
    {%- set table = source(source_name, table_name) -%}
    {%- set held = ref('stg_quarantine__held_companies') -%}
    {%- if execute and not table.is_cte and load_relation(table) is none -%}
        ({{ no_rows(source_name, table_name) }}) as landed
    {%- elif not of_companies -%}
        {{ table }} as landed
    {%- else -%}
        (
            select * from {{ table }}
            where company_id not in (select company_id from {{ held }})
        ) as landed
    {%- endif -%}
{%- endmacro %}

{% macro no_rows(source_name, table_name) -%}
    {%- set declared = graph.sources.values()
        | selectattr('source_name', 'equalto', source_name)
        | selectattr('name', 'equalto', table_name) | first -%}
    {%- set columns = [] -%}
    {%- for column in declared.columns.values() -%}
        {%- do columns.append("cast(null as " ~ column.data_type ~ ") as " ~ column.name) -%}
    {%- endfor -%}
    select {{ columns | join(', ') }} where false
{%- endmacro %}

{% macro held_company_ids() -%}
    {%- set node = graph.nodes['model.clv.stg_quarantine__held_companies'] -%}
    {%- set held = load_relation(
        api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias)
    ) -%}
    {%- if held is none -%}{{ return([]) }}{%- endif -%}
    {%- set found = run_query('select company_id from ' ~ held ~ ' order by company_id') -%}
    {{ return(found.columns[0].values() | list) }}
{%- endmacro %}

{% macro with_held_rows(sql) -%}
    {%- set held_ids = held_company_ids() -%}
    {%- if not held_ids -%}{{ return(sql) }}{%- endif -%}
    {%- set held = [] -%}
    {%- for company_id in held_ids -%}
        {%- do held.append(dbt.string_literal(dbt.escape_single_quotes(company_id))) -%}
    {%- endfor -%}
    {%- set held = held | join(', ') -%}
    {%- set columns = get_columns_in_query(sql) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set carried = [] -%}
    {%- if existing is not none and existing.is_table -%}
        {%- set had = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
        {%- for column in columns -%}
            {%- do carried.append(column if column in had else 'null as ' ~ column) -%}
        {%- endfor -%}
    {%- endif -%}
    select {{ columns | join(', ') }}
    from (
        {{ sql }}
    ) as computed
    where company_id not in ({{ held }})
    {% if 'company_id' in carried -%}
        union all
        select {{ carried | join(', ') }}
        from {{ existing }}
        where company_id in ({{ held }})
    {%- endif -%}
{%- endmacro %}
