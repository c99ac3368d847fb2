"""The HTTP interface: how requests come in, what they may do, and how they are answered."""
