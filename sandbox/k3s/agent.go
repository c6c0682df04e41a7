package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// runAgent is `k3s agent`: joins with the token and plays its node until it is told to stop.
func runAgent(s settings) error {
	debug.SetMemoryLimit(200 << 20)
	server := s.text("server", os.Getenv("K3S_URL"))
	raw, err := s.secret("token")
	if err != nil {
		return err
	}
	if server == "" || raw == "" {
		return errors.New("--server and --token are required")
	}
	parsed, err := parseToken(raw)
	if err != nil {
		return err
	}
	if parsed.user == "" {
		parsed.user = "node"
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := startNode(ctx, s, strings.TrimSuffix(server, "/"), parsed); err != nil {
		return err
	}
	logrus.Info("k3s agent is up and running")
	notifySystemd()
	untilSignal()
	return nil
}

func insecure() *http.Transport {
	return &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
}

// startNode joins, tries again for ever as K3s does, and starts what stands for the kubelet.
func startNode(ctx context.Context, s settings, server string, with token) error {
	kubelet, err := readKubelet(s)
	if err != nil {
		return err
	}
	var told joined
	for {
		told, err = join(s, server, with)
		if err == nil {
			break
		}
		logrus.Errorf("Failed to validate connection to cluster at %s: %v", server, err)
		time.Sleep(5 * time.Second)
	}
	if err := kubelet.start(s); err != nil {
		return err
	}
	return playNode(ctx, s, kubelet, told)
}

// join pins the server's CA, and gets this node's certificates for the token and the node's password.
func join(s settings, server string, with token) (joined, error) {
	var told joined
	client := &supervisorClient{address: server, user: with.user, password: with.password}
	authorityPEM, err := (&supervisorClient{address: server}).do(http.MethodGet, "/cacerts", nil, nil)
	if err != nil {
		return told, fmt.Errorf("failed to get CA certs: %w", err)
	}
	if with.caHash != "" && with.caHash != hashed(string(authorityPEM)) {
		return told, errors.New("token CA hash does not match the Cluster CA certificate hash")
	}
	pinned := s.data("agent", "server-ca.crt")
	if earlier, err := os.ReadFile(pinned); err == nil && string(earlier) != string(authorityPEM) {
		return told, errors.New("tls: failed to verify certificate: x509: certificate signed by unknown authority")
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authorityPEM)
	client.http = http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}, Timeout: 60 * time.Second}
	answer, err := client.do(http.MethodGet, "/v1-k3s/config", nil, nil)
	if err != nil {
		return told, err
	}
	if err := json.Unmarshal(answer, &told); err != nil {
		return told, err
	}
	password, err := nodePassword()
	if err != nil {
		return told, err
	}
	headers := map[string]string{"k3s-Node-Name": s.nodeName(), "k3s-Node-Password": password, "k3s-Node-IP": s.nodeIP()}
	for name, owner := range map[string]string{"client-kubelet": "kubelet", "client-k3s-controller": "k3scontroller"} {
		file := s.data("agent", name+".crt")
		if err := request(client, "/v1-k3s/"+name+".crt", file, headers); err != nil {
			if strings.Contains(err.Error(), errOtherPassword.Error()) {
				err = fmt.Errorf("Node password rejected, duplicate hostname or contents of '%s' may not match server node-passwd entry, try enabling a unique node name with the --with-node-id flag",
					nodePasswordFile())
			}
			return told, err
		}
		if err := write(pinned, authorityPEM, 0o644); err != nil {
			return told, err
		}
		if err := writeKubeconfig(s.data("agent", owner+".kubeconfig"), server, pinned, file, 0o600); err != nil {
			return told, err
		}
	}
	return told, nil
}

// request lets the server sign a certificate for this node's own key; one that is good for long stays.
func request(client *supervisorClient, path, file string, headers map[string]string) error {
	key, err := loadKey(keyFile(file))
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "node"}}, key)
	if err != nil {
		return err
	}
	content, err := client.do(http.MethodPost, path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}), headers)
	if err != nil {
		return err
	}
	return write(file, content, 0o644)
}

func nodePasswordFile() string { return filepath.Join(etcRancher(), "node", "password") }

func nodePassword() (string, error) {
	content, err := os.ReadFile(nodePasswordFile())
	if err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	if !os.IsNotExist(err) {
		return "", err
	}
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	password := hex.EncodeToString(random)
	return password, write(nodePasswordFile(), []byte(password+"\n"), 0o600)
}
