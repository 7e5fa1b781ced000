"""Orders, their lines, shipping, discounts, refunds and transactions."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from demo.stores.business.model import (
    Address,
    Application,
    Line,
    Order,
    Shipping,
    Transaction,
)
from demo.stores.business.money import ZERO, Money, rounded, total
from demo.stores.shopify.graph import Context, Read, Rows, Thing, in_order, simple, table
from demo.stores.shopify.values import bag, decimal, gid, money, stamp

_CHANNEL_NAMES = {
    "web": "Online Store",
    "pos": "Point of Sale",
    "shopify_draft_order": "Draft Orders",
    "shop_app": "Shop",
    "marketplace": "Marketplace",
}
_GATEWAYS = {
    "shopify_payments": "Shopify Payments",
    "paypal": "PayPal",
    "gift_card": "Gift card",
    "bank_transfer": "Bank transfer",
    "cash": "Cash",
}


def in_both(order: Order, amount: Money) -> dict[str, dict[str, str]]:
    """Returns a MoneyBag in the order's currencies."""
    return bag(amount, order.currencies.shop, order.currencies.presentment)


def _bags(**fields: Callable[[Any], Money]) -> dict[str, Read]:
    """Wraps functions that give an order's `Money`."""
    return {name: _bag(read) for name, read in fields.items()}


def _bag(read: Callable[[Any], Money]) -> Read:
    return lambda thing, *_rest: in_both(thing.value, read(thing.value))


def _owned_bags(**fields: Callable[[Any], Money]) -> dict[str, Read]:
    """Wraps functions that give `Money` of something that belongs to an order."""
    return {name: _owned_bag(read) for name, read in fields.items()}


def _owned_bag(read: Callable[[Any], Money]) -> Read:
    return lambda thing, *_rest: in_both(thing.owner, read(thing.value))


def _never_below_zero(amount: Money) -> Money:
    return Money(max(amount.shop, Decimal(0)), max(amount.presentment, Decimal(0)))


def _taxes(order: Order) -> list[Any]:
    parts: list[Line | Shipping] = [*order.lines, *([order.shipping] if order.shipping else [])]
    by_title: dict[tuple[str, Decimal], Money] = {}
    for part in parts:
        for tax in part.taxes:
            key = (tax.title, tax.rate)
            by_title[key] = by_title.get(key, ZERO) + tax.amount
    return [_tax(order, title, rate, amount) for (title, rate), amount in by_title.items()]


def _tax(order: Order, title: str, rate: Decimal, amount: Money) -> dict[str, Any]:
    return {
        "title": title,
        "rate": float(rate),
        "ratePercentage": float(rate * 100),
        "price": decimal(amount.shop),
        "priceSet": in_both(order, amount),
        "source": "Shopify",
        "channelLiable": False,
    }


def _tax_lines(order: Order, part: Any) -> list[dict[str, Any]]:
    return [_tax(order, each.title, each.rate, each.amount) for each in part.taxes]


def _authorized_left(order: Order) -> Money:
    authorized = [
        each
        for each in order.transactions
        if each.kind == "AUTHORIZATION" and each.status == "SUCCESS"
    ]
    used = {each.parent_id for each in order.transactions if each.kind in {"CAPTURE", "VOID"}}
    return total(each.amount for each in authorized if each.id not in used)


def _net(order: Order) -> Money:
    return order.received - order.refunded


def _current_quantity(order: Order) -> int:
    return sum(line.current_quantity for line in order.lines)


def _cart_discount(order: Order) -> Money:
    across = {each.index for each in order.applications if not each.on_single_lines}
    return total(
        each.amount for line in order.lines for each in line.allocations if each.index in across
    )


def _journey(thing: Thing, *_rest: Any) -> dict[str, Any] | None:
    order: Order = thing.value
    if not order.visits:
        return None
    visits = [
        {
            "__typename": "CustomerVisit",
            "id": gid("CustomerVisit", each.id),
            "occurredAt": stamp(each.at),
            "source": each.source,
            "sourceType": each.tactic,
            "referralInfoHtml": each.source,
            "utmParameters": {
                "source": each.utm_source,
                "medium": each.utm_medium,
                "campaign": each.utm_campaign,
            }
            if each.utm_source
            else None,
        }
        for each in order.visits
    ]
    return {
        "ready": True,
        "firstVisit": visits[0],
        "lastVisit": visits[-1],
        "momentsCount": {"count": len(visits), "precision": "EXACT"},
        "daysToConversion": (order.processed_at - order.visits[0].at).days,
    }


def _customer(thing: Thing, context: Context, *_rest: Any) -> Thing | None:
    found = context.shop.customers.get(thing.value.customer_id or 0)
    return Thing("Customer", found) if found else None


def _disputes(thing: Thing, context: Context, *_rest: Any) -> list[dict[str, Any]]:
    return [
        {
            "id": gid("OrderDisputeSummary", each.id),
            "initiatedAs": each.kind,
            "status": each.status,
        }
        for each in context.shop.disputes.values()
        if each.order_id == thing.value.id
    ]


def _listed(things: list[Thing], args: dict[str, Any]) -> list[Thing]:
    return things if args.get("first") is None else things[: args["first"]]


def _refunds(
    thing: Thing, _context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> list[Thing]:
    return _listed([Thing("Refund", each, thing.value) for each in thing.value.refunds], args)


def _transactions(
    thing: Thing, _context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> list[Thing]:
    order: Order = thing.value
    found = order.transactions
    if args.get("capturable") is not None:
        left = _authorized_left(order) != ZERO
        found = [
            each for each in found if (each.kind == "AUTHORIZATION" and left) == args["capturable"]
        ]
    return _listed([transaction(order, each) for each in found], args)


def transaction(order: Order, found: Transaction) -> Thing:
    """Returns a transaction of an order as an object of the graph."""
    return Thing("OrderTransaction", found, order)


def _fulfillment(order: Order) -> str:
    if order.cancelled_at and order.refunds:
        return "RESTOCKED"
    return "FULFILLED" if order.fulfilled_at else "UNFULFILLED"


def address(found: Address | None) -> dict[str, Any] | None:
    """Returns a MailingAddress."""
    if found is None:
        return None
    return {
        "__typename": "MailingAddress",
        "id": gid("MailingAddress", found.id),
        "firstName": found.first_name,
        "lastName": found.last_name,
        "name": f"{found.first_name} {found.last_name}",
        "address1": found.street,
        "city": found.city,
        "zip": found.zip,
        "province": found.province,
        "provinceCode": found.province_code,
        "country": found.country,
        "countryCode": found.country_code,
        "countryCodeV2": found.country_code,
        "coordinatesValidated": False,
        "formatted": [found.street, f"{found.city} {found.zip}", found.country],
    }


def _pieces_left(order: Order) -> bool:
    return bool(_current_quantity(order)) and order.received != ZERO


def _shop_amount(read: Any) -> Read:
    return lambda thing, *_rest: decimal(read(thing.value).shop)


def _codes(order: Order) -> list[str]:
    return [each.title for each in order.applications if each.kind == "code"]


table(
    "Order",
    {
        **simple(
            id=lambda o: gid("Order", o.id),
            legacyResourceId=lambda o: str(o.id),
            name=lambda o: f"#{o.number}",
            number=lambda o: o.number,
            createdAt=lambda o: stamp(o.created_at),
            processedAt=lambda o: stamp(o.processed_at),
            updatedAt=lambda o: stamp(o.updated_at),
            cancelledAt=lambda o: stamp(o.cancelled_at),
            cancelReason=lambda o: o.cancel_reason,
            cancellation=lambda o: {"staffNote": None} if o.cancelled_at else None,
            closed=lambda o: o.fulfilled_at is not None,
            closedAt=lambda o: stamp(o.fulfilled_at),
            confirmed=lambda _o: True,
            confirmationNumber=lambda o: f"C{o.id % 10**9:09d}",
            currencyCode=lambda o: o.currencies.shop,
            presentmentCurrencyCode=lambda o: o.currencies.presentment,
            email=lambda o: o.email,
            note=lambda o: o.note,
            tags=lambda o: o.tags,
            test=lambda o: o.test,
            edited=lambda o: o.edited,
            taxesIncluded=lambda o: o.taxes_included,
            taxExempt=lambda _o: False,
            estimatedTaxes=lambda _o: False,
            dutiesIncluded=lambda _o: False,
            sourceName=lambda o: o.channel,
            app=lambda o: {"id": gid("App", 580_111), "name": _CHANNEL_NAMES[o.channel]},
            attribution=lambda o: {
                "handle": o.channel.replace("_", "-"),
                "displayName": _CHANNEL_NAMES[o.channel],
                "icon": None,
            },
            displayFinancialStatus=lambda o: o.financial_status,
            displayFulfillmentStatus=_fulfillment,
            returnStatus=lambda o: "RETURNED" if o.refunded_lines != ZERO else "NO_RETURN",
            fullyPaid=lambda o: o.received.presentment >= o.price.presentment,
            unpaid=lambda o: o.received == ZERO and o.price != ZERO,
            capturable=lambda o: _authorized_left(o) != ZERO,
            refundable=_pieces_left,
            restockable=_pieces_left,
            fulfillable=lambda o: o.fulfilled_at is None,
            merchantEditable=lambda o: o.fulfilled_at is None,
            canMarkAsPaid=lambda o: o.financial_status == "PENDING",
            canNotifyCustomer=lambda o: o.email is not None,
            requiresShipping=lambda o: o.shipping is not None,
            customerAcceptsMarketing=lambda _o: False,
            hasTimelineComment=lambda _o: False,
            productNetwork=lambda _o: False,
            billingAddressMatchesShippingAddress=lambda _o: True,
            billingAddress=lambda o: address(o.address),
            shippingAddress=lambda o: address(o.address),
            displayAddress=lambda o: address(o.address),
            discountCode=lambda o: next(iter(_codes(o)), None),
            discountCodes=_codes,
            paymentGatewayNames=lambda o: sorted({each.gateway for each in o.transactions}),
            subtotalLineItemsQuantity=lambda o: sum(line.quantity for line in o.lines),
            currentSubtotalLineItemsQuantity=_current_quantity,
            currentTotalWeight=lambda o: str(100 * _current_quantity(o)),
            totalWeight=lambda o: str(100 * sum(line.quantity for line in o.lines)),
            transactionsCount=lambda o: {"count": len(o.transactions), "precision": "EXACT"},
            fulfillmentsCount=lambda o: {
                "count": int(o.fulfilled_at is not None),
                "precision": "EXACT",
            },
            taxLines=_taxes,
            currentTaxLines=_taxes,
            riskLevel=lambda _o: "LOW",
            customerLocale=lambda o: "de" if o.taxes_included else "en-US",
        ),
        **_bags(
            totalPriceSet=lambda o: o.price,
            originalTotalPriceSet=lambda o: o.price,
            currentTotalPriceSet=lambda o: o.current_price,
            subtotalPriceSet=lambda o: o.subtotal,
            currentSubtotalPriceSet=lambda o: o.subtotal - o.refunded_lines,
            totalDiscountsSet=lambda o: o.discount,
            currentTotalDiscountsSet=lambda o: o.discount,
            cartDiscountAmountSet=_cart_discount,
            currentCartDiscountAmountSet=_cart_discount,
            totalTaxSet=lambda o: o.tax,
            currentTotalTaxSet=lambda o: o.tax - o.refunded_tax,
            totalShippingPriceSet=lambda o: o.shipping_price,
            currentShippingPriceSet=lambda o: o.shipping_price - o.refunded_shipping,
            totalReceivedSet=lambda o: o.received,
            totalRefundedSet=lambda o: o.refunded,
            totalRefundedShippingSet=lambda o: o.refunded_shipping,
            netPaymentSet=_net,
            totalCapturableSet=_authorized_left,
            totalOutstandingSet=lambda o: _never_below_zero(o.current_price - _net(o)),
            refundDiscrepancySet=lambda o: total(
                each.amount for refund in o.refunds for each in refund.adjustments
            ),
            totalTipReceivedSet=lambda _o: ZERO,
        ),
        "customer": _customer,
        "customerJourneySummary": _journey,
        "disputes": _disputes,
        "refunds": _refunds,
        "transactions": _transactions,
        "lineItems": lambda thing, *_rest: in_order(
            [Thing("LineItem", each, thing.value) for each in thing.value.lines], lambda x: x.id
        ),
        "nonFulfillableLineItems": lambda *_rest: Rows([]),
        "shippingLine": lambda thing, *_rest: (
            Thing("ShippingLine", thing.value.shipping, thing.value)
            if thing.value.shipping
            else None
        ),
        "shippingLines": lambda thing, *_rest: in_order(
            [Thing("ShippingLine", thing.value.shipping, thing.value)]
            if thing.value.shipping
            else [],
            lambda x: x.id,
        ),
        "discountApplications": lambda thing, *_rest: in_order(
            [application(thing.value, each) for each in thing.value.applications]
        ),
        "statusPageUrl": lambda thing, context, *_rest: (
            f"https://{context.shop.profile.domain}/orders/{thing.value.id}"
        ),
        "netPayment": _shop_amount(_net),
    },
)


def application(order: Order, found: Application) -> Thing:
    """Returns a discount application as an object of the graph."""
    kinds = {
        "code": "DiscountCodeApplication",
        "automatic": "AutomaticDiscountApplication",
        "manual": "ManualDiscountApplication",
    }
    return Thing(kinds[found.kind], found, order)


def _worth(thing: Thing, *_rest: Any) -> Thing:
    found: Application = thing.value
    if found.amount is not None:
        order: Order = thing.owner
        return Thing("MoneyV2", (found.amount.presentment, order.currencies.presentment))
    share = Decimal(100) if found.on_shipping else (found.percent or Decimal(0)) * 100
    return Thing("PricingPercentageValue", share)


for _kind in ("Automatic", "Manual"):
    table(f"{_kind}DiscountApplication", simple(title=lambda a: a.title))
table("DiscountCodeApplication", simple(code=lambda a: a.title))
for _type in (
    "AutomaticDiscountApplication",
    "DiscountCodeApplication",
    "ManualDiscountApplication",
):
    table(
        _type,
        {
            **simple(
                index=lambda a: a.index,
                allocationMethod=lambda a: "EACH" if a.on_shipping else "ACROSS",
                targetSelection=lambda a: "ENTITLED" if a.on_single_lines else "ALL",
                targetType=lambda a: "SHIPPING_LINE" if a.on_shipping else "LINE_ITEM",
            ),
            "value": _worth,
        },
    )
table("PricingPercentageValue", simple(percentage=float))
table("MoneyV2", simple(amount=lambda v: decimal(v[0]), currencyCode=lambda v: v[1]))


def _allocations(thing: Thing, *_rest: Any) -> list[Thing]:
    return [Thing("DiscountAllocation", each, thing.owner) for each in thing.value.allocations]


table(
    "DiscountAllocation",
    {
        **_owned_bags(allocatedAmountSet=lambda a: a.amount),
        "discountApplication": lambda thing, *_rest: application(
            thing.owner, thing.owner.applications[thing.value.index]
        ),
    },
)


def _line_discounted(
    thing: Thing, _context: Context, _info: GraphQLResolveInfo, args: dict[str, Any]
) -> dict[str, Any]:
    """Discounts of the order as a whole count only when it is asked for code discounts."""
    line: Line = thing.value
    order: Order = thing.owner
    if args.get("withCodeDiscounts"):
        return in_both(order, line.discounted)
    return in_both(order, line.original - _own_discount(order, line))


def _own_discount(order: Order, line: Line) -> Money:
    own = {each.index for each in order.applications if each.on_single_lines}
    return total(each.amount for each in line.allocations if each.index in own)


def _unit(order: Order, line: Line, amount: Money) -> Money:
    return order.currencies.scaled(amount, Decimal(1) / line.quantity)


def _line_product(thing: Thing, context: Context, *_rest: Any) -> Thing | None:
    found = context.shop.products.get(thing.value.product_id)
    return Thing("Product", found) if found else None


def _line_variant(thing: Thing, context: Context, *_rest: Any) -> Thing | None:
    product = context.shop.products.get(thing.value.product_id)
    for variant in product.variants if product else []:
        if variant.id == thing.value.variant_id:
            return Thing("ProductVariant", variant, product)
    return None


def _unfulfilled(thing: Thing) -> int:
    done = thing.owner.fulfilled_at or thing.owner.cancelled_at
    return 0 if done else int(thing.value.current_quantity)


table(
    "LineItem",
    {
        **simple(
            id=lambda x: gid("LineItem", x.id),
            name=lambda x: f"{x.title} - {x.variant_title}",
            title=lambda x: x.title,
            variantTitle=lambda x: x.variant_title,
            sku=lambda x: x.sku,
            vendor=lambda x: x.vendor,
            quantity=lambda x: x.quantity,
            currentQuantity=lambda x: x.current_quantity,
            refundableQuantity=lambda x: x.current_quantity,
            nonFulfillableQuantity=lambda x: x.quantity - x.current_quantity,
            isGiftCard=lambda _x: False,
            taxable=lambda _x: True,
            requiresShipping=lambda _x: True,
            restockable=lambda x: x.current_quantity > 0,
            canRestock=lambda x: x.current_quantity > 0,
            merchantEditable=lambda x: x.current_quantity > 0,
        ),
        **_owned_bags(
            originalUnitPriceSet=lambda x: x.unit_price,
            originalTotalSet=lambda x: x.original,
            totalDiscountSet=lambda x: x.discount,
            priceAfterAllDiscountsBeforeTaxesSet=lambda x: x.discounted,
        ),
        "discountedTotalSet": _line_discounted,
        "discountedUnitPriceSet": lambda thing, *_rest: in_both(
            thing.owner,
            _unit(
                thing.owner,
                thing.value,
                thing.value.original - _own_discount(thing.owner, thing.value),
            ),
        ),
        "discountedUnitPriceAfterAllDiscountsSet": lambda thing, *_rest: in_both(
            thing.owner, _unit(thing.owner, thing.value, thing.value.discounted)
        ),
        "unfulfilledQuantity": lambda thing, *_rest: _unfulfilled(thing),
        "unfulfilledOriginalTotalSet": lambda thing, *_rest: in_both(
            thing.owner, thing.value.unit_price.times(_unfulfilled(thing))
        ),
        "unfulfilledDiscountedTotalSet": lambda thing, *_rest: in_both(
            thing.owner,
            _unit(thing.owner, thing.value, thing.value.discounted).times(_unfulfilled(thing)),
        ),
        "taxLines": lambda thing, *_rest: _tax_lines(thing.owner, thing.value),
        "discountAllocations": _allocations,
        "product": _line_product,
        "variant": _line_variant,
    },
)

table(
    "ShippingLine",
    {
        **simple(
            id=lambda s: gid("ShippingLine", s.id),
            title=lambda s: s.title,
            code=lambda s: s.title,
            source=lambda _s: "shopify",
            custom=lambda _s: False,
            isRemoved=lambda _s: False,
        ),
        **_owned_bags(
            originalPriceSet=lambda s: s.price,
            discountedPriceSet=lambda s: s.discounted,
            currentDiscountedPriceSet=lambda s: s.discounted,
        ),
        "taxLines": lambda thing, *_rest: _tax_lines(thing.owner, thing.value),
        "discountAllocations": _allocations,
        "price": lambda thing, *_rest: decimal(thing.value.price.shop),
    },
)


def _refund_transactions(thing: Thing, *_rest: Any) -> Rows:
    order: Order = thing.owner
    return in_order(
        [
            transaction(order, each)
            for each in order.transactions
            if each.refund_id == thing.value.id
        ],
        lambda x: x.id,
    )


def _refunded(thing: Thing, *_rest: Any) -> dict[str, Any]:
    order: Order = thing.owner
    return in_both(
        order,
        total(
            each.amount
            for each in order.transactions
            if each.refund_id == thing.value.id and each.status == "SUCCESS"
        ),
    )


table(
    "Refund",
    {
        **simple(
            id=lambda r: gid("Refund", r.id),
            legacyResourceId=lambda r: str(r.id),
            createdAt=lambda r: stamp(r.created_at),
            processedAt=lambda r: stamp(r.created_at),
            updatedAt=lambda r: stamp(r.created_at),
            note=lambda r: r.note,
        ),
        "order": lambda thing, *_rest: Thing("Order", thing.owner),
        "totalRefundedSet": _refunded,
        "transactions": _refund_transactions,
        "refundLineItems": lambda thing, *_rest: in_order(
            [Thing("RefundLineItem", each, thing.owner) for each in thing.value.lines],
            lambda x: x.id,
        ),
        "refundShippingLines": lambda thing, *_rest: in_order(
            [Thing("RefundShippingLine", each, thing.owner) for each in thing.value.shipping],
            lambda x: x.id,
        ),
        "orderAdjustments": lambda thing, *_rest: in_order(
            [Thing("OrderAdjustment", each, thing.owner) for each in thing.value.adjustments],
            lambda x: x.id,
        ),
    },
)


def _line_of(order: Order, line_id: int) -> Thing:
    line = next(each for each in order.lines if each.id == line_id)
    return Thing("LineItem", line, order)


table(
    "RefundLineItem",
    {
        **simple(
            id=lambda x: gid("RefundLineItem", x.id),
            quantity=lambda x: x.quantity,
            restockType=lambda x: x.restock,
            restocked=lambda x: x.restock != "NO_RESTOCK",
        ),
        **_owned_bags(
            priceSet=lambda x: x.price,
            subtotalSet=lambda x: x.subtotal,
            totalTaxSet=lambda x: x.tax,
        ),
        "lineItem": lambda thing, *_rest: _line_of(thing.owner, thing.value.line_id),
    },
)
table(
    "RefundShippingLine",
    {
        **simple(id=lambda x: gid("RefundShippingLine", x.id)),
        **_owned_bags(subtotalAmountSet=lambda x: x.subtotal, taxAmountSet=lambda x: x.tax),
        "shippingLine": lambda thing, *_rest: Thing(
            "ShippingLine", thing.owner.shipping, thing.owner
        ),
    },
)
table(
    "OrderAdjustment",
    {
        **simple(id=lambda x: gid("OrderAdjustment", x.id), reason=lambda x: x.reason),
        **_owned_bags(amountSet=lambda x: x.amount, taxAmountSet=lambda _x: ZERO),
    },
)


def _fees(thing: Thing, *_rest: Any) -> list[dict[str, Any]]:
    order: Order = thing.owner
    shop = order.currencies.shop
    return [
        {
            "id": gid("TransactionFee", each.id),
            "type": "processing_fee",
            "rate": decimal(each.rate),
            "rateName": "card",
            "flatFee": money(each.flat, shop),
            "flatFeeName": "card",
            "amount": money(each.amount, shop),
            "taxAmount": money(Decimal(0), shop),
        }
        for each in thing.value.fees
    ]


def _parent(thing: Thing, *_rest: Any) -> Thing | None:
    for each in thing.owner.transactions:
        if each.id == thing.value.parent_id:
            return transaction(thing.owner, each)
    return None


def _maximum_refundable(thing: Thing, *_rest: Any) -> dict[str, str] | None:
    order: Order = thing.owner
    if thing.value.kind not in {"SALE", "CAPTURE"} or thing.value.status != "SUCCESS":
        return None
    back = total(
        each.amount
        for each in order.transactions
        if each.parent_id == thing.value.id and each.status == "SUCCESS"
    )
    return money((thing.value.amount - back).shop, order.currencies.shop)


table(
    "OrderTransaction",
    {
        **simple(
            id=lambda t: gid("OrderTransaction", t.id),
            kind=lambda t: t.kind,
            status=lambda t: t.status,
            gateway=lambda t: t.gateway,
            formattedGateway=lambda t: _GATEWAYS[t.gateway],
            createdAt=lambda t: stamp(t.created_at),
            processedAt=lambda t: stamp(t.created_at),
            test=lambda t: t.test,
            errorCode=lambda t: t.error,
            paymentId=lambda t: f"r{t.id}",
            manualPaymentGateway=lambda t: t.gateway in {"bank_transfer", "cash"},
            manuallyCapturable=lambda t: t.kind == "AUTHORIZATION" and t.status == "SUCCESS",
            multiCapturable=lambda _t: False,
        ),
        **_owned_bags(amountSet=lambda t: t.amount),
        "amountV2": lambda thing, *_rest: money(
            thing.value.amount.shop, thing.owner.currencies.shop
        ),
        "fees": _fees,
        "order": lambda thing, *_rest: Thing("Order", thing.owner),
        "parentTransaction": _parent,
        "maximumRefundableV2": _maximum_refundable,
        "settlementCurrency": lambda thing, *_rest: thing.owner.currencies.shop,
        "settlementCurrencyRate": lambda thing, *_rest: decimal(
            rounded(1 / thing.owner.currencies.rate, "KWD")
        ),
    },
)
