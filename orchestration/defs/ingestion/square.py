"""Raw assets of the Square source. How an account is read stands in ingestion/sources/square."""

from orchestration.lib.api_source import ApiSource

SQUARE = ApiSource(
    name="square",
    shop="account",
    tables={
        "payments": "A payment as it is now, failed and cancelled ones included.",
        "payment_fees": "What Square keeps of a payment, or gives back of that.",
        "refunds": "A refund, failed ones included.",
    },
    reconciled="payments",
    figures=(
        "Payments and refunds of a sample of days, read again in another order, agree in number "
        "and to the smallest unit."
    ),
)

raw_square = SQUARE.assets()
