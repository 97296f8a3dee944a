"""A client of Kafka Connect's REST API, for the program that deploys connectors and for users.

`client` sends the requests, `access` and `cluster_access` find a worker through the Kubernetes API
server, `status` and `failures` explain what it answers, `startup` waits until it runs.
`task_configs` says whether tasks have their connector's configuration, and `worker_log` why not.
"""
