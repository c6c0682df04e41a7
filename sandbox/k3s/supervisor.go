package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/scrypt"
	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// joined is what the server tells a node that joins (GET /v1-k3s/config).
type joined struct {
	ClusterCIDR string            `json:"clusterCIDR"`
	Critical    map[string]string `json:"critical"`
}

// supervisor is K3s' own part of port 6443; whatever is not its own goes to the API server.
type supervisor struct {
	settings settings
	mutex    sync.Mutex
	tokens   tokens
	// nodes signs the certificates of kubelets.
	nodes  *authority
	admin  kubernetes.Interface
	behind atomic.Pointer[http.Handler]
}

func (s *supervisor) listen() error {
	certificate, err := keyPair(s.settings.data("server", "tls", "serving-kube-apiserver.crt"))
	if err != nil {
		return err
	}
	server := &http.Server{
		Addr: fmt.Sprintf("%s:%d", s.settings.text("bind-address", ""), s.settings.port()), Handler: s.routes(),
		// Clients show certificates, which the API server judges.
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12},
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServeTLS("", "") }()
	go func() { logrus.Fatalf("port %d: %v", s.settings.port(), <-failed) }()
	return nil
}

func (s *supervisor) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "pong") })
	mux.HandleFunc("GET /cacerts", func(w http.ResponseWriter, _ *http.Request) { s.file(w, "server-ca.crt") })
	mux.HandleFunc("GET /v1-k3s/client-ca.crt", s.forNodes(func(w http.ResponseWriter, _ *http.Request) { s.file(w, "client-ca.crt") }))
	mux.HandleFunc("GET /v1-k3s/config", s.forNodes(s.config))
	mux.HandleFunc("POST /v1-k3s/client-kubelet.crt", s.forNodes(s.kubeletCertificate))
	mux.HandleFunc("POST /v1-k3s/client-k3s-controller.crt", s.forNodes(s.controllerCertificate))
	mux.HandleFunc("PUT /v1-k3s/token", s.forServers(s.rotate))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if handler := s.behind.Load(); handler != nil {
			(*handler).ServeHTTP(w, r)
			return
		}
		http.Error(w, "starting", http.StatusServiceUnavailable)
	})
	return mux
}

func (s *supervisor) file(w http.ResponseWriter, name string) {
	content, err := os.ReadFile(s.settings.data("server", "tls", name))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(content)
}

// forNodes lets in who has the agents' token or the server's.
func (s *supervisor) forNodes(next http.HandlerFunc) http.HandlerFunc {
	return s.guarded(func(t tokens, user, password string) bool {
		return same(password, t.server) || user == "node" && same(password, t.agent)
	}, next)
}

func (s *supervisor) forServers(next http.HandlerFunc) http.HandlerFunc {
	return s.guarded(func(t tokens, user, password string) bool {
		return user == "server" && same(password, t.server)
	}, next)
}

func (s *supervisor) guarded(allowed func(t tokens, user, password string) bool, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		s.mutex.Lock()
		known := s.tokens
		s.mutex.Unlock()
		if password == "" || !allowed(known, user, password) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		next(w, r)
	}
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func (s *supervisor) config(w http.ResponseWriter, _ *http.Request) {
	_ = json.NewEncoder(w).Encode(joined{s.settings.clusterCIDR(), s.settings.critical()})
}

// kubeletCertificate signs what a node asks for, if it knows the password that this name came with first.
func (s *supervisor) kubeletCertificate(w http.ResponseWriter, r *http.Request) {
	name, password := r.Header.Get("k3s-Node-Name"), r.Header.Get("k3s-Node-Password")
	if name == "" || password == "" {
		http.Error(w, "node name or password not set", http.StatusBadRequest)
		return
	}
	if err := s.ensurePassword(r.Context(), name, password); err != nil {
		logrus.Errorf("unable to verify password for node %s: %v", name, err)
		status := http.StatusServiceUnavailable
		if errors.Is(err, errOtherPassword) {
			status = http.StatusForbidden
		}
		http.Error(w, err.Error(), status)
		return
	}
	s.sign(w, r, subject{name: "system:node:" + name, groups: []string{"system:nodes"}})
}

func (s *supervisor) controllerCertificate(w http.ResponseWriter, r *http.Request) {
	s.sign(w, r, subject{name: "system:k3s-controller"})
}

func (s *supervisor) sign(w http.ResponseWriter, r *http.Request, who subject) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	block, _ := pem.Decode(body)
	if block == nil {
		http.Error(w, "no certificate request", http.StatusBadRequest)
		return
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err == nil {
		err = request.CheckSignature()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	content, err := s.nodes.sign(request.PublicKey, who)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(content)
}

var errOtherPassword = errors.New("hash does not match")

// ensurePassword compares with the Secret NAME.node-password.k3s, or makes it (pkg/nodepassword, v1.32.5+k3s1).
func (s *supervisor) ensurePassword(ctx context.Context, node, password string) error {
	secrets := s.admin.CoreV1().Secrets(meta.NamespaceSystem)
	name := node + ".node-password.k3s"
	found, err := secrets.Get(ctx, name, meta.GetOptions{})
	if apierrors.IsNotFound(err) {
		immutable := true
		_, err = secrets.Create(ctx, &core.Secret{
			ObjectMeta: meta.ObjectMeta{Name: name}, Immutable: &immutable, Data: map[string][]byte{"hash": []byte(passwordHash(password))},
		}, meta.CreateOptions{})
		return err
	} else if err != nil {
		return err
	}
	if !passwordMatches(string(found.Data["hash"]), password) {
		return errOtherPassword
	}
	return nil
}

const scryptFormat = "$1:%s:15:8:1:%s"

func passwordHash(password string) string {
	salt := make([]byte, 8)
	_, _ = rand.Read(salt)
	key, _ := scrypt.Key([]byte(password), salt, 1<<15, 8, 1, 64)
	return fmt.Sprintf(scryptFormat, fmt.Sprintf("%x", salt), base64.RawStdEncoding.EncodeToString(key))
}

func passwordMatches(hash, password string) bool {
	fields := strings.Split(hash, ":")
	var salt []byte
	if len(fields) != 6 {
		return false
	}
	if _, err := fmt.Sscanf(fields[1], "%x", &salt); err != nil {
		return false
	}
	key, err := scrypt.Key([]byte(password), salt, 1<<15, 8, 1, 64)
	return err == nil && same(fields[5], base64.RawStdEncoding.EncodeToString(key))
}

// rotate takes another server token, for joining and for the datastore.
func (s *supervisor) rotate(w http.ResponseWriter, r *http.Request) {
	var asked struct{ NewToken string }
	err := json.NewDecoder(r.Body).Decode(&asked)
	parsed, problem := parseToken(asked.NewToken)
	if err = errors.Join(err, problem); err != nil || parsed.password == "" {
		http.Error(w, fmt.Sprintf("new token: %v", err), http.StatusBadRequest)
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	changed := tokens{parsed.password, s.tokens.agent}
	if s.tokens.agent == s.tokens.server {
		changed.agent = changed.server
	}
	if err := errors.Join(reclaimDatastore(r.Context(), changed.server), writeTokens(s.settings, changed)); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.tokens = changed
}
