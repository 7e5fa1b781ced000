"""What is asked of Shopify's Admin GraphQL API, version 2026-10, and how much of it at a time.

Every query is valid against the official schema and costs at most 1000 points in the strictest
reading of the cost rules (an object is 1, a connection 2 and `first` times its content); tests hold
both. Fields appear once, as text, because bulk operations take no variables.

Belongs here: GraphQL. Does not belong here: what becomes of the answers (`tables.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

API_VERSION = "2026-10"

#: The dearest single query that the API takes.
MAX_COST = 1000

#: Elements of an input array, and objects on a page.
MAX_INPUT = 250

#: Most line items, variants and the like that come with their parent; more are paged.
LINES_FIRST = 5
VARIANTS_FIRST = 10
REFUND_LINES_FIRST = 8
REFUND_TRANSACTIONS_FIRST = 4

_MONEY = "{ shopMoney { amount } presentmentMoney { amount } }"
_MONEY_WITH_CURRENCY = (
    "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
)
_VISIT = "{ source sourceType referrerUrl landingPage utmParameters { source medium campaign } }"
_PAGE_INFO = "pageInfo { hasNextPage endCursor }"

TRANSACTION_FIELDS = f"""
  id kind status test gateway createdAt processedAt errorCode paymentId manualPaymentGateway
  settlementCurrency settlementCurrencyRate parentTransaction {{ id }}
  amountSet {_MONEY_WITH_CURRENCY}
  fees {{
    id type rate rateName flatFeeName amount {{ amount currencyCode }}
    flatFee {{ amount currencyCode }} taxAmount {{ amount currencyCode }}
  }}
"""

ORDER_FIELDS = f"""
  id name createdAt processedAt updatedAt cancelledAt cancelReason closedAt test confirmed edited
  email currencyCode presentmentCurrencyCode displayFinancialStatus displayFulfillmentStatus
  taxesIncluded sourceName discountCodes tags paymentGatewayNames customerLocale
  customer {{ id }}
  shippingAddress {{ countryCodeV2 provinceCode }}
  billingAddress {{ countryCodeV2 }}
  attribution {{ handle displayName }}
  customerJourneySummary {{ ready firstVisit {_VISIT} lastVisit {_VISIT} }}
  subtotalPriceSet {_MONEY}
  totalDiscountsSet {_MONEY}
  totalTaxSet {_MONEY}
  totalShippingPriceSet {_MONEY}
  totalTipReceivedSet {_MONEY}
  totalPriceSet {_MONEY}
  currentTotalPriceSet {_MONEY}
  totalReceivedSet {_MONEY}
  totalRefundedSet {_MONEY}
  totalRefundedShippingSet {_MONEY}
  refunds {{ id }}
  transactions {{ {TRANSACTION_FIELDS} }}
"""

LINE_FIELDS = f"""
  id name title variantTitle sku vendor quantity currentQuantity isGiftCard taxable
  product {{ id }}
  variant {{ id }}
  originalUnitPriceSet {_MONEY}
  originalTotalSet {_MONEY_WITH_CURRENCY}
  discountedTotalSet {_MONEY}
  totalDiscountSet {_MONEY}
  taxLines {{ title rate priceSet {_MONEY} }}
  discountAllocations {{
    allocatedAmountSet {_MONEY_WITH_CURRENCY}
    discountApplication {{
      __typename index targetType targetSelection
      ... on DiscountCodeApplication {{ code }}
      ... on AutomaticDiscountApplication {{ title }}
      ... on ManualDiscountApplication {{ title }}
      ... on ScriptDiscountApplication {{ title }}
    }}
  }}
"""

REFUND_LINE_FIELDS = f"""
  id quantity restockType restocked
  lineItem {{ id }}
  priceSet {_MONEY}
  subtotalSet {_MONEY_WITH_CURRENCY}
  totalTaxSet {_MONEY}
"""

CUSTOMER_FIELDS = """
  id createdAt updatedAt firstName lastName state locale tags taxExempt verifiedEmail numberOfOrders
  defaultEmailAddress { emailAddress marketingState }
  defaultPhoneNumber { phoneNumber }
  amountSpent { amount currencyCode }
  defaultAddress { countryCodeV2 provinceCode city zip }
"""

PRODUCT_FIELDS = """
  id title handle vendor productType status isGiftCard tags createdAt updatedAt publishedAt
  category { id fullName }
"""

VARIANT_FIELDS = """
  id title sku barcode position price compareAtPrice taxable createdAt updatedAt
  inventoryItem { id tracked unitCost { amount currencyCode } }
"""

_DISCOUNT_FIELDS = "title status startsAt endsAt createdAt updatedAt discountClasses"
_CODE_FIELDS = f"{_DISCOUNT_FIELDS} usageLimit asyncUsageCount codesCount {{ count }}"

DISCOUNT_FIELDS = f"""
  id
  discount {{
    __typename
    ... on DiscountAutomaticApp {{ {_DISCOUNT_FIELDS} asyncUsageCount }}
    ... on DiscountAutomaticBasic {{ {_DISCOUNT_FIELDS} asyncUsageCount }}
    ... on DiscountAutomaticBxgy {{ {_DISCOUNT_FIELDS} asyncUsageCount }}
    ... on DiscountAutomaticFreeShipping {{ {_DISCOUNT_FIELDS} asyncUsageCount }}
    ... on DiscountCodeApp {{ {_CODE_FIELDS} }}
    ... on DiscountCodeBasic {{ {_CODE_FIELDS} }}
    ... on DiscountCodeBxgy {{ {_CODE_FIELDS} }}
    ... on DiscountCodeFreeShipping {{ {_CODE_FIELDS} }}
  }}
"""

_LINES = f"nodes {{ {LINE_FIELDS} }} {_PAGE_INFO}"
_VARIANTS = f"nodes {{ {VARIANT_FIELDS} }} {_PAGE_INFO}"
_REFUND_LINES = f"nodes {{ {REFUND_LINE_FIELDS} }} {_PAGE_INFO}"
_REFUND_TRANSACTIONS = f"nodes {{ id }} {_PAGE_INFO}"
_ORDER = f"{ORDER_FIELDS} lineItems(first: {LINES_FIRST}) {{ {_LINES} }}"


@dataclass(frozen=True)
class Listing:
    """A list of the API that can be read by the time of the last change.

    Attributes:
        name: Of the entity, and of the operation in messages.
        connection: Field of the query root.
        count: Field of the query root that counts it.
        sort_keys: Name of the enum type of its sort keys.
        content: What is asked of each node.
        first: Objects on the first page; the pages grow when the API finds them cheap.
        type_name: Type of a node, and of its global id.
        times: Where a node has its time of change, for the small question for the newest one.
        created: What the search calls the time of creation.
    """

    name: str
    connection: str
    count: str
    sort_keys: str
    content: str
    first: int
    type_name: str
    times: str = "updatedAt"
    created: str = "created_at"

    @property
    def page(self) -> str:
        """One page in ascending order."""
        return f"""
query {self.name}($first: Int!, $after: String, $query: String, $sortKey: {self.sort_keys}!) {{
  {self.connection}(first: $first, after: $after, query: $query, sortKey: $sortKey) {{
    nodes {{ {self.content} }}
    {_PAGE_INFO}
  }}
}}"""

    @property
    def newest(self) -> str:
        """The object that changed last."""
        return f"""
query {self.name}Newest {{
  {self.connection}(first: 1, sortKey: UPDATED_AT, reverse: true) {{
    nodes {{ id {self.times} }}
  }}
}}"""

    @property
    def counted(self) -> str:
        """How many there are, without an upper limit of the count."""
        return f"""
query {self.name}Count($query: String) {{
  {self.count}(query: $query, limit: null) {{ count precision }}
}}"""

    @property
    def ids(self) -> str:
        """Ids only, for comparisons."""
        return f"""
query {self.name}Ids($first: Int!, $after: String, $query: String) {{
  {self.connection}(first: $first, after: $after, query: $query, sortKey: ID) {{
    nodes {{ id }}
    {_PAGE_INFO}
  }}
}}"""

    @property
    def again(self) -> str:
        """Objects by their ids, complete."""
        return f"""
query {self.name}ById($ids: [ID!]!) {{
  nodes(ids: $ids) {{ ... on {self.type_name} {{ {self.content} }} }}
}}"""


ORDERS = Listing(
    "Orders", "orders", "ordersCount", "OrderSortKeys", _ORDER, first=5, type_name="Order"
)
CUSTOMERS = Listing(
    "Customers",
    "customers",
    "customersCount",
    "CustomerSortKeys",
    CUSTOMER_FIELDS,
    first=150,
    type_name="Customer",
    created="customer_date",
)
PRODUCTS = Listing(
    "Products",
    "products",
    "productsCount",
    "ProductSortKeys",
    f"{PRODUCT_FIELDS} variants(first: {VARIANTS_FIRST}) {{ {_VARIANTS} }}",
    first=25,
    type_name="Product",
)
DISCOUNTS = Listing(
    "Discounts",
    "discountNodes",
    "discountNodesCount",
    "DiscountSortKeys",
    DISCOUNT_FIELDS,
    first=200,
    type_name="DiscountNode",
    times="discount { "
    + " ".join(
        f"... on Discount{kind} {{ updatedAt }}"
        for kind in (
            "AutomaticApp",
            "AutomaticBasic",
            "AutomaticBxgy",
            "AutomaticFreeShipping",
            "CodeApp",
            "CodeBasic",
            "CodeBxgy",
            "CodeFreeShipping",
        )
    )
    + " }",
)

LISTINGS = (ORDERS, CUSTOMERS, PRODUCTS, DISCOUNTS)

REFUNDS_AT_ONCE = 7
REFUNDS = f"""
query Refunds($ids: [ID!]!) {{
  nodes(ids: $ids) {{
    ... on Refund {{
      id createdAt processedAt updatedAt
      totalRefundedSet {_MONEY_WITH_CURRENCY}
      refundLineItems(first: {REFUND_LINES_FIRST}) {{ {_REFUND_LINES} }}
      transactions(first: {REFUND_TRANSACTIONS_FIRST}) {{ {_REFUND_TRANSACTIONS} }}
    }}
  }}
}}"""

ORDER_LINES_NEXT = f"""
query OrderLines($id: ID!, $first: Int!, $after: String!) {{
  parent: order(id: $id) {{ children: lineItems(first: $first, after: $after) {{ {_LINES} }} }}
}}"""

REFUND_LINES_NEXT = f"""
query RefundLines($id: ID!, $first: Int!, $after: String!) {{
  parent: refund(id: $id) {{
    children: refundLineItems(first: $first, after: $after) {{ {_REFUND_LINES} }}
  }}
}}"""

REFUND_TRANSACTIONS_NEXT = f"""
query RefundTransactions($id: ID!, $first: Int!, $after: String!) {{
  parent: refund(id: $id) {{
    children: transactions(first: $first, after: $after) {{ {_REFUND_TRANSACTIONS} }}
  }}
}}"""

VARIANTS_NEXT = f"""
query Variants($id: ID!, $first: Int!, $after: String!) {{
  parent: product(id: $id) {{ children: variants(first: $first, after: $after) {{ {_VARIANTS} }} }}
}}"""

#: Children a page of the queries above.
NEXT_FIRST = 30

DISPUTES = f"""
query Disputes($first: Int!, $after: String) {{
  disputes(first: $first, after: $after) {{
    nodes {{
      id type status initiatedAt evidenceDueBy evidenceSentOn finalizedOn
      order {{ id }}
      amount {{ amount currencyCode }}
      reasonDetails {{ reason networkReasonCode }}
    }}
    {_PAGE_INFO}
  }}
}}"""
DISPUTES_FIRST = 150

PRODUCT_DELETIONS = f"""
query ProductDeletions($first: Int!, $after: String, $query: String) {{
  events(first: $first, after: $after, query: $query, sortKey: ID) {{
    nodes {{ id action createdAt ... on BasicEvent {{ subjectId subjectType }} }}
    {_PAGE_INFO}
  }}
}}"""
PRODUCT_DELETIONS_FIRST = 200

#: What the token may see, and the shop as the API knows it.
INSTALLATION = """
query Installation {
  currentAppInstallation { accessScopes { handle } }
  shop { myshopifyDomain currencyCode ianaTimezone }
}"""

BULK_START = """
mutation BulkStart($query: String!) {
  bulkOperationRunQuery(query: $query, groupObjects: false) {
    bulkOperation { id status }
    userErrors { code field message }
  }
}"""

BULK_STATE = """
query BulkState($id: ID!) {
  bulkOperation(id: $id) { id status errorCode objectCount fileSize url partialDataUrl }
}"""


def bulk_query(listing: Listing, query: str) -> str:
    """Writes the query of a bulk operation, which takes no variables.

    Args:
        listing: Orders, customers or products.
        query: Which of them, in the API's search syntax, without double quotes.
    """
    children = {
        ORDERS.name: f"lineItems {{ edges {{ node {{ {LINE_FIELDS} }} }} }}",
        PRODUCTS.name: f"variants {{ edges {{ node {{ {VARIANT_FIELDS} }} }} }}",
    }.get(listing.name, "")
    fields = {ORDERS.name: ORDER_FIELDS, PRODUCTS.name: PRODUCT_FIELDS}.get(
        listing.name, listing.content
    )
    return f"""
{{
  {listing.connection}(query: "{query}") {{
    edges {{ node {{ {fields} {children} }} }}
  }}
}}"""
