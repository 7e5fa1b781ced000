{#- dbt's own table; what differs is what goes into it, see postgres__get_create_table_as_sql. -#}
{% materialization company_table, adapter='postgres' %}
    {{ return(dbt.materialization_table_default()) }}
{% endmaterialization %}
