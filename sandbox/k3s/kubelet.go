package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	kubeletconfig "k8s.io/kubernetes/pkg/kubelet/apis/config"
)

// kubelet is what a real one would have been told. There is none: no container runs.
type kubelet struct {
	root   string
	config *kubeletconfig.KubeletConfiguration
}

// readKubelet reads kubelet-arg by the kubelet's own flags, so that a wrong one is fatal here as well.
func readKubelet(s settings) (*kubelet, error) {
	flags := options.NewKubeletFlags()
	config, err := options.NewKubeletConfiguration()
	if err != nil {
		return nil, err
	}
	set := pflag.NewFlagSet("kubelet", pflag.ContinueOnError)
	set.SetOutput(os.Stderr)
	flags.AddFlags(set)
	options.AddKubeletConfigFlags(set, config)
	var args []string
	for _, argument := range s.list("kubelet-arg") {
		args = append(args, "--"+strings.TrimLeft(argument, "-"))
	}
	if err := set.Parse(args); err != nil {
		return nil, fmt.Errorf("kubelet-arg: %w", err)
	}
	if s.flag("protect-kernel-defaults") || config.ProtectKernelDefaults {
		if err := kernelDefaults(); err != nil {
			return nil, err
		}
	}
	return &kubelet{flags.RootDirectory, config}, nil
}

// kernelDefaults as the kubelet demands them (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables, v1.32).
func kernelDefaults() error {
	var problems []error
	for name, wanted := range map[string]string{
		"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
		"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
	} {
		content, err := os.ReadFile("/proc/sys/" + name)
		if found := strings.TrimSpace(string(content)); err != nil || found != wanted {
			problems = append(problems, fmt.Errorf("invalid kernel flag: %s, expected value: %s, actual value: %s", name, wanted, found))
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("Failed to start ContainerManager: %w", errors.Join(problems...))
	}
	return nil
}

// start makes what is seen of a kubelet from outside: folders, the pod-resources socket, the health port.
func (k *kubelet) start(s settings) error {
	for _, folder := range []string{filepath.Join(k.root, "pods"), filepath.Join(k.root, "pod-resources"), filepath.Join(k.root, "plugins_registry"),
		s.data("agent", "etc", "containerd"), s.data("data", "stand-in", "bin")} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	containerd := "version = 3\n"
	if _, err := exec.LookPath("nvidia-container-runtime"); err == nil {
		containerd += "[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.'nvidia']\n"
	}
	if err := write(s.data("agent", "etc", "containerd", "config.toml"), []byte(containerd), 0o600); err != nil {
		return err
	}
	logrus.Infof("Running kubelet --root-dir=%s", k.root)
	socket := filepath.Join(k.root, "pod-resources", "kubelet.sock")
	_ = os.Remove(socket)
	if _, err := net.Listen("unix", socket); err != nil {
		return err
	}
	address := net.JoinHostPort(k.config.HealthzBindAddress, strconv.Itoa(int(k.config.HealthzPort)))
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	healthy := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	mux := http.NewServeMux()
	mux.Handle("/healthz", healthy)
	go func() { logrus.Fatal(http.Serve(listener, mux)) }()
	return nil
}
