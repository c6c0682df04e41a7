package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// settings holds what config.yaml, config.yaml.d and the command line say; a text or a flag has one value.
type settings struct {
	kind   string
	values map[string][]string
}

func (s settings) text(name, otherwise string) string {
	if values := s.values[name]; len(values) > 0 && values[len(values)-1] != "" {
		return values[len(values)-1]
	}
	return otherwise
}

func (s settings) flag(name string) bool { return s.text(name, "false") == "true" }

// list splits at commas too, as K3s' string slices do; but arguments of components, which may hold commas, stay whole.
func (s settings) list(name string) []string {
	if strings.HasSuffix(name, "-arg") {
		return s.values[name]
	}
	var all []string
	for _, value := range s.values[name] {
		all = append(all, strings.Split(value, ",")...)
	}
	return all
}

func (s settings) data(parts ...string) string {
	return filepath.Join(append([]string{s.text("data-dir", "/var/lib/rancher/k3s")}, parts...)...)
}

func (s settings) clusterCIDR() string { return s.joined("cluster-cidr", "10.42.0.0/16") }
func (s settings) serviceCIDR() string { return s.joined("service-cidr", "10.43.0.0/16") }
func (s settings) domain() string      { return s.text("cluster-domain", "cluster.local") }
func (s settings) port() int {
	port, _ := strconv.Atoi(s.text("https-listen-port", "6443"))
	return port
}

func (s settings) joined(name, otherwise string) string {
	if all := s.list(name); len(all) > 0 {
		return strings.Join(all, ",")
	}
	return otherwise
}

func (s settings) nodeName() string {
	host, _ := os.Hostname()
	return strings.ToLower(s.text("node-name", host))
}

// nodeIP is the configured address, or the one from which the default route is reached, or loopback.
func (s settings) nodeIP() string {
	if all := s.list("node-ip"); len(all) > 0 {
		return all[0]
	}
	if probe, err := net.Dial("udp", "203.0.113.1:9"); err == nil {
		defer probe.Close()
		return probe.LocalAddr().(*net.UDPAddr).IP.String()
	}
	return "127.0.0.1"
}

// secret reads NAME or the file NAME-file.
func (s settings) secret(name string) (string, error) {
	if value := s.text(name, ""); value != "" {
		return value, nil
	}
	if file := s.text(name+"-file", ""); file != "" {
		content, err := os.ReadFile(file)
		return strings.TrimSpace(string(content)), err
	}
	return "", nil
}

// critical are the values that all servers must share, defaults included.
func (s settings) critical() map[string]string {
	values := map[string]string{}
	for _, name := range criticalFlags {
		values[name] = s.joined(name, "")
	}
	values["cluster-cidr"], values["service-cidr"] = s.clusterCIDR(), s.serviceCIDR()
	values["cluster-domain"], values["cluster-dns"] = s.domain(), s.joined("cluster-dns", clusterDNS(s.serviceCIDR()))
	for _, component := range []string{"servicelb"} {
		values["disable: "+component] = strconv.FormatBool(contains(s.list("disable"), component))
	}
	// It is a secret, and compared as one.
	agentToken, _ := s.secret("agent-token")
	values["agent-token"] = hashed(agentToken)
	return values
}

// clusterDNS is the tenth address of the services' network, as K3s chooses it.
func clusterDNS(cidr string) string {
	return serviceAddress(cidr, 10)
}

func serviceAddress(cidr string, offset byte) string {
	_, network, err := net.ParseCIDR(strings.Split(cidr, ",")[0])
	if err != nil {
		return ""
	}
	address := append(net.IP{}, network.IP...)
	address[len(address)-1] += offset
	return address.String()
}

// readSettings reads the files first and the command line after them, so that it wins. Every wrong key is named.
func readSettings(kind string, args []string) (settings, error) {
	result := settings{kind: kind, values: map[string][]string{}}
	file := filepath.Join(etcRancher(), "k3s", "config.yaml")
	var rest []string
	for index := 0; index < len(args); index++ {
		name, value, given := strings.Cut(args[index], "=")
		if name != "--config" && name != "-c" {
			rest = append(rest, args[index])
			continue
		}
		if !given && index+1 < len(args) {
			index++
			value = args[index]
		}
		file = value
	}
	var problems []string
	dropIns, _ := filepath.Glob(file + ".d/*.y*ml")
	sort.Strings(dropIns)
	for _, name := range append([]string{file}, dropIns...) {
		found, err := result.readFile(name)
		if err != nil {
			return result, err
		}
		problems = append(problems, found...)
	}
	problems = append(problems, result.readArguments(rest)...)
	if len(problems) > 0 {
		return result, fmt.Errorf("flag provided but not defined: %s", strings.Join(problems, "; "))
	}
	return result, nil
}

func (s settings) readFile(file string) (problems []string, err error) {
	content, err := os.ReadFile(file)
	if os.IsNotExist(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	document := map[string]yaml.Node{}
	if err := yaml.Unmarshal(content, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	names := make([]string, 0, len(document))
	for name := range document {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, key := range names {
		node := document[key]
		name, appends := strings.CutSuffix(key, "+")
		kind, known := flagOf(s.kind, name)
		if !known {
			problems = append(problems, fmt.Sprintf("-%s (%s: no key of a K3s %s)", name, file, s.kind))
			continue
		}
		var values []string
		if node.Kind == yaml.SequenceNode {
			for _, item := range node.Content {
				values = append(values, item.Value)
			}
		} else {
			values = []string{node.Value}
		}
		if kind == flag && !contains([]string{"true", "false"}, values[0]) {
			problems = append(problems, fmt.Sprintf("-%s=%s (%s: true or false)", name, values[0], file))
		}
		if appends {
			values = append(s.values[name], values...)
		}
		s.values[name] = values
	}
	return problems, nil
}

func (s settings) readArguments(args []string) (problems []string) {
	seen := map[string]bool{}
	for index := 0; index < len(args); index++ {
		name, value, given := strings.Cut(strings.TrimLeft(args[index], "-"), "=")
		kind, known := flagOf(s.kind, name)
		if !known || !strings.HasPrefix(args[index], "-") {
			problems = append(problems, fmt.Sprintf("%s (command line: no option of k3s %s)", args[index], s.kind))
			continue
		}
		if !given && kind == flag {
			value = "true"
		} else if !given && index+1 < len(args) {
			index++
			value = args[index]
		}
		if kind == list && (seen[name] || len(s.values[name]) > 0) {
			s.values[name] = append(s.values[name], value)
		} else {
			s.values[name] = []string{value}
		}
		seen[name] = true
	}
	return problems
}

func contains(all []string, wanted string) bool {
	for _, item := range all {
		if item == wanted {
			return true
		}
	}
	return false
}
