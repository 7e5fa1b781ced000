"""The Shopify Admin GraphQL stand-in: it executes queries over a committed part of the schema."""
