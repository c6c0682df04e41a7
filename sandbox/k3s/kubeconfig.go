package main

import (
	"os"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes one cluster, user and context, all named `default`, with certificates inside.
func writeKubeconfig(file, server, authorityFile, certificate string, mode os.FileMode) error {
	contents := make([][]byte, 3)
	for index, name := range []string{authorityFile, certificate, keyFile(certificate)} {
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		contents[index] = content
	}
	content, err := clientcmd.Write(api.Config{
		Clusters:       map[string]*api.Cluster{"default": {Server: server, CertificateAuthorityData: contents[0]}},
		AuthInfos:      map[string]*api.AuthInfo{"default": {ClientCertificateData: contents[1], ClientKeyData: contents[2]}},
		Contexts:       map[string]*api.Context{"default": {Cluster: "default", AuthInfo: "default"}},
		CurrentContext: "default",
	})
	if err != nil {
		return err
	}
	return write(file, content, mode)
}
