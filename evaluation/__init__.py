"""Evaluation: scoring methods (Jiangsu price scoring). Committees, reviews and reports are later stages."""
