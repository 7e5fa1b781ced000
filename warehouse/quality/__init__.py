"""Great Expectations suites, one module a raw or ml table."""
