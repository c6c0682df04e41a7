import { expect } from "chai";
import { configKeys } from "../../config/schema";
import { edited, homeConfig } from "../support/home";
import { pathsOf } from "./found";

type Edit = (config: any) => void;

const pathsWith = (edit: Edit) => pathsOf(edited(edit));

describe("a mistake that a cross-check finds is named together with one that the schema finds", () => {
  const pairs: readonly [title: string, edit: Edit, paths: readonly string[]][] = [
    [
      "in another key of its section",
      ({ network }) => {
        network.podCidr = "10.42.0.1/16";
        network.gateway.ip = "192.168.10.200";
      },
      ["network.gateway.ip", "network.podCidr"],
    ],
    [
      "in another key of its group",
      ({ machines }) => Object.assign(machines["k3s-master1"].vm, { memory: "8GB", host: "r740" }),
      ["machines.k3s-master1.vm.host", "machines.k3s-master1.vm.memory"],
    ],
    [
      "in the same key of another machine",
      ({ machines }) => {
        machines.k3s1.address = "192.168.10";
        machines.k3s2.address = "192.168.11.23";
      },
      ["machines.k3s1.address", "machines.k3s2.address"],
    ],
    [
      "in a machine of which nothing can be read",
      ({ machines }) => {
        machines.k3s1.role = "wroker";
        machines.k3s2.address = "192.168.10.255";
        machines.k3s3.disks["nvme-1"].tier = "nvne";
        machines.k3s3.labels = { "-kind": "big" };
      },
      ["machines.k3s1.role", "machines.k3s2.address", "machines.k3s3.disks.nvme-1.tier", "machines.k3s3.labels.-kind"],
    ],
    [
      "in the name of a machine",
      ({ machines }) => {
        machines.K3S1 = machines.k3s1;
        delete machines.k3s1;
        machines.k3s2.address = machines.k3s3.address;
        machines.k3s2.rebootWindow = "06:10";
      },
      ["machines.K3S1", "machines.k3s3.address", "machines.k3s3.rebootWindow"],
    ],
    [
      "in another disk",
      ({ machines: { k3s3 } }) => {
        k3s3.disks["sas-1"].sizeGb = "350";
        Object.assign(k3s3.disks["sas-2"], { tier: "sas", id: "/dev/disk/by-id/scsi-1-part1" });
      },
      ["machines.k3s3.disks.sas-1.sizeGb", "machines.k3s3.disks.sas-2.id", "machines.k3s3.disks.sas-2.tier"],
    ],
    [
      "in one of two networks that are compared with a third",
      ({ network }) => Object.assign(network, { podCidr: "10.42.0.0", serviceCidr: "192.168.0.0/16" }),
      ["network.podCidr", "network.pool", "network.serviceCidr"],
    ],
    [
      "in an entry of the same list",
      ({ network, machines }) => {
        network.lan.interfaces = [5, "(?=en)"];
        machines.k3s1.taints = [5, "-x=y:NoSchedule"];
      },
      ["machines.k3s1.taints[0]", "machines.k3s1.taints[1]", "network.lan.interfaces[0]", "network.lan.interfaces[1]"],
    ],
    [
      "in another schedule",
      ({ backup: { schedules } }) => {
        schedules.hourly.keep = 48;
        schedules.daily.keep = "24h";
      },
      ["backup.schedules.daily.keep", "backup.schedules.hourly.keep"],
    ],
    [
      "in another pin",
      ({ versions }) => {
        versions.charts = { longhorn: "latest", cilium: "1.2.3" };
        versions.images = { oauth2Proxy: 7, veleroPluginForAws: "velero/velero-plugin-for-aws:latest" };
        versions.gatewayApi.channel = "stable";
      },
      [
        "versions.charts.cilium",
        "versions.charts.longhorn",
        "versions.gatewayApi.channel",
        "versions.images.oauth2Proxy",
        "versions.images.veleroPluginForAws",
      ],
    ],
    [
      "in another tier, receiver, host and quota",
      ({ storage, monitoring, network, cluster }) => {
        storage.tiers.nvme.replicas = "1";
        storage.tiers.optane.replicas = 2;
        monitoring.receivers.mail = { kind: "email" };
        monitoring.receivers.chat = { kind: "slack" };
        network.hosts = { grafana: "Graphs", longhorn: "longhorn.example.org" };
        cluster.quotas = { ai: { pods: "few" }, media: { pods: 1, memory: 5 } };
      },
      [
        "cluster.quotas.ai.pods",
        "cluster.quotas.media.memory",
        "cluster.quotas.media.pods",
        "monitoring.receivers.mail.from",
        "monitoring.receivers.mail.smarthost",
        "monitoring.receivers.mail.to",
        "monitoring.receivers.mail.username",
        "network.hosts.grafana",
        "network.hosts.longhorn",
        "secrets.alerts.chat",
        "secrets.alerts.mail",
        "storage.tiers.nvme.replicas",
        "storage.tiers.optane.replicas",
      ],
    ],
    [
      "in another key of the same app",
      ({ apps: { sonarr } }) => {
        sonarr.port = "8989";
        sonarr.internal = true;
        sonarr.namespace = "default";
        sonarr.image = { tag: "latest" };
        sonarr.access = { policy: "app", because: 5, groups: ["nobody"] };
        sonarr.volumes.more = { mountPath: "/more", tier: "nvne", size: "5GB", backup: "never" };
        sonarr.uses = [5, "nobody"];
        sonarr.nodes = [5, "k3s9"];
        sonarr.env = { TZ: "UTC", OTHER: 5 };
      },
      [
        "apps.sonarr.access.because",
        "apps.sonarr.access.groups",
        "apps.sonarr.access.policy",
        "apps.sonarr.env.OTHER",
        "apps.sonarr.env.TZ",
        "apps.sonarr.image.digest",
        "apps.sonarr.internal",
        "apps.sonarr.namespace",
        "apps.sonarr.nodes",
        "apps.sonarr.nodes[0]",
        "apps.sonarr.port",
        "apps.sonarr.uses",
        "apps.sonarr.uses[0]",
        "apps.sonarr.volumes.more.backup",
        "apps.sonarr.volumes.more.size",
        "apps.sonarr.volumes.more.tier",
      ],
    ],
    [
      "in another app, or in another one's name",
      ({ apps }) => {
        apps.sonar = {};
        apps.plex = 5;
        apps.radarr.namespace = 5;
        apps.lidarr.resources = { memory: "2Gi", memoryLimit: "1Gi" };
        apps.lidarr.pod = { hostNetwork: true, volumes: [{ name: "x", hostPath: { path: "/" } }] };
        apps.lidarr.volumes.config.size = "5Ti";
        apps.bazarr.namespace = "films";
        apps.overseerr.host = "authentik.fletcherlabs.net";
      },
      [
        "apps.bazarr.namespace",
        "apps.lidarr.pod.hostNetwork",
        "apps.lidarr.pod.volumes[0].hostPath",
        "apps.lidarr.resources.memory",
        "apps.lidarr.volumes.config.size",
        "apps.overseerr.host",
        "apps.plex",
        "apps.radarr.namespace",
        "apps.sonar",
      ],
    ],
    [
      "in a name beside it that nobody knows",
      ({ network, machines, ...config }) => {
        Object.assign(network, { pods: "10.42.0.0/16", pool: "192.168.10.0/28" });
        Object.assign(machines.k3s1, { ram: "16Gi", address: "192.168.11.21" });
        Object.assign(config.cluster, { kubeletRoot: "/tmp/kubelet", zone: "UTC" });
      },
      ["cluster.kubeletRoot", "cluster.zone", "machines.k3s1.address", "machines.k3s1.ram", "network.pods"].concat([
        "network.gateway.ip",
        "network.lan.router",
        "network.lan.dns[0]",
        "network.pool",
      ]),
    ],
  ];
  for (const [title, edit, paths] of pairs) {
    it(title, () => expect(pathsWith(edit)).to.deep.equal([...paths].sort()));
  }

  it("though a whole section is missing", () => {
    const config = edited(({ network, apps }) => {
      network.gateway.ip = "192.168.10.200";
      apps.sonarr.namespace = "default";
    });
    delete config.machines;
    delete config.identity;
    delete config.secrets;
    expect(pathsOf(config)).to.deep.equal([
      "apps.sonarr.namespace",
      "identity",
      "machines",
      "network.gateway.ip",
      "secrets",
    ]);
  });
});

describe("what follows from a mistake that is named already is not said", () => {
  it("of sections that are missing", () => {
    for (const key of configKeys) {
      expect(
        pathsOf(Object.fromEntries(Object.entries(homeConfig()).filter(([name]) => name !== key))),
        key,
      ).to.deep.equal([key]);
    }
  });

  it("of a section under a name that nobody knows", () => {
    const { identity, ...others } = homeConfig();
    expect(pathsOf({ ...others, identiti: identity })).to.deep.equal(["identiti", "identity"]);
  });

  it("of the one control plane, if its role is wrong", () => {
    expect(pathsWith(({ machines }) => (machines["k3s-master1"].role = "controlplane"))).to.deep.equal([
      "machines.k3s-master1.role",
    ]);
  });

  it("of a key that stands under another name, though it could be left out", () => {
    expect(
      pathsWith(({ machines: { k3s1, k3s2 } }) =>
        [k3s1, k3s2].forEach((machine) => {
          machine.quickSink = machine.quickSync;
          delete machine.quickSync;
        }),
      ),
    ).to.deep.equal(["machines.k3s1.quickSink", "machines.k3s2.quickSink"]);
  });

  it("of a group that was moved with an indentation too many", () => {
    expect(
      pathsWith(({ machines }) => {
        const machine = machines["k3s-master1"];
        machine.ssh.vm = machine.vm;
        delete machine.vm;
      }),
    ).to.deep.equal(["machines.k3s-master1.ssh.vm"]);
  });

  it("of apps that name one whose name is misspelt", () => {
    expect(
      pathsWith(({ apps }) => {
        apps.sonar = apps.sonarr;
        delete apps.sonarr;
      }),
    ).to.deep.equal(["apps.sonar"]);
  });

  it("of what the catalog has for an app, where the owner may have meant to say otherwise", () => {
    expect(
      pathsWith(({ apps }) => Object.assign(apps.ollama, { intern: false, access: { policy: "proxy" } })),
    ).to.deep.equal(["apps.ollama.intern"]);
  });
});
