{% macro history_so_far(columns) -%}
    {#- What the table holds before it is swapped; nothing where it isn't there yet. -#}
    {%- set existing = load_cached_relation(this) if execute else none -%}
    {%- set had = [] -%}
    {%- if existing is not none and existing.is_table -%}
        {%- set had = adapter.get_columns_in_relation(existing) | map(attribute='name') | list -%}
    {%- endif -%}
    {%- set shown = [] -%}
    {%- for column, type in columns.items() -%}
        {%- do shown.append(
            column if column in had else 'cast(null as ' ~ type ~ ') as ' ~ column
        ) -%}
    {%- endfor -%}
    {%- set origin = 'from ' ~ existing if had else 'where false' -%}
    (select {{ shown | join(', ') }} {{ origin }})
{%- endmacro %}
