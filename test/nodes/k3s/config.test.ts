import { expect } from "chai";
import fc from "fast-check";
import { parse } from "yaml";
import { agentConfig, ETCD_S3_SECRET, k3sConfigYaml, serverConfig, validateK3sConfig } from "../../../nodes/k3s/config";
import { knownFlags } from "../../../nodes/k3s/flags";
import { CONTROL_PLANE_TAINT, nodeLabels } from "../../../nodes/k3s/labels";
import { k3sUnit } from "../../../nodes/k3s/unit";
import { home } from "../../support/home";

describe("K3s configuration", () => {
  const homelab = home();
  const server = serverConfig(homelab);
  const worker = (name: string) => homelab.workers.find((machine) => machine.name === name)!;

  describe("server", () => {
    it("is valid and survives YAML unchanged", () => {
      expect(validateK3sConfig("server", server)).to.deep.equal([]);
      expect(parse(k3sConfigYaml("server", server))).to.deep.equal(server);
    });

    it("keeps the file mode a string for K3s' YAML 1.1 parser, which reads a bare 0600 as the number 384", () => {
      expect(k3sConfigYaml("server", server)).to.match(/^write-kubeconfig-mode: "0600"$/m);
    });

    it("quotes what YAML 1.1 would read as something else", () => {
      const text = k3sConfigYaml("server", { ...server, "node-name": "on" });
      expect(text).to.contain('node-name: "on"').and.not.to.contain("%YAML");
    });

    it("trap 12: pod pool equals the K3s cluster CIDR, from the one constant", () => {
      const other = home((config) => (config.network.podCidr = "10.60.0.0/16"));
      expect(serverConfig(other)["cluster-cidr"]).to.equal("10.60.0.0/16").and.equal(other.network.podCidr);
    });

    it("takes DNS from the service network", () => {
      const other = home((config) => (config.network.serviceCidr = "10.70.0.0/16"));
      expect(serverConfig(other)).to.include({ "service-cidr": "10.70.0.0/16", "cluster-dns": "10.70.0.10" });
    });

    it("trap 30: K3s' local-path is off, so there is one default class; Traefik and servicelb are off too", () => {
      expect(server.disable).to.have.members(["traefik", "servicelb", "local-storage"]);
    });

    it("trap 31: K3s keeps making RuntimeClass nvidia itself", () => expect(server.disable).not.to.include("runtimes"));

    it("leaves network, proxy and policy to Cilium", () => {
      expect(server).to.include({
        "flannel-backend": "none",
        "disable-kube-proxy": true,
        "disable-network-policy": true,
      });
    });

    it("runs etcd with snapshots on schedule, and to B2 through the Secret alone", () => {
      expect(server).to.include({
        "cluster-init": true,
        "etcd-snapshot-schedule-cron": homelab.backup.etcd.cron,
        "etcd-snapshot-retention": homelab.backup.etcd.retention,
        "etcd-s3": true,
        "etcd-s3-config-secret": ETCD_S3_SECRET,
      });
    });

    it("its certificate holds every name that it is called by", () => {
      expect(server["tls-san"]).to.deep.equal(["192.168.10.30", "k3s-master1", "k3s-master1.fletcherlabs.net"]);
    });

    it("is tainted when there are workers", () => expect(server["node-taint"]).to.deep.equal([CONTROL_PLANE_TAINT]));

    it("is not tainted when it is the only node", () => {
      const single = { ...homelab, workers: [], nodes: [homelab.controlPlane] };
      expect(serverConfig(single)).not.to.have.property("node-taint");
    });

    it("evicts and cleans up before a 24 GB disk starves etcd", () => {
      expect(server["kubelet-arg"].join(" "))
        .to.contain("nodefs.available<10%")
        .and.contain("image-gc-high-threshold=75");
    });
  });

  describe("agent", () => {
    it("is valid and survives YAML unchanged, for every worker", () => {
      for (const machine of homelab.workers) {
        const config = agentConfig(homelab, machine);
        expect(validateK3sConfig("agent", config), machine.name).to.deep.equal([]);
        expect(parse(k3sConfigYaml("agent", config))).to.deep.equal(config);
      }
    });

    it("joins the control plane with the agent token file", () => {
      expect(agentConfig(homelab, worker("k3s1"))).to.include({
        server: "https://192.168.10.30:6443",
        "token-file": "/etc/rancher/k3s/agent-token",
        "node-name": "k3s1",
        "node-ip": "192.168.10.21",
      });
      expect(server["token-file"]).not.to.equal(server["agent-token-file"]);
    });

    it("trap 32: a GPU node carries nvidia.com/gpu.present=true, and no other node does", () => {
      const labelled = homelab.nodes.filter((node) => nodeLabels(node).includes("nvidia.com/gpu.present=true"));
      expect(labelled.map(({ name }) => name)).to.deep.equal(["k3s3"]);
    });

    it("QuickSync nodes carry the Intel label", () => {
      const label = "intel.feature.node.kubernetes.io/gpu=true";
      expect(homelab.nodes.filter((node) => nodeLabels(node).includes(label)).map(({ name }) => name)).to.deep.equal([
        "k3s1",
        "k3s2",
      ]);
    });

    it("QuickSync nodes give their render device to the pod's user, where K3s has a key for it", () => {
      const devices = (stack: typeof homelab) =>
        stack.workers.map((machine) => [machine.name, agentConfig(stack, machine)["nonroot-devices"]]);
      expect(devices(homelab)).to.deep.equal([
        ["k3s1", true],
        ["k3s2", true],
        ["k3s3", undefined],
      ]);
      const older = home(
        (config) => (config.versions.k3s.agent = { version: "v1.31.9+k3s1", sha256: config.versions.k3s.sha256 }),
      );
      expect(devices(older).map(([, value]) => value)).to.deep.equal([undefined, undefined, undefined]);
    });

    it("the owner's labels and taints come through", () => {
      const other = home((config) => {
        config.machines.k3s2.labels = { "homelab.example/room": "attic" };
        config.machines.k3s2.taints = ["attic=hot:PreferNoSchedule"];
      });
      const config = agentConfig(other, other.workers[1]);
      expect(config["node-label"]).to.include("homelab.example/room=attic");
      expect(config["node-taint"]).to.deep.equal(["attic=hot:PreferNoSchedule"]);
    });
  });

  it("trap 16: every node states the one kubelet root explicitly", () => {
    for (const root of ["/var/lib/kubelet", "/var/lib/rancher/k3s/agent/kubelet", "/srv/kubelet"]) {
      const other = home((config) => (config.cluster.kubeletRoot = root));
      const all = [serverConfig(other), ...other.workers.map((machine) => agentConfig(other, machine))];
      for (const config of all) {
        expect(config["kubelet-arg"].filter((argument) => argument.startsWith("root-dir="))).to.deep.equal([
          `root-dir=${root}`,
        ]);
        expect(config["protect-kernel-defaults"]).to.equal(true);
      }
    }
  });

  describe("validation", () => {
    const agent = agentConfig(homelab, worker("k3s3"));
    const refused: [string, "server" | "agent", object, RegExp][] = [
      [
        "an unknown key on a server, which K3s only warns about",
        "server",
        { ...server, "tls-sans": [] },
        /tls-sans is no key/,
      ],
      ["an unknown key on an agent", "agent", { ...agent, nodename: "x" }, /nodename is no key/],
      [
        "a server key on an agent",
        "agent",
        { ...agent, "cluster-cidr": "10.42.0.0/16" },
        /cluster-cidr is a key of servers/,
      ],
      ["an agent key on a server", "server", { ...server, "disable-apiserver-lb": true }, /is a key of agents/],
      ["a token in clear text", "agent", { ...agent, token: "x" }, /use token-file/],
      ["an S3 key in clear text", "server", { ...server, "etcd-s3-secret-key": "x" }, /clear text/],
      [
        "a second S3 setting, which silences the Secret",
        "server",
        { ...server, "etcd-s3-bucket": "b" },
        /ignored by K3s/,
      ],
      ["an unknown component", "server", { ...server, disable: ["treafik"] }, /treafik is no component/],
      ["no kubelet root", "agent", { ...agent, "kubelet-arg": [] }, /root-dir/],
      [
        "a label that stops the kubelet",
        "agent",
        { ...agent, "node-label": ["node-role.kubernetes.io/gpu=1"] },
        /refuses to start/,
      ],
    ];
    for (const [what, kind, config, message] of refused) {
      it(`refuses ${what}`, () => expect(validateK3sConfig(kind, config).join("\n")).to.match(message));
    }

    it("throws all problems at once, with the node's name", () => {
      const broken = { ...agent, "cluster-cidr": "x", nodename: "y" };
      expect(() => k3sConfigYaml("agent", broken)).to.throw(/k3s3[^]*cluster-cidr[^]*nodename/);
    });

    it("knows both kinds' keys apart", () => {
      fc.assert(
        fc.property(fc.constantFrom(...knownFlags.server), (key) => {
          const problems = validateK3sConfig("agent", { ...agent, [key]: "x" }).filter((text) => text.startsWith(key));
          return knownFlags.agent.has(key) || problems.some((text) => text.includes("is a key of servers"));
        }),
      );
    });

    const labels: [string, boolean][] = [
      ["topology.kubernetes.io/zone=attic", true],
      ["node.kubernetes.io/exclude=1", true],
      ["x.kubelet.kubernetes.io/a=b", true],
      ["example.org/a=", true],
      ["plain=yes", true],
      ["kubernetes.io/role=x", false],
      ["node-role.kubernetes.io/worker=true", false],
      ["app.k8s.io/a=b", false],
      ["a=not a value", false],
      [`${"n".repeat(64)}=b`, false],
      ["/=x", false],
    ];
    for (const [label, good] of labels) {
      it(`label ${label} is ${good ? "taken" : "refused"}`, () => {
        expect(validateK3sConfig("agent", { ...agent, "node-label": [label] })).to.have.length(good ? 0 : 1);
      });
    }
  });

  describe("systemd unit", () => {
    it("notifies, lets pods outlive a restart, and reads nothing but config.yaml", () => {
      const unit = k3sUnit("server");
      expect(unit).to.contain("Type=notify\nKillMode=process\nDelegate=yes\n");
      expect(unit).to.contain("ExecStart=/usr/local/bin/k3s server\n");
      expect(unit).not.to.contain("Environment");
      expect(unit).not.to.contain(".mount");
    });

    it("trap 21: starts after the data disks; one that is dead delays it and does not stop it", () => {
      const unit = k3sUnit("agent", ["/var/lib/homelab/disks/nvme-2", "/var/lib/homelab/disks/nvme-1"]);
      const mounts = "var-lib-homelab-disks-nvme\\x2d1.mount var-lib-homelab-disks-nvme\\x2d2.mount";
      expect(unit).to.contain(`Wants=${mounts}\nAfter=${mounts}\n`).and.not.contain("Requires");
    });
  });
});
