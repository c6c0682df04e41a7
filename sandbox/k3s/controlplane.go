package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sort"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	genericfeatures "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/rest"
	"k8s.io/component-base/featuregate"
	logsapi "k8s.io/component-base/logs/api/v1"
	utilversion "k8s.io/component-base/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
)

// arguments are a component's options without dashes; what the owner gives (kube-apiserver-arg ...) wins.
type arguments map[string]string

func (a arguments) with(own []string) []string {
	for _, argument := range own {
		name, value, _ := strings.Cut(strings.TrimLeft(argument, "-"), "=")
		a[name] = value
	}
	all := make([]string, 0, len(a))
	for name, value := range a {
		all = append(all, "--"+name+"="+value)
	}
	sort.Strings(all)
	return all
}

func init() {
	// Three components in one process, each of which applies its own, equal logging configuration.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingIgnoreUnchanged
}

// startAPIServer runs kube-apiserver in this process and returns what answers its requests, so that port 6443 can be
// shared with the supervisor, as in K3s.
func startAPIServer(ctx context.Context, s settings) (http.Handler, error) {
	tls := func(name string) string { return s.data("server", "tls", name) }
	args := arguments{
		"advertise-address":                  s.text("advertise-address", s.nodeIP()),
		"allow-privileged":                   "true",
		"anonymous-auth":                     "false",
		"api-audiences":                      "https://kubernetes.default.svc." + s.domain() + ",k3s",
		"authorization-mode":                 "Node,RBAC",
		"bind-address":                       "127.0.0.1",
		"secure-port":                        fmt.Sprint(s.port() + 1),
		"client-ca-file":                     tls("client-ca.crt"),
		"enable-admission-plugins":           "NodeRestriction",
		"etcd-servers":                       etcdAddress,
		"profiling":                          "false",
		"proxy-client-cert-file":             tls("client-auth-proxy.crt"),
		"proxy-client-key-file":              tls("client-auth-proxy.key"),
		"requestheader-allowed-names":        "system:auth-proxy",
		"requestheader-client-ca-file":       tls("request-header-ca.crt"),
		"requestheader-extra-headers-prefix": "X-Remote-Extra-",
		"requestheader-group-headers":        "X-Remote-Group",
		"requestheader-username-headers":     "X-Remote-User",
		"service-account-issuer":             "https://kubernetes.default.svc." + s.domain(),
		"service-account-key-file":           tls("service.key"),
		"service-account-signing-key-file":   tls("service.key"),
		"service-cluster-ip-range":           s.serviceCIDR(),
		"service-node-port-range":            s.text("service-node-port-range", "30000-32767"),
		"tls-cert-file":                      tls("serving-kube-apiserver.crt"),
		"tls-private-key-file":               tls("serving-kube-apiserver.key"),
	}
	if s.flag("secrets-encryption") {
		args["encryption-provider-config"] = encryptionFile(s)
	}
	given := args.with(s.list("kube-apiserver-arg"))
	logrus.Infof("Running kube-apiserver %s", strings.Join(given, " "))

	_, gate := featuregate.DefaultComponentGlobalsRegistry.ComponentGlobalsOrRegister(featuregate.DefaultKubeComponent,
		utilversion.DefaultBuildEffectiveVersion(), genericfeatures.DefaultMutableFeatureGate)
	run := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range run.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	if err := flags.Parse(given); err != nil {
		return nil, err
	}
	if err := featuregate.DefaultComponentGlobalsRegistry.Set(); err != nil {
		return nil, err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if err := logsapi.ValidateAndApply(run.Logs, gate); err != nil {
		return nil, err
	}
	completed, err := run.Complete(ctx)
	if err != nil {
		return nil, err
	}
	if problems := completed.Validate(); len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	config, err := apiserver.NewConfig(completed)
	if err != nil {
		return nil, err
	}
	ready, err := config.Complete()
	if err != nil {
		return nil, err
	}
	chain, err := apiserver.CreateServerChain(ready)
	if err != nil {
		return nil, err
	}
	prepared, err := chain.PrepareRun()
	if err != nil {
		return nil, err
	}
	go func() {
		err := prepared.Run(ctx)
		if ctx.Err() == nil {
			logrus.Fatalf("kube-apiserver exited: %v", err)
		}
	}()
	return chain.GenericAPIServer.Handler, nil
}

func startControllers(ctx context.Context, s settings) {
	tls := func(name string) string { return s.data("server", "tls", name) }
	kubeconfig := s.data("server", "cred", "controller.kubeconfig")
	args := arguments{
		"allocate-node-cidrs":              "true",
		"authentication-kubeconfig":        kubeconfig,
		"authorization-kubeconfig":         kubeconfig,
		"bind-address":                     "127.0.0.1",
		"cluster-cidr":                     s.clusterCIDR(),
		"cluster-signing-cert-file":        tls("client-ca.crt"),
		"cluster-signing-key-file":         tls("client-ca.key"),
		"configure-cloud-routes":           "false",
		"kubeconfig":                       kubeconfig,
		"leader-elect":                     "false",
		"profiling":                        "false",
		"root-ca-file":                     tls("server-ca.crt"),
		"service-account-private-key-file": tls("service.key"),
		"service-cluster-ip-range":         s.serviceCIDR(),
		"use-service-account-credentials":  "true",
	}
	runComponent(ctx, controllers.NewControllerManagerCommand(), args.with(s.list("kube-controller-manager-arg")))
}

func startScheduler(ctx context.Context, s settings) {
	kubeconfig := s.data("server", "cred", "scheduler.kubeconfig")
	args := arguments{
		"authentication-kubeconfig": kubeconfig,
		"authorization-kubeconfig":  kubeconfig,
		"bind-address":              "127.0.0.1",
		"kubeconfig":                kubeconfig,
		"leader-elect":              "false",
		"profiling":                 "false",
	}
	runComponent(ctx, scheduler.NewSchedulerCommand(), args.with(s.list("kube-scheduler-arg")))
}

func runComponent(ctx context.Context, command *cobra.Command, args []string) {
	logrus.Infof("Running %s %s", command.Name(), strings.Join(args, " "))
	command.SetArgs(args)
	go func() {
		err := command.ExecuteContext(ctx)
		if ctx.Err() == nil {
			logrus.Fatalf("%s exited: %v", command.Name(), err)
		}
	}()
}
