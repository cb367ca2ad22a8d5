"""The supervisors' desk: indicators of collusion with their evidence, what people did about them, statistics."""
