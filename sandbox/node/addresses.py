"""The node's names, addresses and ports. Fixed, so that a stack's configuration can name them."""

from ipaddress import IPv4Address, IPv4Network

NODE_NAME = "datapipe-sandbox"
CLUSTER_DOMAIN = "cluster.local"

# The bridge carries the node's address; each pod hangs on a point-to-point link of its own that
# has the same address at the node's end, so all traffic between pods is routed by the host.
BRIDGE = "datapipe0"
NETWORK = IPv4Network("10.231.0.0/16")
NODE_ADDRESS = IPv4Address("10.231.0.1")
PODS = IPv4Network("10.231.0.0/24")
SERVICES = IPv4Network("10.231.64.0/20")
CLUSTER_DNS = IPv4Address("10.231.64.10")

API_SERVER_PORT = 16443
KUBELET_PORT = 16250
KUBELET_HEALTH_PORT = 16248
SCHEDULER_PORT = 16259
CONTROLLER_MANAGER_PORT = 16257
KUBE_PROXY_HEALTH_PORT = 16256
KUBE_PROXY_METRICS_PORT = 16249
ETCD_PORT = 12379
ETCD_PEER_PORT = 12380
MOTO_PORT = 5566

API_SERVER_URL = f"https://{NODE_ADDRESS}:{API_SERVER_PORT}"
ETCD_URL = f"https://127.0.0.1:{ETCD_PORT}"
MOTO_URL = f"http://{NODE_ADDRESS}:{MOTO_PORT}"

# The address on which each port is opened; preflight checks that they are free.
LISTENERS: tuple[tuple[str, int], ...] = (
    (str(NODE_ADDRESS), API_SERVER_PORT),
    (str(NODE_ADDRESS), KUBELET_PORT),
    (str(NODE_ADDRESS), MOTO_PORT),
    ("127.0.0.1", KUBELET_HEALTH_PORT),
    ("127.0.0.1", SCHEDULER_PORT),
    ("127.0.0.1", CONTROLLER_MANAGER_PORT),
    ("127.0.0.1", KUBE_PROXY_HEALTH_PORT),
    ("127.0.0.1", KUBE_PROXY_METRICS_PORT),
    ("127.0.0.1", ETCD_PORT),
    ("127.0.0.1", ETCD_PEER_PORT),
)
