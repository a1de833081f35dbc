"""The report of one invocation: its values, and the page that shows them."""
