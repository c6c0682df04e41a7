package main

import "strings"

type flagType int

const (
	text flagType = iota
	flag
	list
)

// Keys of config.yaml and options of the command line, without their dashes. Source: pkg/cli/cmds/{server,agent,log,
// config,root}.go of k3s v1.32.5+k3s1; the same set as nodes/k3s/flags.ts, which a test compares with this one.
var (
	commonFlags = typed(
		`v vmodule log bind-address token token-file server data-dir node-name image-credential-provider-bin-dir
		image-credential-provider-config container-runtime-endpoint default-runtime image-service-endpoint pause-image
		snapshotter private-registry resolv-conf flannel-iface flannel-conf flannel-cni-conf vpn-auth vpn-auth-file
		lb-server-port`,
		`debug alsologtostderr with-node-id disable-default-registry-endpoint nonroot-devices protect-kernel-defaults
		prefer-bundled-bin selinux`,
		`node-label node-taint node-ip node-external-ip node-internal-dns node-external-dns kubelet-arg kube-proxy-arg`)
	serverFlags = typed(
		`https-listen-port advertise-address advertise-port service-node-port-range cluster-domain flannel-backend
		egress-selector-mode servicelb-namespace write-kubeconfig write-kubeconfig-mode write-kubeconfig-group
		helm-job-image agent-token agent-token-file cluster-reset-restore-path datastore-endpoint datastore-cafile
		datastore-certfile datastore-keyfile etcd-snapshot-name etcd-snapshot-schedule-cron
		etcd-snapshot-reconcile-interval etcd-snapshot-retention etcd-snapshot-dir etcd-s3-endpoint etcd-s3-endpoint-ca
		etcd-s3-access-key etcd-s3-secret-key etcd-s3-session-token etcd-s3-bucket etcd-s3-bucket-lookup-type
		etcd-s3-region etcd-s3-folder etcd-s3-proxy etcd-s3-config-secret etcd-s3-timeout default-local-storage-path
		system-default-registry`,
		`tls-san-security flannel-ipv6-masq flannel-external-ip cluster-init cluster-reset etcd-expose-metrics
		etcd-disable-snapshots etcd-snapshot-compress etcd-s3 etcd-s3-skip-ssl-verify etcd-s3-insecure disable-scheduler
		disable-cloud-controller disable-kube-proxy disable-network-policy disable-helm-controller disable-apiserver
		disable-controller-manager disable-etcd embedded-registry supervisor-metrics secrets-encryption`,
		`tls-san cluster-cidr service-cidr cluster-dns kube-apiserver-arg etcd-arg kube-controller-manager-arg
		kube-scheduler-arg kube-cloud-controller-manager-arg disable`)
	agentFlags = typed("", "disable-apiserver-lb", "")
)

// Settings that must be the same on all servers (k3s docs, cli/server "Critical Configuration Values").
var criticalFlags = []string{
	"agent-token", "cluster-cidr", "service-cidr", "cluster-dns", "cluster-domain", "disable-cloud-controller",
	"disable-helm-controller", "disable-kube-proxy", "disable-network-policy", "egress-selector-mode",
	"embedded-registry", "flannel-backend", "flannel-external-ip", "flannel-ipv6-masq", "secrets-encryption",
}

func typed(texts, flags, lists string) map[string]flagType {
	all := map[string]flagType{}
	for kind, names := range map[flagType]string{text: texts, flag: flags, list: lists} {
		for _, name := range strings.Fields(names) {
			all[name] = kind
		}
	}
	return all
}

// flagOf tells the type of a key on a kind of node, and whether there is such a key.
func flagOf(kind, name string) (flagType, bool) {
	for _, table := range []map[string]flagType{commonFlags, map[string]map[string]flagType{"server": serverFlags, "agent": agentFlags}[kind]} {
		if found, ok := table[name]; ok {
			return found, true
		}
	}
	return text, false
}
