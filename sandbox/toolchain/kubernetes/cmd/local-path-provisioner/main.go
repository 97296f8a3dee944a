// Command local-path-provisioner makes a folder on the node for each claim and
// gives it out as a `local` PersistentVolume: unlike hostPath, the kubelet hands
// such a folder to the pod's fsGroup and schedules the pod to the node.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v10/controller"
)

const provisionerName = "datapipe.sandbox/local-path"

func main() {
	klog.InitFlags(nil)
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("root", "", "folder below which the volumes are made")
	node := flag.String("node", "", "name of the node that this folder is on")
	flag.Parse()
	if *root == "" || *node == "" {
		klog.Fatal("-root and -node are required")
	}
	if err := run(*kubeconfig, &localPath{root: *root, node: *node}); err != nil {
		klog.Fatal(err)
	}
}

func run(kubeconfig string, provisioner *localPath) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("kubeconfig %s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	controller.NewProvisionController(
		klog.FromContext(ctx), client, provisionerName, provisioner,
		controller.LeaderElection(false), // one node, one provisioner
	).Run(ctx)
	return nil
}

type localPath struct {
	root string
	node string
}

// Provision makes the claim's folder. It may find it there: the controller
// repeats a call whose answer was lost.
func (p *localPath) Provision(
	_ context.Context, options controller.ProvisionOptions,
) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	claim := options.PVC
	if claim.Spec.Selector != nil {
		return nil, controller.ProvisioningFinished, errors.New("a claim's selector is not supported")
	}
	// The name tells a person who looks into the folder whose data it is.
	folder := filepath.Join(p.root, fmt.Sprintf("%s_%s_%s", options.PVName, claim.Namespace, claim.Name))
	// Group access, so that fsGroup (set by the kubelet at mount time) opens it to the pod alone.
	if err := os.MkdirAll(folder, 0o770); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	return p.volume(options, folder), controller.ProvisioningFinished, nil
}

func (p *localPath) volume(options controller.ProvisionOptions, folder string) *v1.PersistentVolume {
	filesystem := v1.PersistentVolumeFilesystem
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: options.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *options.StorageClass.ReclaimPolicy,
			AccessModes:                   options.PVC.Spec.AccessModes,
			VolumeMode:                    &filesystem,
			Capacity: v1.ResourceList{
				v1.ResourceStorage: options.PVC.Spec.Resources.Requests[v1.ResourceStorage],
			},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				Local: &v1.LocalVolumeSource{Path: folder},
			},
			NodeAffinity: p.onThisNode(),
		},
	}
}

func (p *localPath) onThisNode() *v1.VolumeNodeAffinity {
	return &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{
		NodeSelectorTerms: []v1.NodeSelectorTerm{{
			MatchExpressions: []v1.NodeSelectorRequirement{{
				Key:      v1.LabelHostname,
				Operator: v1.NodeSelectorOpIn,
				Values:   []string{p.node},
			}},
		}},
	}}
}

// Delete is called for volumes of reclaim policy Delete only; with Retain, the
// sandbox's class, the folder outlives claim and volume.
func (p *localPath) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	folder := volume.Spec.Local.Path
	if filepath.Dir(folder) != filepath.Clean(p.root) {
		return fmt.Errorf("%s is not below %s", folder, p.root)
	}
	return os.RemoveAll(folder)
}
