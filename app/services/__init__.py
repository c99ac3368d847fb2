"""The use cases: one function each, in the transaction of whoever calls."""
