"""The page of the workbench: a pure view, sessions, tabs, and the guarded server that shows them."""
