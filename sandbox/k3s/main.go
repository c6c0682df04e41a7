// The stand-in for the K3s binary: Kubernetes' own control plane, etcd, and KWOK in the place of kubelet and containers.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/sirupsen/logrus"
)

// version is what the stand-in answers for; set by the linker (-X main.version=...).
var version = "v1.32.5+k3s1"

// etcRancher is /etc/rancher; tests without a machine of their own put it elsewhere.
func etcRancher() string {
	if folder := os.Getenv("K3S_STANDIN_ETC"); folder != "" {
		return folder
	}
	return "/etc/rancher"
}

// Most of this program's time on an emulated processor is its garbage collector's: memory is cheaper there, up to a limit.
func spendMemory(mebibytes int64) {
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(mebibytes << 20)
}

func main() {
	logrus.SetFormatter(&logrus.TextFormatter{DisableColors: true, FullTimestamp: true})
	args := os.Args[1:]
	if name := filepath.Base(os.Args[0]); name == "kubectl" || name == "crictl" || name == "ctr" {
		args = append([]string{name}, args...)
	}
	if len(args) == 0 {
		fmt.Println("usage: k3s server|agent|kubectl|etcd-snapshot|token|secrets-encrypt|--version (a stand-in)")
		return
	}
	if err := command(args[0], args[1:]); err != nil {
		logrus.Fatal(err)
	}
}

func command(name string, args []string) error {
	switch name {
	case "--version", "-v":
		fmt.Printf("k3s version %s (stand-in)\n", version)
		return nil
	case "server", "agent":
		settings, err := readSettings(name, args)
		if err != nil {
			return err
		}
		if name == "server" {
			spendMemory(1200)
			return runServer(settings)
		}
		return runAgent(settings)
	case "kubectl":
		spendMemory(256)
		return kubectl(args)
	case "etcd-snapshot":
		return snapshotCommand(args)
	case "token":
		return tokenCommand(args)
	case "secrets-encrypt":
		return secretsEncryptCommand(args)
	default:
		return fmt.Errorf("the stand-in does not know 'k3s %s'", name)
	}
}
