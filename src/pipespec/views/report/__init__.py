"""The report of one invocation: its values, and the page that is made of them."""
