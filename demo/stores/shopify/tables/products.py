"""Products, variants and what they cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from demo.stores.business.model import Product
from demo.stores.shopify.graph import Context, Rows, Thing, simple, table, time_key
from demo.stores.shopify.lists import SortKeys, rows
from demo.stores.shopify.search import Field
from demo.stores.shopify.values import gid, money, stamp

PRODUCT_SEARCH = {
    "id": Field("number", lambda p: p.id),
    "title": Field("text", lambda p: p.title),
    "handle": Field("text", lambda p: p.handle),
    "vendor": Field("text", lambda p: p.vendor),
    "product_type": Field("text", lambda p: p.category),
    "status": Field("text", lambda p: p.status),
    "tag": Field("texts", lambda p: p.tags),
    "created_at": Field("time", lambda p: p.created_at),
    "updated_at": Field("time", lambda p: p.updated_at),
    "sku": Field("texts", lambda p: [each.sku for each in p.variants]),
}
PRODUCT_SORT: SortKeys = {
    "ID": lambda p: p.id,
    "CREATED_AT": lambda p: time_key(p.created_at),
    "UPDATED_AT": lambda p: time_key(p.updated_at),
    "TITLE": lambda p: p.title,
    "VENDOR": lambda p: p.vendor,
    "PRODUCT_TYPE": lambda p: p.category,
    "PUBLISHED_AT": lambda p: time_key(p.created_at),
}
VARIANT_SEARCH = {
    "id": Field("number", lambda v: v.id),
    "product_id": Field("number", lambda v: v.product_id),
    "sku": Field("text", lambda v: v.sku),
    "title": Field("text", lambda v: v.title),
    "updated_at": Field("time", lambda v: v.updated_at),
}
VARIANT_SORT: SortKeys = {
    "ID": lambda v: v.id,
    "SKU": lambda v: v.sku,
    "TITLE": lambda v: v.title,
    "POSITION": lambda v: v.position,
}


def product_things(context: Context) -> list[Thing]:
    """Returns the shop's products."""
    return [Thing("Product", each) for each in context.shop.products.values()]


def variant_things(context: Context) -> list[Thing]:
    """Returns the variants of all products."""
    return [
        Thing("ProductVariant", each, product)
        for product in context.shop.products.values()
        for each in product.variants
    ]


def _variants(
    thing: Thing, context: Context, info: GraphQLResolveInfo, args: dict[str, Any]
) -> Rows:
    things = [Thing("ProductVariant", each, thing.value) for each in thing.value.variants]
    return rows(context, info, args, things, VARIANT_SORT, VARIANT_SEARCH, "POSITION")


def _prices(thing: Thing, context: Context, *_rest: Any) -> dict[str, Any]:
    prices = [each.price for each in thing.value.variants]
    currency = context.shop.profile.currency
    return {
        "minVariantPrice": money(min(prices), currency),
        "maxVariantPrice": money(max(prices), currency),
    }


def _options(product: Product) -> list[dict[str, Any]]:
    return [
        {
            "id": gid("ProductOption", product.id),
            "name": "Format",
            "position": 1,
            "values": [each.title for each in product.variants],
        }
    ]


table(
    "Product",
    {
        **simple(
            id=lambda p: gid("Product", p.id),
            legacyResourceId=lambda p: str(p.id),
            title=lambda p: p.title,
            handle=lambda p: p.handle,
            vendor=lambda p: p.vendor,
            productType=lambda p: p.category,
            customProductType=lambda p: p.category,
            tags=lambda p: p.tags,
            status=lambda p: p.status,
            createdAt=lambda p: stamp(p.created_at),
            updatedAt=lambda p: stamp(p.updated_at),
            publishedAt=lambda p: stamp(p.created_at),
            description=lambda p: p.title,
            descriptionHtml=lambda p: f"<p>{p.title}</p>",
            isGiftCard=lambda _p: False,
            hasOnlyDefaultVariant=lambda _p: False,
            hasOutOfStockVariants=lambda _p: False,
            hasVariantsThatRequiresComponents=lambda _p: False,
            requiresSellingPlan=lambda _p: False,
            tracksInventory=lambda _p: True,
            totalInventory=lambda p: 25 * len(p.variants),
            totalVariants=lambda p: len(p.variants),
            variantsCount=lambda p: {"count": len(p.variants), "precision": "EXACT"},
            category=lambda p: {
                "id": f"gid://shopify/TaxonomyCategory/me-3-{len(p.category)}",
                "name": p.category,
                "fullName": f"Media > Music & Sound Recordings > {p.category}",
                "level": 3,
                "isLeaf": True,
                "isRoot": False,
                "isArchived": False,
                "parentId": "gid://shopify/TaxonomyCategory/me-3",
                "ancestorIds": ["gid://shopify/TaxonomyCategory/me-3"],
                "childrenIds": [],
            },
            options=_options,
        ),
        "priceRangeV2": _prices,
        "variants": _variants,
    },
)

table(
    "ProductVariant",
    {
        **simple(
            id=lambda v: gid("ProductVariant", v.id),
            legacyResourceId=lambda v: str(v.id),
            title=lambda v: v.title,
            sku=lambda v: v.sku,
            price=lambda v: f"{v.price:f}",
            position=lambda v: v.position,
            createdAt=lambda v: stamp(v.created_at),
            updatedAt=lambda v: stamp(v.updated_at),
            taxable=lambda _v: True,
            availableForSale=lambda _v: True,
            requiresComponents=lambda _v: False,
            showUnitPrice=lambda _v: False,
            inventoryPolicy=lambda _v: "DENY",
            inventoryQuantity=lambda _v: 25,
            sellableOnlineQuantity=lambda _v: 25,
            selectedOptions=lambda v: [{"name": "Format", "value": v.title}],
        ),
        "displayName": lambda thing, *_rest: f"{thing.owner.title} - {thing.value.title}",
        "product": lambda thing, *_rest: Thing("Product", thing.owner),
        "inventoryItem": lambda thing, *_rest: Thing("InventoryItem", thing.value, thing.owner),
    },
)


def _unit_cost(thing: Thing, context: Context, *_rest: Any) -> dict[str, str] | None:
    cost: Decimal | None = thing.value.unit_cost
    return None if cost is None else money(cost, context.shop.profile.currency)


# An item of the inventory is what a variant stands for; the two share a number here.
table(
    "InventoryItem",
    {
        **simple(
            id=lambda v: gid("InventoryItem", v.id),
            legacyResourceId=lambda v: str(v.id),
            sku=lambda v: v.sku,
            createdAt=lambda v: stamp(v.created_at),
            updatedAt=lambda v: stamp(v.updated_at),
            tracked=lambda _v: True,
            requiresShipping=lambda _v: True,
            duplicateSkuCount=lambda _v: 0,
        ),
        "unitCost": _unit_cost,
        "variant": lambda thing, *_rest: Thing("ProductVariant", thing.value, thing.owner),
    },
)
