"""Use cases up to and around publication; one module a stage. Sealed submission stands beside them."""
