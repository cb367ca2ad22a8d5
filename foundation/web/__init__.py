"""Flask glue: who may, how a page answers, how a refusal speaks, and what protects it all."""
