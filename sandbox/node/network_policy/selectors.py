"""Label selectors, as Kubernetes defines them."""

from sandbox.node.network_policy.objects import Cluster, Labels, Manifest, Pod


def matches(selector: Manifest, labels: Labels) -> bool:
    """Return whether a LabelSelector selects something with these labels; an empty one does."""
    wanted = selector.get("matchLabels") or {}
    expressions = selector.get("matchExpressions") or ()
    return all(labels.get(name) == value for name, value in wanted.items()) and all(
        _holds(expression, labels) for expression in expressions
    )


def selected_pods(peer: Manifest, namespace: str, cluster: Cluster) -> list[Pod]:
    """Return the pods that a peer of a policy in `namespace` means; none if it is an ipBlock."""
    if "ipBlock" in peer:
        return []
    elsewhere = peer.get("namespaceSelector")
    if elsewhere is None:
        namespaces = {namespace}
    else:
        namespaces = {n for n, labels in cluster.namespaces.items() if matches(elsewhere, labels)}
    pods = peer.get("podSelector") or {}
    return [
        pod for pod in cluster.pods if pod.namespace in namespaces and matches(pods, pod.labels)
    ]


def _holds(expression: Manifest, labels: Labels) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return key in labels and labels[key] in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"operator {expression['operator']} of a label selector is unknown")
