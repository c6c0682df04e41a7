import { expect } from "chai";
import { homeConfig } from "../support/home";
import { issuesOf, pathsOf } from "./found";
import { fixtures } from "./fixtures";

type Values = Readonly<Record<string, unknown>>;

/** Puts values at paths of plain data, where there are groups for them. */
function set(config: any, values: Values): void {
  for (const [path, value] of Object.entries(values)) {
    const keys = path.split(".");
    const last = keys.pop() ?? "";
    const holder = keys.reduce((below, key) => (below[key] ??= {}), config);
    if (value === undefined) {
      delete holder[last];
    } else {
      holder[last] = value;
    }
  }
}

describe("a mistake that a cross-check finds is named beside one that the schema finds", () => {
  const rows: readonly [wrong: Values, mistaken: Values, paths: readonly string[]][] = [
    [
      { "network.bgp.localAsn": "x", "machines.k3s1.address": 5 },
      { "network.bgp.peerAddress": "192.168.10.23" },
      ["network.bgp.peerAddress"],
    ],
    [{ "network.lan.router": 5 }, { "machines.k3s1.address": "10.0.0.1" }, ["machines.k3s1.address"]],
    [
      { "network.lan.router": 5, "machines.r730.address": 5 },
      {
        "network.pool": "192.168.10.16/28",
        "network.gateway.ip": "192.168.10.17",
        "network.lan.dns": ["192.168.10.18"],
      },
      ["machines.k3s-master1.address", "machines.k3s1.address", "machines.k3s2.address", "network.lan.dns[0]"],
    ],
    [{ "network.podCidr": 5 }, { "network.serviceCidr": "10.43.0.0/30" }, ["network.serviceCidr"]],
    [{ "network.podCidr": "?" }, { "network.serviceCidr": "8.8.0.0/16" }, ["network.serviceCidr"]],
    [{ "machines.k3s1": 5 }, { "machines.k3s-master1.vm.interface": "wan0" }, ["machines.k3s-master1.vm.interface"]],
    [
      { "machines.k3s1": 5, "machines.k3s2.ssh": 5, "machines.r730.ssh.hostKey": 5 },
      {
        "machines.k3s-master1.vm.memory": "1Gi",
        "machines.k3s-master1.identity": { kind: "machine-id", value: "abcd" },
      },
      ["machines.k3s-master1.vm.memory", "machines.k3s-master1.identity", "machines.k3s-master1.identity.value"],
    ],
    [
      { "machines.k3s-master1.identity": 5 },
      { "machines.k3s-master1.ssh.hostKey": "FILL_ME" },
      ["machines.k3s-master1.ssh.hostKey"],
    ],
    [
      { "machines.k3s-master1.identity": "?" },
      { "machines.k3s-master1.vm": undefined },
      ["machines.k3s-master1.ssh.hostKey"],
    ],
    [
      { "machines.r730.identity": 5, "machines.k3s-master1.vm": undefined },
      {},
      ["machines.k3s-master1.identity", "machines.k3s-master1.ssh.hostKey"],
    ],
    [
      { "identity.databaseSize": 5, "apps.bazarr.volumes.more": 5 },
      { "monitoring.grafana.size": "5Ti", "apps.bazarr.volumes.config.size": "5Ti" },
      ["monitoring.grafana.size", "apps.bazarr.volumes.config.size"],
    ],
    [
      { "apps.sonarr.pod": 5, "apps.sonarr.env": 5 },
      {
        "apps.sonarr.container": {
          name: "x",
          securityContext: { capabilities: { add: ["SYS_ADMIN"], drop: [] } },
          env: [{ name: "TZ", value: "UTC" }],
        },
      },
      [
        "apps.sonarr.container.name",
        "apps.sonarr.container",
        "apps.sonarr.container.env",
        "apps.sonarr.container.securityContext.capabilities.drop",
      ],
    ],
    [{ "apps.sonarr.gpu": 5 }, { "apps.sonarr.nodes": ["k3s9"] }, ["apps.sonarr.nodes"]],
    [{ "apps.sonarr.uses": 5 }, { "apps.sonarr.secrets.OTHER": "plex.key" }, ["apps.sonarr.secrets.OTHER"]],
    [{ "storage.media": 5 }, { "apps.bazarr.namespace": "films" }, ["apps.bazarr.namespace"]],
    [
      { "apps.plex.volumes": 5 },
      { "apps.plex.media.mountPath": "/transcode", "apps.plex.scratch.more": { mountPath: "/transcode", size: "1Gi" } },
      ["apps.plex.media.mountPath"],
    ],
    [
      { "apps.open-webui.oidc": 5, "apps.open-webui.env": 5 },
      { "apps.open-webui.secrets.TZ": "zone" },
      ["apps.open-webui.secrets.TZ"],
    ],
    [{ "backup.etcd": 5 }, { "backup.schedules.daily.keep": "24h" }, ["backup.schedules.daily.keep"]],
    [
      { "backup.schedules.weekly.cron": 5 },
      { "backup.schedules.hourly": { cron: "0 1 1 * *", keep: "2160h" } },
      ["backup.schedules.hourly.cron"],
    ],
    [
      { "versions.charts.certManager": 5, "versions.charts.loki": 5, "versions.prometheusOperatorCrds.version": 5 },
      {
        "versions.charts.oauth2Proxy": "1.0.0",
        "versions.charts.longhorn": "v1.6.2",
        "versions.gatewayApi.version": "1.1.0",
      },
      ["versions.charts.oauth2Proxy", "versions.charts.longhorn", "versions.gatewayApi.version"],
    ],
    [{ "apps.bazarr.uses": ["recyclarr", 5] }, {}, ["apps.bazarr.uses"]],
    [{ "apps.plex.volumes.more": 5 }, { "apps.plex.media.mountPath": "/config" }, ["apps.plex.media.mountPath"]],
    [
      { "versions.gatewayApi.version": 5, "versions.k3s.version": "v1.29.15" },
      { "versions.charts": { cilium: "1.15.6" } },
      ["versions.gatewayApi.channel", "network.gateway.alpn"],
    ],
    [
      { "versions.images.localPathHelper": 5 },
      { "versions.images.intelGpuPlugin": "intel/intel-gpu-plugin:latest" },
      ["versions.images.intelGpuPlugin"],
    ],
    [{ "cluster.quotas.ai": 5 }, { "cluster.quotas.media": { pods: 1 } }, ["cluster.quotas.media.pods"]],
    [
      { "apps.sonarr.namespace": 5 },
      {
        "apps.sonarr.pod.volumes": [
          { name: "a", secret: { secretName: "radarr-generated" } },
          { name: "b", hostPath: { path: "/" } },
        ],
      },
      ["apps.sonarr.pod.volumes[1].hostPath"],
    ],
    [
      { "apps.whisparr.volumes.more": 5 },
      { "storage.tiers.optane.dataLocality": "strict-local", "apps.whisparr.nodes": ["k3s1", "k3s3"] },
      ["apps.whisparr.volumes.config.tier"],
    ],
    [{ apps: 5 }, { "network.hosts": { grafana: "graphs.example.org" } }, ["network.hosts.grafana"]],
  ];
  for (const [wrong, mistaken, paths] of rows) {
    it(`in ${Object.keys(wrong).join(" and ")}: ${paths.join(", ")}`, () => {
      const config = homeConfig();
      set(config, { ...mistaken, ...wrong });
      expect(paths.filter((path) => !pathsOf(config).includes(path))).to.deep.equal([]);
    });
  }

  it("with all that there is to say of it", () => {
    const config: any = homeConfig();
    set(config, { "machines.r730.address": 5, "network.gateway.ip": "192.168.10.30" });
    expect(issuesOf(config).map(({ found }) => found)).to.include("192.168.10.30, which is k3s-master1");
  });

  // In places that no cross-check has to do with.
  const elsewhere = (config: any): void => {
    config.cluster.generation = "one";
    config.network.certificates.email = "nobody";
    config.authorizedKeys = ["a key"];
    config.versions.k3s.sha256 = "abc";
    config.backup.mode = "off";
    config.monitoring.runbookBase = "here";
    config.identity.admin.email = "nobody";
    config.secrets.b2ApplicationKey = 5;
    for (const machine of Object.values<any>(config.machines)) {
      Object.assign(machine.ssh ?? {}, { user: "The Owner" });
    }
    for (const tier of Object.values<any>(config.storage.tiers)) {
      tier.purpose = 5;
    }
    for (const app of Object.values<any>(config.apps)) {
      app.internet = "no";
    }
  };
  for (const fixture of fixtures("bad")) {
    it(`in every section, machine, tier and app: ${fixture.name}`, () => {
      const config = structuredClone(fixture.config);
      elsewhere(config);
      const found = pathsOf(config);
      expect(fixture.expect.map(({ path }) => path).filter((path) => !found.includes(path))).to.deep.equal([]);
      const others = new Set([...pathsOf(config, []), ...fixture.expect.map(({ path }) => path)]);
      expect(found.filter((path) => !others.has(path))).to.deep.equal([]);
    });
  }
});

/** An entry that is wrong, in every record and every list. */
function withWrongEntries(fixture: Record<string, unknown>): unknown {
  const config: any = structuredClone(fixture);
  const add = (holder: any, name: string, ...keys: string[]) =>
    keys.forEach((key) => (holder[key] = { ...holder[key], [name]: 5 }));
  const append = (holder: any, ...keys: string[]) =>
    keys.filter((key) => Array.isArray(holder?.[key])).forEach((key) => (holder[key] = [...holder[key], 5]));
  for (const app of Object.values<any>(config.apps).filter((own) => own !== null)) {
    add(app, "zz", "volumes", "scratch", "jobs");
    add(app, "ZZ", "env");
    add(app, "OTHER", "secrets");
    add(app, "Zzz", "alerts");
    append(app, "nodes", "uses");
    append(app.access, "groups");
  }
  for (const machine of Object.values<any>(config.machines)) {
    add(machine, "zz", ...(machine.role === "hypervisor" ? ["exports"] : ["disks", "labels"]));
    append(machine, "taints");
  }
  add(config, "zz", "machines", "apps");
  add(config.cluster, "zz", "quotas");
  add(config.storage, "zz", "tiers");
  add(config.monitoring, "zz", "receivers");
  add(config.identity, "zz", "groups");
  append(config.network.lan, "dns", "interfaces");
  append(config.backup.schedules.daily, "namespaces");
  return config;
}

describe("a mistake that a cross-check finds is named beside an entry that is wrong in every record and list", () => {
  // With the wrong entry the machine, disk or pattern may be there, or a sum is not known.
  const open = [
    ...["app-larger-than-machines", "app-larger-than-the-vm", "app-placement", "app-strict-local"],
    ...["gpu-slices", "gpu-slices-of-a-union", "interface-of-vm", "media-server-unknown", "no-control-plane"],
    ...["pod-network-too-small", "quota-of-nothing", "quota-too-small", "replicas-beyond-nodes", "single-node-tainted"],
    ...["tier-without-disk", "too-many-hosts", "vm-host-unknown", "workers-all-tainted", "five-mistakes-at-once"],
  ];
  for (const { name, config, expect: expected } of fixtures("bad").filter((fixture) => !open.includes(fixture.name))) {
    it(name, () => {
      const found = pathsOf(withWrongEntries(config));
      expect(expected.map(({ path }) => path).filter((path) => !found.includes(path))).to.deep.equal([]);
    });
  }
});
