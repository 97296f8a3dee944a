"""Rendered manifests have only Kubernetes objects and mark unknown values."""

import yaml

from policies.resource import Resource, Unknown
from review.manifests import changes, manifests


def config_map(name: str, **data: object) -> Resource:
    properties = {"kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return Resource("kubernetes:core/v1:ConfigMap", name, properties)


BUCKET = Resource("aws:s3/bucket:Bucket", "archive", {"bucket": "archive"})


def test_only_kubernetes_objects_become_manifests() -> None:
    documents = list(yaml.safe_load_all(manifests([config_map("a"), BUCKET, config_map("b")])))
    assert [document["metadata"]["name"] for document in documents] == ["a", "b"]


def test_an_unknown_value_is_marked() -> None:
    (document,) = yaml.safe_load_all(manifests([config_map("a", arn=Unknown("archive.arn"))]))
    assert document["data"] == {"arn": "[unknown]"}


def test_equal_previews_have_no_changes() -> None:
    assert changes([BUCKET, config_map("a")], [config_map("a"), BUCKET]) == ""


def test_changes_show_what_was_added_changed_and_removed() -> None:
    before = [config_map("gone", x="1"), config_map("kept", x="1")]
    after = [config_map("kept", x="2"), config_map("new", x="1")]
    text = changes(before, after)
    assert "--- kubernetes:core/v1:ConfigMap gone\n+++ (nothing)" in text
    assert "-  x: '1'\n+  x: '2'" in text
    assert "--- (nothing)\n+++ kubernetes:core/v1:ConfigMap new" in text


def test_texts_are_compared_by_line_and_long_ones_by_their_hash() -> None:
    before = [config_map("a", script="set -e\nrun one\n", jar="x" * 5000)]
    after = [config_map("a", script="set -e\nrun two\n", jar="x" * 4999 + "y")]
    text = changes(before, after)
    assert "-    run one\n+    run two" in text
    assert "… (5007 characters, hash " in text
    assert "x" * 300 not in text
