import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import { parseAllDocuments } from "yaml";
import type { Homelab } from "../../config/homelab";
import { mirroredChart } from "../../config/mirror";
import { mirroredChartIssues, writeLock } from "../../config/mirror-lock";
import { parseHomelab } from "../../config/parse";
import type { ChartName } from "../../config/pins";
import { ed25519HostKey } from "../../nodes/hypervisor/host-key";
import { recordStack } from "../../plan/program";
import type { Recording } from "../../plan/record";
import { gatewayApiBundle, monitoringBundle } from "../../rehearse/artefacts/bundles";
import { offerStandInCharts } from "../../rehearse/artefacts/charts";
import { withoutMirror } from "../../rehearse/artefacts/decide";
import { plannedHomelab, rehearsalConfig, STACK, type StackConfig } from "../../rehearse/config";
import { objectsOfArchive } from "../../rehearse/deploy/kubernetes/chart";
import { newIdentity, userKey } from "../../rehearse/identity";
import { disksOf, lanHosts } from "../../rehearse/machines";
import { notRehearsed } from "../../rehearse/not-rehearsed";
import { byId } from "../../sandbox/qemu";
import { monitoringKinds } from "../../components/monitoring/monitoring-crds";

describe("the rehearsal's configuration", () => {
  const identity = newIdentity(["r730", "k3s1", "k3s3"]);
  let folder: string;
  let config: StackConfig;
  let homelab: Homelab;
  let lock: Record<string, string>;
  let recording: Recording;

  before(async function () {
    this.timeout(120_000);
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "rehearse-"));
    lock = await offerStandInCharts(plannedHomelab(), folder);
    writeLock(folder, { charts: lock, images: {}, files: {} });
    const digest = "a".repeat(64);
    const digests = { k3s: digest, cloudImage: digest, gatewayApi: digest, prometheusOperatorCrds: digest };
    config = rehearsalConfig({ identity, digests, mirrorFolder: folder, domainType: "kvm" });
    homelab = parseHomelab(config);
    recording = await recordStack(STACK, config);
  });
  after(() => fs.rmSync(folder, { recursive: true, force: true }));

  it("leaves nothing to fill in, and carries the whole program", () => {
    expect(homelab.placeholders).to.deep.equal([]);
    expect(recording.resources.length).to.be.greaterThan(250);
  });

  it("has the machines' generated keys and identities, and how the VM runs", () => {
    const [r730] = homelab.hypervisors;
    expect(r730.identity).to.deep.equal({ kind: "machine-id", value: identity.machines.r730.machineId });
    expect(r730.libvirt.domainType).to.equal("kvm");
    expect(homelab.workers[0].identity.value).to.equal(identity.machines.k3s1.serial);
    expect(homelab.workers[0].ssh.hostKey).to.equal(
      ed25519HostKey(identity.machines.k3s1.hostKeySeed, "k3s1").publicKey,
    );
    expect(homelab.authorizedKeys).to.deep.equal([userKey(identity).publicKey]);
    expect(homelab.secrets.sshPrivateKey).to.equal(userKey(identity).privateKey);
  });

  it("every disk of a worker is one that its machine has, large enough", () => {
    for (const worker of homelab.workers) {
      const made = disksOf(worker);
      for (const [name, disk] of Object.entries(worker.disks)) {
        if ("id" in disk) {
          expect(byId(made[name])).to.equal(disk.id);
          expect(made[name].bytes).to.be.at.least(disk.sizeGb * 1e9);
        } else {
          expect(made).not.to.have.property(name);
        }
      }
    }
    expect(lanHosts(homelab).map(({ mac }) => mac)).to.deep.equal(["52:54:00:99:01:01", "52:54:00:99:01:02"]);
  });

  it("every chart of the pins is in the mirror as the lock records it; a changed one is refused", () => {
    expect(mirroredChartIssues(homelab, "/nowhere")).to.deep.equal([]);
    const file = path.join(folder, mirroredChart("loki", homelab.versions.charts.loki));
    const archive = fs.readFileSync(file);
    fs.appendFileSync(file, "x");
    expect(mirroredChartIssues(homelab, "/nowhere").map((issue) => issue.path)).to.deep.equal(["versions.charts.loki"]);
    fs.writeFileSync(file, archive);
  });

  it("stand-in charts are plain manifests of which the harness reads every object; made twice they are the same bytes", async function () {
    this.timeout(60_000);
    for (const name of ["cilium", "longhorn", "certManager", "velero"] as ChartName[]) {
      const archive = path.join(folder, mirroredChart(name, homelab.versions.charts[name]));
      const objects = (await objectsOfArchive(archive, { skipCrds: name !== "velero" }))!;
      expect(
        objects.some(({ kind }) => kind === "CustomResourceDefinition"),
        name,
      ).to.equal(true);
      expect(
        objects.some(({ kind }) => kind === "Deployment"),
        name,
      ).to.equal(true);
    }
    expect(await offerStandInCharts(homelab, folder)).to.deep.equal(lock);
  });

  it("bundles of CRDs hold every kind that the program waits for, in its version", () => {
    const served = (bundle: string) =>
      Object.fromEntries(
        parseAllDocuments(bundle).map((document) => {
          const { metadata, spec } = document.toJS();
          return [metadata.name, spec.versions.filter((one: any) => one.served).map((one: any) => one.name)];
        }),
      );
    const monitoring = served(monitoringBundle(homelab));
    for (const [name, versions] of Object.entries(monitoringKinds)) {
      expect(monitoring[name], name).to.include.members([...versions]);
    }
    expect(served(gatewayApiBundle(homelab))["gateways.gateway.networking.k8s.io"]).to.include("v1");
  });

  it("what is not rehearsed is in the program under that name: charts, gates; and every chart is named", () => {
    const names = notRehearsed(withoutMirror().choice);
    const charts = recording.resources.filter(({ type }) => type === "kubernetes:helm.sh/v4:Chart");
    expect(charts.map(({ name }) => name).filter((name) => !(name in names))).to.deep.equal([]);
    const known = new Set([
      ...recording.resources.flatMap(({ type, name }) => [`${type}::${name}`, name.replace(/-(apply|state)$/, "")]),
      ...charts.map(({ name }) => name),
    ]);
    const groups = (name: string) => name.includes(".") && !name.includes("::");
    const unknown = Object.keys(names).filter((name) => !groups(name) && name !== "v1/Service" && !known.has(name));
    expect(unknown).to.deep.equal([]);
  });
});
