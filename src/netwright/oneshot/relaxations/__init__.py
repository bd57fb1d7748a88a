"""Ways to weigh the options of a supernet by gradient, one paper a file."""
