{#- A company_table of customers at days, of which only rows that something moved under are built again: all of a
    customer whose fingerprint is another, and all of a day and horizon that is new or has ended. What it was built
    from is remembered in the transaction that builds it; nothing remembered means that all of it is built again. -#}
{% materialization kept_table, adapter='postgres' %}
    {%- set days = config.require('days') -%}
    {%- set horizons = 'horizon_months' in days -%}
    {%- if not keeps_rows() -%}
        {% set built = dbt.materialization_table_default() %}
        {% call statement('remember') -%}
            {{ remember_built(horizons, of_held=true) }}
        {%- endcall %}
        {{ adapter.commit() }}
        {{ return(built) }}
    {%- endif -%}

    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set columns = model.columns.keys() | join(', ') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('move') -%}
        {{ mark_moved(horizons) }};
        {{ delete_moved(target_relation, days) }}
    {%- endcall %}
    {% call statement('main') -%}
        insert into {{ target_relation }} ({{ columns }})
        select {{ columns }} from (
            {{ sql }}
        ) as computed
    {%- endcall %}
    {% call statement('remember') -%}
        {{ remember_built(horizons, of_held=false) }}
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
