"""What happens to a packet: walks through chains, and the traces they leave."""
