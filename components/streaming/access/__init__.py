"""Who may reach the brokers, and do what there: transport, accounts, certificates and ACLs."""
