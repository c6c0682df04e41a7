package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/clock"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodeheartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/client/clientset/versioned"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/utils/client"
)

// playNode registers the node by the kubelet's own rights, and lets KWOK be its kubelet: the node is Ready, its lease is
// renewed, its pods run, those of Jobs succeed.
func playNode(ctx context.Context, s settings, k *kubelet, told joined) error {
	kubeletConfig, err := clientcmd.BuildConfigFromFlags("", s.data("agent", "kubelet.kubeconfig"))
	if err != nil {
		return err
	}
	api, err := kubernetes.NewForConfig(kubeletConfig)
	if err != nil {
		return err
	}
	for {
		err := register(ctx, s, k, api)
		if err == nil {
			break
		}
		logrus.Errorf("Unable to register node with API server: %v", err)
		if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
			return err
		}
		time.Sleep(2 * time.Second)
	}
	return startKwok(ctx, s, told)
}

// register creates the Node with labels and taints, or, if it is there, sets the labels anew and leaves the taints, as K3s.
func register(ctx context.Context, s settings, k *kubelet, api kubernetes.Interface) error {
	node := describeNode(s)
	if taints, err := parseTaints(s.list("node-taint")); err != nil {
		return err
	} else {
		node.Spec.Taints = taints
	}
	nodes := api.CoreV1().Nodes()
	if _, err := nodes.Create(ctx, node, meta.CreateOptions{}); apierrors.IsAlreadyExists(err) {
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": node.Labels, "annotations": node.Annotations}})
		if err != nil {
			return err
		}
		if _, err := nodes.Patch(ctx, node.Name, types.MergePatchType, patch, meta.PatchOptions{}); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	status, err := json.Marshal(map[string]any{"status": describeStatus(s, k)})
	if err != nil {
		return err
	}
	_, err = nodes.Patch(ctx, node.Name, types.StrategicMergePatchType, status, meta.PatchOptions{}, "status")
	return err
}

func describeNode(s settings) *core.Node {
	labels := map[string]string{
		"kubernetes.io/hostname": s.nodeName(), "kubernetes.io/os": "linux", "kubernetes.io/arch": runtime.GOARCH,
		"beta.kubernetes.io/os": "linux", "beta.kubernetes.io/arch": runtime.GOARCH, "node.kubernetes.io/instance-type": "k3s",
	}
	for _, label := range s.list("node-label") {
		key, value, _ := strings.Cut(label, "=")
		labels[key] = value
	}
	return &core.Node{
		ObjectMeta: meta.ObjectMeta{
			Name: s.nodeName(), Labels: labels,
			Annotations: map[string]string{"k3s.io/hostname": s.nodeName(), "k3s.io/internal-ip": s.nodeIP()},
		},
		Spec: core.NodeSpec{ProviderID: "k3s://" + s.nodeName()},
	}
}

func parseTaints(texts []string) ([]core.Taint, error) {
	var taints []core.Taint
	for _, text := range texts {
		pair, effect, found := strings.Cut(text, ":")
		if !found {
			return nil, fmt.Errorf("invalid taint spec: %s", text)
		}
		key, value, _ := strings.Cut(pair, "=")
		taints = append(taints, core.Taint{Key: key, Value: value, Effect: core.TaintEffect(effect)})
	}
	return taints, nil
}

// describeStatus tells of the real machine. Conditions are KWOK's.
func describeStatus(s settings, k *kubelet) core.NodeStatus {
	var memory syscall.Sysinfo_t
	_ = syscall.Sysinfo(&memory)
	var disk syscall.Statfs_t
	_ = syscall.Statfs(k.root, &disk)
	capacity := core.ResourceList{
		core.ResourceCPU:              *resource.NewQuantity(int64(runtime.NumCPU()), resource.DecimalSI),
		core.ResourceMemory:           *resource.NewQuantity(int64(memory.Totalram)*int64(memory.Unit), resource.BinarySI),
		core.ResourceEphemeralStorage: *resource.NewQuantity(int64(disk.Blocks)*disk.Bsize, resource.BinarySI),
		core.ResourcePods:             *resource.NewQuantity(int64(k.config.MaxPods), resource.DecimalSI),
	}
	// A small emulated machine carries the pods of a large one, because none of them runs.
	for name, least := range map[core.ResourceName]string{core.ResourceCPU: "32", core.ResourceMemory: "128Gi", core.ResourceEphemeralStorage: "1Ti"} {
		if quantity := resource.MustParse(least); quantity.Cmp(capacity[name]) > 0 {
			capacity[name] = quantity
		}
	}
	read := func(file string) string {
		content, _ := os.ReadFile(file)
		return strings.TrimSpace(string(content))
	}
	return core.NodeStatus{
		Addresses: []core.NodeAddress{{Type: core.NodeInternalIP, Address: s.nodeIP()}, {Type: core.NodeHostName, Address: s.nodeName()}},
		Capacity:  capacity, Allocatable: capacity,
		NodeInfo: core.NodeSystemInfo{
			MachineID: read("/etc/machine-id"), SystemUUID: read("/sys/class/dmi/id/product_uuid"), BootID: read("/proc/sys/kernel/random/boot_id"),
			KernelVersion: read("/proc/sys/kernel/osrelease"), OSImage: osImage(read("/etc/os-release")), OperatingSystem: "linux",
			Architecture: runtime.GOARCH, KubeletVersion: version, KubeProxyVersion: version, ContainerRuntimeVersion: "containerd://2.0.5-k3s1.32",
		},
	}
}

func osImage(release string) string {
	for _, line := range strings.Split(release, "\n") {
		if name, found := strings.CutPrefix(line, "PRETTY_NAME="); found {
			return strings.Trim(name, `"`)
		}
	}
	return "unknown"
}

// startKwok runs KWOK's controller for this node alone, with its own "fast" stages.
func startKwok(ctx context.Context, s settings, told joined) error {
	set, err := client.NewClientset("", s.data("agent", "k3scontroller.kubeconfig"))
	if err != nil {
		return err
	}
	restConfig, err := set.ToRESTConfig()
	if err != nil {
		return err
	}
	dynamic, err := set.ToDynamicClient()
	if err != nil {
		return err
	}
	mapper, err := set.ToRESTMapper()
	if err != nil {
		return err
	}
	plain, err := rest.RESTClientFor(restConfig)
	if err != nil {
		return err
	}
	typed, err := kubernetes.NewForConfig(restConfig)
	if err != nil {
		return err
	}
	kwok, err := versioned.NewForConfig(restConfig)
	if err != nil {
		return err
	}
	stages := map[internalversion.StageResourceRef][]*internalversion.Stage{}
	for _, text := range []string{nodefast.DefaultNodeInit, nodeheartbeat.DefaultNodeHeartbeatWithLease, podfast.DefaultPodReady,
		podfast.DefaultPodComplete, podfast.DefaultPodDelete} {
		stage, err := config.UnmarshalWithType[*internalversion.Stage](text)
		if err != nil {
			return err
		}
		stages[stage.Spec.ResourceRef] = append(stages[stage.Spec.ResourceRef], stage)
	}
	controller, err := controllers.NewController(controllers.Config{
		Clock: clock.RealClock{}, DynamicClient: dynamic, RESTClient: plain, RESTMapper: mapper,
		ImpersonatingDynamicClient: set.ToImpersonatingDynamicClient(), TypedClient: typed, TypedKwokClient: kwok,
		ManageSingleNode: s.nodeName(), NodeName: s.nodeName(), NodeIP: s.nodeIP(), NodePort: 10250,
		CIDR: strings.Split(told.ClusterCIDR, ",")[0], LocalStages: stages, PodPlayStageParallelism: 4, NodePlayStageParallelism: 1,
		NodeLeaseParallelism: 1, NodeLeaseDurationSeconds: 40, ID: s.nodeName(),
	})
	if err != nil {
		return err
	}
	return controller.Start(ctx)
}
