"""What the pods and claims of an update wait for, while it runs."""
