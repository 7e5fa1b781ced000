from decimal import Decimal

import pandas as pd
import pytest

from ml.registry.fingerprint import code_fingerprint, data_fingerprint, run_fingerprint

SETTINGS = {"horizons_months": [3, 6, 12], "discount_rate": 0.1}


def test_a_setting_that_is_no_json_is_refused(two_customers: pd.DataFrame) -> None:
    with pytest.raises(TypeError):
        run_fingerprint(two_customers, {"rate": Decimal("0.1")})


def test_the_same_content_has_the_same_id(two_customers: pd.DataFrame) -> None:
    run = run_fingerprint(two_customers, SETTINGS)
    shuffled = two_customers.sample(frac=1, random_state=3)
    other_types = two_customers.assign(
        order_date=pd.to_datetime(two_customers["order_date"]).dt.date,
        gross_revenue_base=[Decimal(str(v)) for v in two_customers["gross_revenue_base"]],
    )
    assert len(run) == 16
    assert run_fingerprint(shuffled, dict(reversed(SETTINGS.items()))) == run
    assert run_fingerprint(other_types, SETTINGS) == run


@pytest.mark.parametrize(
    ("column", "value"),
    [("gross_revenue_base", 7.51), ("customer_id", "bert"), ("order_date", "2025-02-06")],
)
def test_any_other_content_has_another(
    two_customers: pd.DataFrame, column: str, value: object
) -> None:
    changed = two_customers.copy()
    changed.loc[0, column] = value
    assert data_fingerprint(changed) != data_fingerprint(two_customers)


def test_net_revenue_counts_where_it_is_given(two_customers: pd.DataFrame) -> None:
    net = two_customers.assign(net_revenue_base=two_customers["gross_revenue_base"])
    refunded = net.assign(net_revenue_base=0.0)
    assert len({data_fingerprint(frame) for frame in (two_customers, net, refunded)}) == 3


def test_settings_count(two_customers: pd.DataFrame) -> None:
    other = SETTINGS | {"discount_rate": 0.2}
    assert run_fingerprint(two_customers, other) != run_fingerprint(two_customers, SETTINGS)


def test_the_code_is_hashed_alike_each_time() -> None:
    assert code_fingerprint() == code_fingerprint()
