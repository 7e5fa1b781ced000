{% macro plan_for_whole_tables() -%}
    {{ return(adapter.dispatch('plan_for_whole_tables', 'clv')()) }}
{%- endmacro %}

{% macro default__plan_for_whole_tables() -%}{%- endmacro %}

{% macro postgres__plan_for_whole_tables() -%}
    {#- Of the transaction that builds a table: joins by hash, in memory, on both cores, and a
        commit that doesn't wait for the disk. A kept_table may merge too: its rows come customer by
        customer, and stay in order for the sums. What a view is planned with is its reader's. -#}
    {%- set materialized = config.get('materialized') -%}
    {%- if materialized not in ['replaced_view', 'ephemeral'] -%}
        {%- set settings = {
            'enable_nestloop': 'off',
            'enable_mergejoin': 'on' if materialized == 'kept_table' else 'off',
            'work_mem': '128MB',
            'hash_mem_multiplier': '4',
            'maintenance_work_mem': '256MB',
            'jit': 'off',
            'synchronous_commit': 'off',
            'max_parallel_workers_per_gather': '2'
        } -%}
        {%- for setting, value in settings.items() -%}
            set local {{ setting }} = '{{ value }}';
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
