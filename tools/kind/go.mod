// kind's own manifests and types, which a test compares with the dev stack and kind/cluster.yaml.
module datapipe/kind

go 1.21

require sigs.k8s.io/kind v0.33.0
