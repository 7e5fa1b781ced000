"""Raw assets of the Stripe source. How an account is read stands in ingestion/sources/stripe."""

from orchestration.lib.api_source import ApiSource

STRIPE = ApiSource(
    name="stripe",
    shop="account",
    tables={
        "customers": "A customer as Stripe knows it now; whoever paid as a guest is none.",
        "products": "A product, or a service.",
        "prices": "A price of a product in one currency, once or a period.",
        "coupons": "A discount and how often it was redeemed.",
        "payment_intents": "A payment that was begun, however it ended, with the shop's metadata.",
        "charges": "The try of a payment, and what of it was captured and refunded by now.",
        "refunds": "A refund of a charge, failed ones included.",
        "disputes": "A payment that its buyer disputes, and how that ended.",
        "balance_transactions": "What moved the balance, with its fee, in the account's currency.",
        "subscriptions": "A subscription as it is now, ended ones included.",
        "subscription_items": "What a subscription is to, and its current period.",
        "invoices": "An invoice as it is now.",
        "invoice_lines": "A line of an invoice, prorations included.",
        "invoice_payments": "A payment of an invoice; an invoice may have several.",
        "credit_notes": "What was taken off an invoice after it was final.",
        "credit_note_lines": "A line of a credit note.",
        "deletions": "What is gone from the account.",
    },
    reconciled="charges",
    figures=(
        "Charges, refunds, movements of the balance and final invoices of a sample of days, read "
        "again, agree in number and to the cent."
    ),
)

raw_stripe = STRIPE.assets()
