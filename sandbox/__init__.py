"""What speaks to a demonstration centre from outside: bank, clients, robots and the story. HTTP and sockets only."""
