"""What goes on while models answer, and on what machine: readings that an operator watches."""
