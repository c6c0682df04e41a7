package main

import (
	"context"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	rbac "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// makeSystemObjects makes what K3s makes and this project uses; what is there stays.
func makeSystemObjects(ctx context.Context, s settings, client kubernetes.Interface) error {
	named := func(name string) meta.ObjectMeta { return meta.ObjectMeta{Name: name} }
	steps := []func() error{
		func() error {
			_, err := client.RbacV1().ClusterRoles().Create(ctx, &rbac.ClusterRole{ObjectMeta: named("system:k3s-controller"), Rules: playerRules}, meta.CreateOptions{})
			return err
		},
		func() error {
			_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, &rbac.ClusterRoleBinding{
				ObjectMeta: named("system:k3s-controller"),
				RoleRef:    rbac.RoleRef{APIGroup: rbac.GroupName, Kind: "ClusterRole", Name: "system:k3s-controller"},
				Subjects:   []rbac.Subject{{APIGroup: rbac.GroupName, Kind: "User", Name: "system:k3s-controller"}},
			}, meta.CreateOptions{})
			return err
		},
	}
	if !contains(s.list("disable"), "runtimes") {
		for _, name := range []string{"nvidia", "nvidia-experimental", "crun"} {
			steps = append(steps, func() error {
				_, err := client.NodeV1().RuntimeClasses().Create(ctx, &nodev1.RuntimeClass{ObjectMeta: named(name), Handler: name}, meta.CreateOptions{})
				return err
			})
		}
	}
	if !contains(s.list("disable"), "coredns") {
		steps = append(steps, dnsObjects(ctx, s, client)...)
	}
	for _, step := range steps {
		if err := step(); err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// playerRules are what KWOK needs to play kubelet for a node and its pods.
var playerRules = []rbac.PolicyRule{
	{APIGroups: []string{""}, Resources: []string{"nodes", "pods"}, Verbs: []string{"get", "list", "watch", "update", "patch", "delete"}},
	{APIGroups: []string{""}, Resources: []string{"nodes/status", "pods/status"}, Verbs: []string{"update", "patch"}},
	{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create", "update", "patch"}},
	{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"get", "list", "watch", "create", "update", "patch"}},
}

// dnsObjects are coredns as the API shows it. Nothing answers on its address.
func dnsObjects(ctx context.Context, s settings, client kubernetes.Interface) []func() error {
	labels := map[string]string{"k8s-app": "kube-dns"}
	one := int32(1)
	return []func() error{
		func() error {
			// Asked first: of one that is there, creation would say that its address is taken.
			if _, err := client.CoreV1().Services(meta.NamespaceSystem).Get(ctx, "kube-dns", meta.GetOptions{}); !apierrors.IsNotFound(err) {
				return err
			}
			_, err := client.CoreV1().Services(meta.NamespaceSystem).Create(ctx, &core.Service{
				ObjectMeta: meta.ObjectMeta{Name: "kube-dns", Labels: labels},
				Spec: core.ServiceSpec{
					ClusterIP: s.joined("cluster-dns", clusterDNS(s.serviceCIDR())), Selector: labels,
					Ports: []core.ServicePort{
						{Name: "dns", Port: 53, Protocol: core.ProtocolUDP, TargetPort: intstr.FromInt32(53)},
						{Name: "dns-tcp", Port: 53, Protocol: core.ProtocolTCP, TargetPort: intstr.FromInt32(53)},
					},
				},
			}, meta.CreateOptions{})
			return err
		},
		func() error {
			_, err := client.AppsV1().Deployments(meta.NamespaceSystem).Create(ctx, &apps.Deployment{
				ObjectMeta: meta.ObjectMeta{Name: "coredns", Labels: labels},
				Spec: apps.DeploymentSpec{
					Replicas: &one, Selector: &meta.LabelSelector{MatchLabels: labels},
					Template: core.PodTemplateSpec{
						ObjectMeta: meta.ObjectMeta{Labels: labels},
						Spec: core.PodSpec{
							Containers: []core.Container{{Name: "coredns", Image: "rancher/mirrored-coredns-coredns:1.12.1"}},
							Tolerations: []core.Toleration{{Key: "node-role.kubernetes.io/control-plane", Operator: core.TolerationOpExists,
								Effect: core.TaintEffectNoSchedule}},
						},
					},
				},
			}, meta.CreateOptions{})
			return err
		},
	}
}

// labelControlPlane gives the server's node what a kubelet must not give itself.
func labelControlPlane(ctx context.Context, s settings, client kubernetes.Interface) error {
	patch := `{"metadata":{"labels":{"node-role.kubernetes.io/control-plane":"true","node-role.kubernetes.io/master":"true"` +
		map[bool]string{true: `,"node-role.kubernetes.io/etcd":"true"`}[s.flag("cluster-init")] + `}}}`
	_, err := client.CoreV1().Nodes().Patch(ctx, s.nodeName(), types.MergePatchType, []byte(patch), meta.PatchOptions{})
	return err
}

// forgetDeletedNodes lets a node that was deleted from the API join again with another password.
func forgetDeletedNodes(ctx context.Context, client kubernetes.Interface) {
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Nodes().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{DeleteFunc: func(object any) {
		if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = tombstone.Obj
		}
		if node, ok := object.(*core.Node); ok {
			err := client.CoreV1().Secrets(meta.NamespaceSystem).Delete(ctx, node.Name+".node-password.k3s", meta.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				logrus.Errorf("password of node %s: %v", node.Name, err)
			}
		}
	}})
	if err != nil {
		logrus.Fatal(err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
}

// playedBy marks volumes that exist as API objects alone.
const playedBy = "homelab.invalid/played"

// playProvisioner gives every claim that is due a volume, in the place of the provisioners whose pods only seem to run.
func playProvisioner(ctx context.Context, client kubernetes.Interface) {
	for ; ctx.Err() == nil; time.Sleep(2 * time.Second) {
		claims, err := client.CoreV1().PersistentVolumeClaims("").List(ctx, meta.ListOptions{ResourceVersion: "0"})
		if err != nil {
			continue
		}
		for index := range claims.Items {
			if err := provision(ctx, client, &claims.Items[index]); err != nil {
				logrus.Warnf("volume of %s/%s: %v", claims.Items[index].Namespace, claims.Items[index].Name, err)
			}
		}
		volumes, err := client.CoreV1().PersistentVolumes().List(ctx, meta.ListOptions{ResourceVersion: "0"})
		if err != nil {
			continue
		}
		for _, volume := range volumes.Items {
			if volume.Annotations[playedBy] != "" && volume.Status.Phase == core.VolumeReleased && volume.DeletionTimestamp == nil &&
				volume.Spec.PersistentVolumeReclaimPolicy == core.PersistentVolumeReclaimDelete {
				_ = client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
			}
		}
	}
}

func provision(ctx context.Context, client kubernetes.Interface, claim *core.PersistentVolumeClaim) error {
	// The controller manager says by this annotation which provisioner is to act, and when.
	provisioner := claim.Annotations["volume.kubernetes.io/storage-provisioner"]
	if claim.Status.Phase != core.ClaimPending || claim.Spec.VolumeName != "" || provisioner == "" ||
		claim.Spec.StorageClassName == nil || claim.DeletionTimestamp != nil {
		return nil
	}
	class, err := client.StorageV1().StorageClasses().Get(ctx, *claim.Spec.StorageClassName, meta.GetOptions{})
	if err != nil {
		return err
	}
	name := "pvc-" + string(claim.UID)
	volume := &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisioner, playedBy: "true"}},
		Spec: core.PersistentVolumeSpec{
			AccessModes: claim.Spec.AccessModes, StorageClassName: class.Name, VolumeMode: claim.Spec.VolumeMode,
			Capacity: core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			ClaimRef: &core.ObjectReference{APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID},
		},
	}
	volume.Spec.CSI = &core.CSIPersistentVolumeSource{Driver: provisioner, VolumeHandle: name}
	if strings.Contains(provisioner, "/") {
		// No name of a CSI driver, such as rancher.io/local-path.
		volume.Spec.CSI, volume.Spec.HostPath = nil, &core.HostPathVolumeSource{Path: "/var/empty/" + name}
	}
	volume.Spec.PersistentVolumeReclaimPolicy = core.PersistentVolumeReclaimDelete
	if class.ReclaimPolicy != nil {
		volume.Spec.PersistentVolumeReclaimPolicy = *class.ReclaimPolicy
	}
	if _, err = client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{}); apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
