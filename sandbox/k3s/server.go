package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// runServer is `k3s server`: datastore, control plane, and the server's own node.
func runServer(s settings) error {
	began := time.Now()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// Beyond it the garbage collector works harder; a machine of 1.5 GiB must hold its system besides.
	debug.SetMemoryLimit(700 << 20)
	if s.text("server", "") != "" {
		return joinServer(s)
	}
	known, err := loadTokens(s)
	if err != nil {
		return err
	}
	if err := keepCritical(s); err != nil {
		return err
	}
	nodes, err := makeCertificates(s)
	if err != nil {
		return err
	}
	datastore, err := startEtcd(s)
	if err != nil {
		return err
	}
	defer datastore.Close()
	if err := claimDatastore(ctx, known.server); err != nil {
		return err
	}
	logrus.Infof("etcd is up after %.1f s", time.Since(began).Seconds())
	if err := writeTokens(s, known); err != nil {
		return err
	}
	if s.flag("secrets-encryption") {
		if err := writeEncryption(s); err != nil {
			return err
		}
	}
	if err := writeKubeconfigs(s); err != nil {
		return err
	}
	admin, err := adminClient(s)
	if err != nil {
		return err
	}
	front := &supervisor{settings: s, tokens: known, nodes: nodes, admin: admin}
	if err := front.listen(); err != nil {
		return err
	}
	handler, err := startAPIServer(ctx, s)
	if err != nil {
		return fmt.Errorf("kube-apiserver: %w", err)
	}
	front.behind.Store(&handler)
	if err := untilReady(ctx, admin); err != nil {
		return err
	}
	logrus.Infof("kube-apiserver is up after %.1f s", time.Since(began).Seconds())
	startControllers(ctx, s)
	startScheduler(ctx, s)
	if err := makeSystemObjects(ctx, s, admin); err != nil {
		return err
	}
	go forgetDeletedNodes(ctx, admin)
	go playProvisioner(ctx, admin)
	if err := scheduleSnapshots(s); err != nil {
		return err
	}
	own := token{user: "server", password: known.server}
	if err := startNode(ctx, s, fmt.Sprintf("https://127.0.0.1:%d", s.port()), own); err != nil {
		return err
	}
	if err := labelControlPlane(ctx, s, admin); err != nil {
		return err
	}
	logrus.Infof("k3s is up and running, after %.1f s", time.Since(began).Seconds())
	notifySystemd()
	untilSignal()
	cancel()
	return nil
}

func untilSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	<-signals
}

// joinServer is what a second server does as far as the stand-in has one: it compares its configuration with the first.
func joinServer(s settings) error {
	raw, err := s.secret("token")
	if err != nil {
		return err
	}
	parsed, err := parseToken(raw)
	if err != nil {
		return err
	}
	client := &supervisorClient{address: s.text("server", ""), user: "server", password: parsed.password}
	answer, err := client.do(http.MethodGet, "/v1-k3s/config", nil, nil)
	if err != nil {
		return err
	}
	var first joined
	if err := json.Unmarshal(answer, &first); err != nil {
		return err
	}
	if err := compareCritical(s.critical(), first.Critical); err != nil {
		return err
	}
	return errors.New("the configuration is that of the first server; the stand-in runs no second one")
}

// keepCritical compares with what this server was first started with. K3s compares servers with each other; here the
// same server is held to its first values too, because a change of them in place is as wrong.
func keepCritical(s settings) error {
	file := s.data("server", "critical.json")
	current := s.critical()
	if content, err := os.ReadFile(file); err == nil {
		first := map[string]string{}
		if err := json.Unmarshal(content, &first); err != nil {
			return err
		}
		return compareCritical(current, first)
	}
	content, err := json.Marshal(current)
	if err != nil {
		return err
	}
	return write(file, content, 0o600)
}

func compareCritical(current, first map[string]string) error {
	var differing []string
	for name, value := range current {
		if first[name] == value {
			continue
		}
		if name == "agent-token" {
			differing = append(differing, name)
		} else {
			differing = append(differing, fmt.Sprintf("%s (first server '%s', here '%s')", name, first[name], value))
		}
	}
	if len(differing) == 0 {
		return nil
	}
	sort.Strings(differing)
	return fmt.Errorf("starting kubernetes: preparing server: failed to validate server configuration: critical configuration value mismatch between servers: %s",
		strings.Join(differing, ", "))
}

// makeCertificates makes or renews them all and returns the CA of clients.
func makeCertificates(s settings) (*authority, error) {
	file := func(name string) string { return s.data("server", "tls", name+".crt") }
	authorities := map[string]*authority{}
	for _, name := range []string{"server-ca", "client-ca", "request-header-ca"} {
		made, err := loadAuthority(file(name), "k3s-"+name)
		if err != nil {
			return nil, err
		}
		authorities[name] = made
	}
	if _, err := loadKey(s.data("server", "tls", "service.key")); err != nil {
		return nil, err
	}
	host, _ := os.Hostname()
	names := append([]string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + s.domain(), "localhost",
		"127.0.0.1", "::1", host, s.nodeName(), s.nodeIP(), serviceAddress(s.serviceCIDR(), 1),
	}, s.list("tls-san")...)
	leaves := []struct {
		by, name string
		who      subject
	}{
		{"server-ca", "serving-kube-apiserver", subject{name: "kube-apiserver", names: names}},
		{"client-ca", "client-admin", subject{name: "system:admin", groups: []string{"system:masters"}}},
		{"client-ca", "client-controller", subject{name: "system:kube-controller-manager"}},
		{"client-ca", "client-scheduler", subject{name: "system:kube-scheduler"}},
		{"request-header-ca", "client-auth-proxy", subject{name: "system:auth-proxy"}},
	}
	for _, leaf := range leaves {
		if err := authorities[leaf.by].leaf(file(leaf.name), leaf.who); err != nil {
			return nil, err
		}
	}
	return authorities["client-ca"], nil
}

func writeKubeconfigs(s settings) error {
	tls := func(name string) string { return s.data("server", "tls", name) }
	address := fmt.Sprintf("https://127.0.0.1:%d", s.port())
	for _, name := range []string{"controller", "scheduler"} {
		if err := writeKubeconfig(s.data("server", "cred", name+".kubeconfig"), address, tls("server-ca.crt"), tls("client-"+name+".crt"), 0o600); err != nil {
			return err
		}
	}
	mode, err := strconv.ParseUint(s.text("write-kubeconfig-mode", "0600"), 8, 32)
	if err != nil {
		return fmt.Errorf("write-kubeconfig-mode: %w", err)
	}
	return writeKubeconfig(kubeconfigFile(s), address, tls("server-ca.crt"), tls("client-admin.crt"), os.FileMode(mode))
}

func kubeconfigFile(s settings) string {
	return s.text("write-kubeconfig", filepath.Join(etcRancher(), "k3s", "k3s.yaml"))
}

func adminClient(s settings) (*kubernetes.Clientset, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfigFile(s))
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 50, 100
	return kubernetes.NewForConfig(config)
}

func untilReady(ctx context.Context, client kubernetes.Interface) error {
	var last error
	for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if last = client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error(); last == nil {
			return nil
		}
	}
	return fmt.Errorf("kube-apiserver is not ready: %w", last)
}
