"""The programs of the node and of the stand-in for AWS, in the order of their start."""

import sys
from collections.abc import Mapping

from sandbox import paths
from sandbox.node import addresses, configuration, kubeconfig, pki
from sandbox.supervisor import Program
from tools import paths as tool_paths


def programs() -> list[Program]:
    """Return every program that the supervisor runs."""
    return [
        _containerd(),
        _etcd(),
        _api_server(),
        _controller_manager(),
        _scheduler(),
        _kubelet(),
        _kube_proxy(),
        _network_policy(),
        _provisioner(),
        _moto(),
    ]


def _binary(name: str) -> str:
    # The file, not the link: a new version of a program is a new command, so it is restarted.
    return str((tool_paths.binaries() / name).resolve().parent / name)


def _containerd() -> Program:
    return Program(
        "containerd",
        [_binary("containerd"), "--config", str(configuration.CONTAINERD)],
        files=[configuration.CONTAINERD],
    )


def _etcd() -> Program:
    peer_url = f"https://127.0.0.1:{addresses.ETCD_PEER_PORT}"
    tls = {
        "cert-file": pki.ETCD.certificate,
        "key-file": pki.ETCD.key,
        "trusted-ca-file": pki.CA_CERTIFICATE,
        "client-cert-auth": "true",
    }
    flags = {
        "name": addresses.NODE_NAME,
        "data-dir": paths.STATE / "etcd",
        "listen-client-urls": addresses.ETCD_URL,
        "advertise-client-urls": addresses.ETCD_URL,
        "listen-peer-urls": peer_url,
        "initial-advertise-peer-urls": peer_url,
        "initial-cluster": f"{addresses.NODE_NAME}={peer_url}",
        **tls,
        **{f"peer-{flag}": value for flag, value in tls.items()},
        # Nothing here outlives the machine's power, and syncing every write is slow on small disks.
        "unsafe-no-fsync": "true",
    }
    return Program("etcd", [_binary("etcd"), *_flags(flags)])


def _api_server() -> Program:
    flags = {
        "bind-address": addresses.NODE_ADDRESS,
        "secure-port": addresses.API_SERVER_PORT,
        "advertise-address": addresses.NODE_ADDRESS,
        "service-cluster-ip-range": addresses.SERVICES,
        "etcd-servers": addresses.ETCD_URL,
        "etcd-cafile": pki.CA_CERTIFICATE,
        "etcd-certfile": pki.ETCD.certificate,
        "etcd-keyfile": pki.ETCD.key,
        "client-ca-file": pki.CA_CERTIFICATE,
        "tls-cert-file": pki.API_SERVER.certificate,
        "tls-private-key-file": pki.API_SERVER.key,
        "kubelet-certificate-authority": pki.CA_CERTIFICATE,
        "kubelet-client-certificate": pki.API_SERVER_AS_CLIENT.certificate,
        "kubelet-client-key": pki.API_SERVER_AS_CLIENT.key,
        "kubelet-preferred-address-types": "InternalIP",  # the node's name does not have to resolve
        "service-account-issuer": f"https://kubernetes.default.svc.{addresses.CLUSTER_DOMAIN}",
        "service-account-key-file": pki.SERVICE_ACCOUNT_PUBLIC_KEY,
        "service-account-signing-key-file": pki.SERVICE_ACCOUNT_KEY,
        "anonymous-auth": "false",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "profiling": "false",
    }
    return Program("kube-apiserver", [_binary("kube-apiserver"), *_flags(flags)])


def _controller_manager() -> Program:
    flags = {
        "kubeconfig": kubeconfig.path_for(pki.CONTROLLER_MANAGER),
        "bind-address": "127.0.0.1",
        "secure-port": addresses.CONTROLLER_MANAGER_PORT,
        "leader-elect": "false",
        "root-ca-file": pki.CA_CERTIFICATE,
        "service-account-private-key-file": pki.SERVICE_ACCOUNT_KEY,
        "use-service-account-credentials": "true",
        "flex-volume-plugin-dir": paths.STATE / "kubelet" / "volume-plugins",
        "profiling": "false",
    }
    return Program("kube-controller-manager", [_binary("kube-controller-manager"), *_flags(flags)])


def _scheduler() -> Program:
    flags = {
        "kubeconfig": kubeconfig.path_for(pki.SCHEDULER),
        "bind-address": "127.0.0.1",
        "secure-port": addresses.SCHEDULER_PORT,
        "leader-elect": "false",
        "profiling": "false",
    }
    return Program("kube-scheduler", [_binary("kube-scheduler"), *_flags(flags)])


def _kubelet() -> Program:
    flags = {
        "config": configuration.KUBELET,
        "kubeconfig": kubeconfig.path_for(pki.KUBELET),
        "hostname-override": addresses.NODE_NAME,
        "node-ip": addresses.NODE_ADDRESS,
        "root-dir": paths.STATE / "kubelet",
        "cert-dir": paths.STATE / "kubelet" / "pki",
    }
    return Program("kubelet", [_binary("kubelet"), *_flags(flags)], files=[configuration.KUBELET])


def _kube_proxy() -> Program:
    flags = {"config": configuration.KUBE_PROXY}
    return Program(
        "kube-proxy", [_binary("kube-proxy"), *_flags(flags)], files=[configuration.KUBE_PROXY]
    )


def _network_policy() -> Program:
    controller = tool_paths.PROJECT / "sandbox" / "node" / "network_policy"
    return Program(
        "network-policy",
        [
            *_own_module("sandbox.node.network_policy"),
            str(kubeconfig.path_for(pki.NETWORK_POLICY)),
        ],
        files=sorted(controller.glob("*.py")),
    )


def _provisioner() -> Program:
    flags = {
        "kubeconfig": kubeconfig.path_for(pki.PROVISIONER),
        "root": paths.VOLUMES,
        "node": addresses.NODE_NAME,
    }
    return Program("local-path-provisioner", [_binary("local-path-provisioner"), *_flags(flags)])


def _moto() -> Program:
    flags = {"host": addresses.NODE_ADDRESS, "port": addresses.MOTO_PORT}
    return Program(
        "moto",
        [*_own_module("sandbox.aws_server"), *_flags(flags)],
        loses_state_on_restart=True,
    )


def _own_module(name: str) -> list[str]:
    return [
        *("/usr/bin/env", f"PYTHONPATH={tool_paths.PROJECT}", "PYTHONSAFEPATH=1"),
        *(sys.executable, "-m", name),
    ]


def _flags(flags: Mapping[str, object]) -> list[str]:
    return [f"--{name}={value}" for name, value in flags.items()]
