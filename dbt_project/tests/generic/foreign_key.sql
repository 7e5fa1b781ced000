{% test foreign_key(model, columns, to) %}

select {{ columns | join(', ') }}
from {{ model }}
except
select {{ columns | join(', ') }}
from {{ to }}

{% endtest %}
