"""What the tests stand on: services found or provisioned, one of each a test run, shared by all workers."""
