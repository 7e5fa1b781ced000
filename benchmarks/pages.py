"""A shop of any size as the bytes of Shopify's answers, written to stdout page by page.

A process of its own makes them while the connector reads, so that making them is neither in the
time nor in the memory that is measured. The same arguments give the same bytes. A page stands
behind its length in four bytes.

    python -m benchmarks.pages orders 1000000
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LENGTH_BYTES = 4

#: What the connector's pages come to at the costs that people report; the API takes no larger ones.
ORDERS_A_PAGE = 15
CUSTOMERS_A_PAGE = 250

#: The lines of orders in turn: two and a half on average.
LINES = (1, 2, 3, 4)
ORDERS_A_CUSTOMER = 3
_EVERY_CHANGED = 10
_EVERY_REFUNDED = 20
_EVERY_DISCOUNTED = 4
_EVERY_CAPTURED_LATER = 3
_PRODUCTS = 2_000

OPENED = datetime(2024, 1, 1, tzinfo=UTC)
_BETWEEN_ORDERS = timedelta(seconds=30)

_FIRST_NAMES = ("Ada", "Ben", "Cara", "Dev", "Ella", "Finn", "Gia", "Hugo", "Iris", "Jörg")
_LAST_NAMES = ("Abbot", "Baker", "Chen", "Diaz", "Evans", "Flores", "Groß")
_PLACES = (
    ("US", "NY", "New York", "10013"),
    ("US", "TX", "Austin", "78704"),
    ("CA", "ON", "Toronto", "M5V 2T6"),
    ("GB", "ENG", "London", "E8 3PN"),
)
_NAMES = (
    "Long Sleeve Shirt",
    "Wool Socks, Pack of Three",
    "Canvas Tote Bag",
    "Enamel Mug 350 ml",
    "Field Notes No. 7",
    "Walnut Cutting Board",
    "Linen Apron",
)
_JOURNEY = (
    '{"ready":true,"firstVisit":{"source":"Google","sourceType":"SEO","referrerUrl":'
    '"https://www.google.com/","landingPage":"https://acme.example.com/collections/all",'
    '"utmParameters":null},"lastVisit":{"source":"newsletter","sourceType":"NEWSLETTER",'
    '"referrerUrl":"https://mail.example.com/","landingPage":"https://acme.example.com/products/%d"'
    ',"utmParameters":{"source":"newsletter","medium":"email","campaign":"week-%d"}}}'
)


@dataclass(frozen=True)
class Shop:
    """How many orders there are, and whether a tenth of them has changed since they were read.

    Attributes:
        orders: Their number.
        changed: Whether only the changed ones are listed, each with its time of change.
    """

    orders: int
    changed: bool = False

    @property
    def customers(self) -> int:
        """How many customers the shop has."""
        return -(-self.orders // ORDERS_A_CUSTOMER)

    @property
    def numbers(self) -> range:
        """The numbers of the orders that are listed."""
        return range(0, self.orders, _EVERY_CHANGED if self.changed else 1)

    @property
    def customer_numbers(self) -> range:
        """The numbers of the customers that are listed."""
        return range(0, self.customers, _EVERY_CHANGED if self.changed else 1)

    def changed_at(self, number: int) -> str:
        """Returns when an order or a customer changed last; later numbers are later."""
        closed = OPENED + self.orders * _BETWEEN_ORDERS if self.changed else OPENED
        return _stamp(closed + number * _BETWEEN_ORDERS)

    def order_pages(self) -> Iterator[bytes]:
        """Yields the answers to the query for orders."""
        last = self.numbers[-1]
        for page in _pages(self.numbers, ORDERS_A_PAGE):
            nodes = ",".join([self._order(number) for number in page])
            yield _answer("orders", nodes, page[-1], more=page[-1] != last, cost=871)

    def customer_pages(self) -> Iterator[bytes]:
        """Yields the answers to the query for customers."""
        last = self.customer_numbers[-1]
        for page in _pages(self.customer_numbers, CUSTOMERS_A_PAGE):
            nodes = ",".join([self._customer(number) for number in page])
            yield _answer("customers", nodes, page[-1], more=page[-1] != last, cost=58)

    def _customer(self, number: int) -> str:
        country, province, city, code = _PLACES[number % len(_PLACES)]
        created = _stamp(OPENED + number * _BETWEEN_ORDERS)
        first, last = _FIRST_NAMES[number % 10], _LAST_NAMES[number % 7]
        return (
            f'{{"id":"{_customer_id(number)}","createdAt":"{created}",'
            f'"updatedAt":"{self.changed_at(number)}","firstName":"{first}","lastName":"{last}",'
            f'"state":"ENABLED","locale":"en-US","tags":["newsletter","week-{number % 52}"],'
            '"taxExempt":false,"verifiedEmail":true,'
            f'"numberOfOrders":"{ORDERS_A_CUSTOMER}","defaultEmailAddress":{{"emailAddress":'
            f'"{first.lower()}.{last.lower()}.{number}@example.com","marketingState":"SUBSCRIBED"}},'
            f'"defaultPhoneNumber":{{"phoneNumber":"+1212555{number % 10_000:04d}"}},'
            f'"amountSpent":{{"amount":"{number % 900}.5","currencyCode":"USD"}},'
            f'"defaultAddress":{{"countryCodeV2":"{country}","provinceCode":"{province}",'
            f'"city":"{city}","zip":"{code}"}}}}'
        )

    def _order(self, number: int) -> str:
        country, province, _, _ = _PLACES[number % len(_PLACES)]
        created = _stamp(OPENED + number * _BETWEEN_ORDERS)
        customer = number % self.customers
        first, last = _FIRST_NAMES[customer % 10], _LAST_NAMES[customer % 7]
        lines = LINES[number % len(LINES)]
        price = 500 + number * 37 % 9_000
        discount = price // 10 if number % _EVERY_DISCOUNTED == 0 else 0
        subtotal = lines * (price - discount)
        tax, total = subtotal * 7 // 100, subtotal + subtotal * 7 // 100 + 495
        refunded = is_refunded(number)
        back = price - discount if refunded else 0
        codes = '["WELCOME10"]' if discount else "[]"
        refunds = f'[{{"id":"{_refund_id(number)}"}}]' if refunded else "[]"
        inner = ",".join([_line(number, each, price, discount) for each in range(lines)])
        status = "PARTIALLY_REFUNDED" if refunded else "PAID"
        edited = "true" if self.changed else "false"
        return (
            f'{{"id":"{order_id(number)}","name":"#{number + 1001}","createdAt":"{created}",'
            f'"processedAt":"{created}","updatedAt":"{self.changed_at(number)}",'
            f'"cancelledAt":null,"cancelReason":null,"closedAt":"{created}","test":false,'
            f'"confirmed":true,"edited":{edited},'
            f'"email":"{first.lower()}.{last.lower()}.{customer}@example.com",'
            '"currencyCode":"USD","presentmentCurrencyCode":"USD","displayFinancialStatus":'
            f'"{status}","displayFulfillmentStatus":'
            f'"FULFILLED","taxesIncluded":false,"sourceName":"web","discountCodes":'
            f'{codes},"tags":[],"paymentGatewayNames":'
            '["shopify_payments"],"customerLocale":"en-US",'
            f'"customer":{{"id":"{_customer_id(customer)}"}},'
            f'"shippingAddress":{{"countryCodeV2":"{country}","provinceCode":"{province}"}},'
            f'"billingAddress":{{"countryCodeV2":"{country}"}},'
            '"attribution":{"handle":"online_store","displayName":"Online Store"},'
            f'"customerJourneySummary":{_JOURNEY % (number % _PRODUCTS, number % 52)},'
            f'"subtotalPriceSet":{_bag(subtotal)},"totalDiscountsSet":{_bag(lines * discount)},'
            f'"totalTaxSet":{_bag(tax)},"totalShippingPriceSet":{_bag(495)},'
            f'"totalTipReceivedSet":{_bag(0)},"totalPriceSet":{_bag(total)},'
            f'"currentTotalPriceSet":{_bag(total - back)},"totalReceivedSet":{_bag(total)},'
            f'"totalRefundedSet":{_bag(back)},"totalRefundedShippingSet":{_bag(0)},'
            f'"refunds":{refunds},'
            f'"transactions":[{_transactions(number, created, total)}],'
            f'"lineItems":{{"nodes":[{inner}],"pageInfo":{{"hasNextPage":false,"endCursor":'
            f'"{_cursor(number)}"}}}}}}'
        )


def order_id(number: int) -> str:
    """Returns an order's global id."""
    return f"gid://shopify/Order/{5_400_000_000_000 + number}"


def is_refunded(number: int) -> bool:
    """Tells whether one piece of an order came back."""
    return number % _EVERY_REFUNDED == 0


def refund(refund_id: str) -> str:
    """Returns a refund as the API answers when it is asked for by its id."""
    number = int(refund_id.rsplit("/", 1)[-1]) - 900_000_000_000
    at = _stamp(OPENED + number * _BETWEEN_ORDERS + timedelta(days=3))
    price = 500 + number * 37 % 9_000
    return (
        f'{{"id":"{refund_id}","createdAt":"{at}","processedAt":"{at}","updatedAt":"{at}",'
        f'"totalRefundedSet":{_bag_with_currency(price)},"refundLineItems":{{"nodes":['
        f'{{"id":"gid://shopify/RefundLineItem/{number}","quantity":1,"restockType":"RETURN",'
        f'"restocked":true,"lineItem":{{"id":"{_line_id(number, 0)}"}},"priceSet":{_bag(price)},'
        f'"subtotalSet":{_bag_with_currency(price)},"totalTaxSet":{_bag(0)}}}],"pageInfo":'
        f'{{"hasNextPage":false,"endCursor":"{_cursor(number)}"}}}},"transactions":{{"nodes":['
        f'{{"id":"gid://shopify/OrderTransaction/{number}"}}],"pageInfo":{{"hasNextPage":false,'
        f'"endCursor":"{_cursor(number)}"}}}}}}'
    )


def envelope(data: str, cost: int = 10) -> bytes:
    """Puts data into an answer of a shop whose bucket is full."""
    return (
        f'{{"data":{data},"extensions":{{"cost":{{"requestedQueryCost":{cost},"actualQueryCost":'
        f'{cost},"throttleStatus":{{"maximumAvailable":20000.0,"currentlyAvailable":20000,'
        '"restoreRate":1000.0}}}}'
    ).encode()


def _answer(connection: str, nodes: str, number: int, *, more: bool, cost: int) -> bytes:
    further = "true" if more else "false"
    return envelope(
        f'{{"{connection}":{{"nodes":[{nodes}],"pageInfo":{{"hasNextPage":{further},"endCursor":'
        f'"{_cursor(number)}"}}}}}}',
        cost,
    )


def _line(number: int, place: int, price: int, discount: int) -> str:
    product = (number * 7 + place) % _PRODUCTS
    name = _NAMES[product % len(_NAMES)]
    allocations = (
        ""
        if not discount
        else (
            f'{{"allocatedAmountSet":{_bag_with_currency(discount)},"discountApplication":'
            '{"__typename":"DiscountCodeApplication","index":0,"targetType":"LINE_ITEM",'
            '"targetSelection":"ALL","code":"WELCOME10"}}'
        )
    )
    return (
        f'{{"id":"{_line_id(number, place)}","name":"{name} - M","title":"{name}",'
        f'"variantTitle":"M","sku":"SKU-{product:05d}-M","vendor":"Acme","quantity":1,'
        f'"currentQuantity":1,"isGiftCard":false,"taxable":true,'
        f'"product":{{"id":"gid://shopify/Product/{7_100_000_000_000 + product}"}},'
        f'"variant":{{"id":"gid://shopify/ProductVariant/{41_000_000_000_000 + product}"}},'
        f'"originalUnitPriceSet":{_bag(price)},"originalTotalSet":{_bag_with_currency(price)},'
        f'"discountedTotalSet":{_bag(price - discount)},"totalDiscountSet":{_bag(discount)},'
        f'"taxLines":[{{"title":"State Tax","rate":0.07,"priceSet":{_bag(price * 7 // 100)}}}],'
        f'"discountAllocations":[{allocations}]}}'
    )


def _transactions(number: int, at: str, total: int) -> str:
    first = 6_600_000_000_000 + 2 * number
    if number % _EVERY_CAPTURED_LATER:
        return _transaction(first, "SALE", at, total, None)
    authorization = _transaction(first, "AUTHORIZATION", at, total, None)
    return f"{authorization},{_transaction(first + 1, 'CAPTURE', at, total, first)}"


def _transaction(identity: int, kind: str, at: str, total: int, parent: int | None) -> str:
    fees = (
        ""
        if kind == "AUTHORIZATION"
        else (
            f'{{"id":"gid://shopify/TransactionFee/{identity}","type":"processing_fee","rate":"0.029",'
            f'"rateName":"Domestic","flatFeeName":"Flat fee","amount":'
            f"{_money(total * 29 // 1000 + 30)},"
            f'"flatFee":{_money(30)},"taxAmount":{_money(0)}}}'
        )
    )
    before = f'{{"id":"gid://shopify/OrderTransaction/{parent}"}}' if parent else "null"
    return (
        f'{{"id":"gid://shopify/OrderTransaction/{identity}","kind":"{kind}","status":"SUCCESS",'
        f'"test":false,"gateway":"shopify_payments","createdAt":"{at}","processedAt":"{at}",'
        f'"errorCode":null,"paymentId":"c{identity}.1","manualPaymentGateway":false,'
        f'"settlementCurrency":"USD","settlementCurrencyRate":null,"parentTransaction":{before},'
        f'"amountSet":{_bag_with_currency(total)},'
        f'"fees":[{fees}]}}'
    )


def _bag(cents: int) -> str:
    amount = _decimal(cents)
    return f'{{"shopMoney":{{"amount":"{amount}"}},"presentmentMoney":{{"amount":"{amount}"}}}}'


def _bag_with_currency(cents: int) -> str:
    return f'{{"shopMoney":{_money(cents)},"presentmentMoney":{_money(cents)}}}'


def _money(cents: int) -> str:
    return f'{{"amount":"{_decimal(cents)}","currencyCode":"USD"}}'


def _decimal(cents: int) -> str:
    """Writes an amount as the API does: no zeros behind, but one digit at least."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest // 10}" if rest % 10 == 0 else f"{whole}.{rest:02d}"


def _pages(numbers: range, size: int) -> Iterator[range]:
    return (numbers[start : start + size] for start in range(0, len(numbers), size))


def _line_id(number: int, place: int) -> str:
    return f"gid://shopify/LineItem/{13_500_000_000_000 + len(LINES) * number + place}"


def _customer_id(number: int) -> str:
    return f"gid://shopify/Customer/{7_000_000_000_000 + number}"


def _refund_id(number: int) -> str:
    return f"gid://shopify/Refund/{900_000_000_000 + number}"


def _cursor(number: int) -> str:
    return f"eyJsYXN0X2lkIjo1NDAwMDAwMDAwMDAwLCJsYXN0X3ZhbHVlIjoi{number:012d}"


def _stamp(at: datetime) -> str:
    return f"{at.isoformat()[:19]}Z"


def main() -> None:
    """Writes pages to stdout until there are no more, or nobody reads them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("listing", choices=("orders", "customers"))
    parser.add_argument("orders", type=int, help="orders of the shop")
    parser.add_argument("--changed", action="store_true", help="only the tenth that has changed")
    chosen = parser.parse_args()
    shop = Shop(chosen.orders, chosen.changed)
    pages = shop.order_pages() if chosen.listing == "orders" else shop.customer_pages()
    for page in pages:
        sys.stdout.buffer.write(len(page).to_bytes(LENGTH_BYTES, "big") + page)


if __name__ == "__main__":
    main()
