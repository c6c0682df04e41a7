package main

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
)

// token is what a node joins with: short (the password alone) or secure (K10<hash of the CA>::<user>:<password>).
// Source: pkg/clientaccess/token.go, v1.32.5+k3s1.
type token struct{ caHash, user, password string }

func parseToken(raw string) (token, error) {
	rest, secure := strings.CutPrefix(raw, "K10")
	if !secure {
		return token{password: raw}, nil
	}
	hash, credentials, found := strings.Cut(rest, "::")
	user, password, named := strings.Cut(credentials, ":")
	if !found || !named || len(hash) != 64 {
		return token{}, errors.New("invalid token format")
	}
	return token{hash, user, password}, nil
}

func secureToken(authorityPEM []byte, user, password string) string {
	return fmt.Sprintf("K10%s::%s:%s", hashed(string(authorityPEM)), user, password)
}

// tokens of a server: its own joins servers and agents, the agents' one joins agents alone.
type tokens struct{ server, agent string }

// loadTokens takes the configured ones, or what an earlier start wrote, or makes one.
func loadTokens(s settings) (tokens, error) {
	configured, err := s.secret("token")
	if err != nil {
		return tokens{}, err
	}
	if configured == "" {
		if earlier, err := os.ReadFile(s.data("server", "token")); err == nil {
			configured = strings.TrimSpace(string(earlier))
		} else {
			random := make([]byte, 16)
			_, _ = rand.Read(random)
			configured = hex.EncodeToString(random)
		}
	}
	server, err := parseToken(configured)
	if err != nil {
		return tokens{}, err
	}
	agent, err := s.secret("agent-token")
	if err != nil {
		return tokens{}, err
	}
	if agent == "" {
		agent = server.password
	}
	agentToken, err := parseToken(agent)
	return tokens{server.password, agentToken.password}, err
}

// writeTokens writes what K3s writes: two files, and node-token as a link to the first (pkg/server/server.go).
func writeTokens(s settings, all tokens) error {
	authorityPEM, err := os.ReadFile(s.data("server", "tls", "server-ca.crt"))
	if err != nil {
		return err
	}
	if err := write(s.data("server", "token"), []byte(secureToken(authorityPEM, "server", all.server)+"\n"), 0o600); err != nil {
		return err
	}
	agent := secureToken(authorityPEM, "node", all.agent)
	if all.agent == all.server {
		agent = secureToken(authorityPEM, "server", all.server)
	}
	if err := write(s.data("server", "agent-token"), []byte(agent+"\n"), 0o600); err != nil {
		return err
	}
	link := s.data("server", "node-token")
	_ = os.Remove(link)
	return os.Symlink(s.data("server", "token"), link)
}

// tokenCommand is `k3s token rotate --token OLD --new-token NEW`, carried out by the running server.
func tokenCommand(args []string) error {
	values, err := wordsOf(args, "token", "new-token", "server", "data-dir")
	if err != nil || values[""] != "rotate" {
		return errors.Join(err, errors.New("usage: k3s token rotate --token OLD --new-token NEW"))
	}
	if values["new-token"] == "" {
		return errors.New("the stand-in makes no token of its own: give --new-token")
	}
	// The configuration holds the old token; it is what the server must know.
	s, err := readSettings("server", nil)
	if err != nil {
		return err
	}
	old := values["token"]
	if old == "" {
		if old, err = s.secret("token"); err != nil {
			return err
		}
	}
	parsed, err := parseToken(old)
	if err != nil {
		return err
	}
	body, _ := json.Marshal(map[string]string{"newToken": values["new-token"]})
	address := values["server"]
	if address == "" {
		address = fmt.Sprintf("https://127.0.0.1:%d", s.port())
	}
	client := &supervisorClient{address: address, user: "server", password: parsed.password}
	if _, err := client.do(http.MethodPut, "/v1-k3s/token", body, nil); err != nil {
		return err
	}
	logrus.Info("Token rotated, restart k3s with new token")
	return nil
}

// wordsOf reads --name value and --name=value; the first plain word is under "".
func wordsOf(args []string, known ...string) (map[string]string, error) {
	values := map[string]string{}
	for index := 0; index < len(args); index++ {
		if !strings.HasPrefix(args[index], "-") {
			values[""] = strings.TrimSpace(values[""] + " " + args[index])
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(args[index], "-"), "=")
		if !contains(known, name) {
			return nil, fmt.Errorf("flag provided but not defined: %s", args[index])
		}
		if !given && index+1 < len(args) {
			index++
			value = args[index]
		}
		values[name] = value
	}
	return values, nil
}

// supervisorClient speaks to the part of port 6443 that is K3s' own.
type supervisorClient struct {
	address, user, password string
	http                    http.Client
}

var errUnauthorized = errors.New("token is not valid: 401 Unauthorized")

func (c *supervisorClient) do(method, path string, body []byte, headers map[string]string) ([]byte, error) {
	if c.http.Transport == nil {
		c.http = http.Client{Transport: insecure(), Timeout: 30 * time.Second}
	}
	request, err := http.NewRequest(method, c.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.password != "" {
		request.SetBasicAuth(c.user, c.password)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return nil, err
	case response.StatusCode == http.StatusUnauthorized:
		return nil, errUnauthorized
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s%s: %s: %s", c.address, path, response.Status, strings.TrimSpace(string(answer)))
	}
	return answer, nil
}
