{% macro keep_to_companies(relation, personal_data) -%}
    {{ return(adapter.dispatch('keep_to_companies', 'clv')(relation, personal_data)) }}
{%- endmacro %}

{% macro postgres__keep_to_companies(relation, personal_data) -%}
    select access.protect('{{ relation.render() | replace("'", "''") }}', {{ personal_data }})
{%- endmacro %}
