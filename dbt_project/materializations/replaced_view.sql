{#- dbt's own view is made beside the old one, renamed and the old one dropped with all that reads it: five
    statements and a gap for each of many views that are as they were. Here it is replaced where it stands, and
    dropped only where its columns are no longer those that readers know. -#}
{% materialization replaced_view, adapter='postgres' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        do $replaced_view$
        begin
            create or replace view {{ target_relation }} as (
                {{ sql }}
            );
        exception
            when invalid_table_definition then
                drop view {{ target_relation }} cascade;
                create view {{ target_relation }} as (
                    {{ sql }}
                );
            when wrong_object_type then
                drop table {{ target_relation }} cascade;
                create view {{ target_relation }} as (
                    {{ sql }}
                );
        end
        $replaced_view$
    {%- endcall %}
    {% do persist_docs(target_relation, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}
