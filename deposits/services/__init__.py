"""Use cases: open a sub-account, take in a notice of arrival, let refunds fall due, order, settle and block them."""
