from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from warehouse.roles import padded_key


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_padded_key_makes_an_hmac(key: bytes, message: bytes) -> None:
    inner, outer = padded_key(key)
    found = hashlib.sha256(outer + hashlib.sha256(inner + message).digest()).hexdigest()
    assert found == hmac.new(key, message, hashlib.sha256).hexdigest()
