"""Sound servers, and the clients that play and record through them."""
