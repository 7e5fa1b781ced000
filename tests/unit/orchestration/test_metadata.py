"""Previews of tables."""

from orchestration.lib.metadata import preview


def test_a_preview_hides_who_somebody_is_and_stays_a_table() -> None:
    text = preview(
        ["company_id", "customer_id", "email", "note"],
        [("acme", "17", None, "a|b\n<script>"), ("acme", "18", "a@b.c", "x" * 60)],
    )
    assert text.splitlines() == [
        "| company_id | customer_id | email | note |",
        "| --- | --- | --- | --- |",
        "| acme | ••• |  | a\\|b &lt;script> |",
        f"| acme | ••• | ••• | {'x' * 39}… |",
    ]
