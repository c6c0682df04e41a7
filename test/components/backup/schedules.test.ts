import { expect } from "chai";
import { Cron } from "croner";
import * as fc from "fast-check";
import { parse } from "yaml";
import {
  BACKUP_LABEL,
  backupSchedules,
  excludedResources,
  volumePolicies,
  volumePolicyData,
  type VolumePolicyName,
} from "../../../components/backup/schedules";
import { bundleOf, crdErrors } from "../../support/crds";
import { home } from "../../support/home";

interface Volume {
  nfs?: true;
  csi?: string;
  type: string;
  /** Class on the claim's label. */
  backup?: string;
}

interface Rule {
  conditions: { nfs?: object; csi?: { driver: string }; volumeTypes?: string[]; pvcLabels?: Record<string, string> };
  action: { type: string };
}

/** What Velero does with a volume: the first rule whose conditions all hold (internal/resourcepolicies, v1.17.1). */
function decide(name: VolumePolicyName, volume: Volume): string {
  const { volumePolicies: rules } = parse(volumePolicyData(name)["policy.yaml"]) as { volumePolicies: Rule[] };
  const rule = rules.find(
    ({ conditions }) =>
      (conditions.nfs === undefined || volume.nfs === true) &&
      (conditions.csi === undefined || conditions.csi.driver === volume.csi) &&
      (conditions.pvcLabels === undefined || conditions.pvcLabels[BACKUP_LABEL] === volume.backup) &&
      (conditions.volumeTypes === undefined || conditions.volumeTypes.includes(volume.type)),
  );
  return rule?.action.type ?? "default";
}

describe("backup schedules", () => {
  const homelab = home();
  const policies = Object.keys(volumePolicies) as VolumePolicyName[];
  const restoring = home((config) => (config.backup.mode = "restore"));

  it("are the owner's three, with the keep and cron of the configuration", () => {
    expect(backupSchedules(homelab).map(({ name, spec }) => [name, spec.schedule, spec.template.ttl])).to.deep.equal([
      ["hourly", "CRON_TZ=America/New_York 15 * * * *", "48h"],
      ["daily", "CRON_TZ=America/New_York 30 2 * * *", "720h"],
      ["weekly", "CRON_TZ=America/New_York 0 4 * * 0", "2160h"],
    ]);
  });

  it("run at the house's time of day, in summer and in winter", () => {
    const [, { spec }] = backupSchedules(homelab);
    const [, timezone, cron] = /^CRON_TZ=(\S+) (.*)$/.exec(spec.schedule) ?? [];
    for (const [from, hour] of [
      ["2025-07-01T00:00:00Z", "06:30"],
      ["2025-12-01T00:00:00Z", "07:30"],
    ]) {
      expect(new Cron(cron, { timezone }).nextRun(new Date(from))?.toISOString()).to.contain(`T${hour}`);
    }
  });

  it("are what Velero's CRD allows", () => {
    for (const stack of [homelab, restoring]) {
      for (const { name, spec } of backupSchedules(stack)) {
        const schedule = {
          apiVersion: "velero.io/v1",
          kind: "Schedule",
          metadata: { name, namespace: "velero" },
          spec: { ...spec },
        };
        expect(crdErrors(bundleOf(stack, "velero.io") ?? "", schedule)).to.deep.equal([]);
      }
    }
  });

  it("trap 61: every schedule names a policy, and every policy skips NFS before anything else", () => {
    for (const { spec } of backupSchedules(homelab)) {
      expect(spec.template.resourcePolicy.kind).to.equal("configmap");
      expect(policies).to.include(spec.template.resourcePolicy.name);
    }
    for (const policy of policies) {
      expect(volumePolicies[policy].slice(0, 2)).to.deep.equal([
        { conditions: { nfs: {} }, action: { type: "skip" } },
        { conditions: { csi: { driver: "nfs.csi.k8s.io" } }, action: { type: "skip" } },
      ]);
    }
  });

  it("trap 61: no volume on NFS is ever backed up, whatever else is true of it", () => {
    const onNfs = fc.oneof(
      fc.record({ nfs: fc.constant(true as const), type: fc.constant("nfs") }),
      fc.record({ csi: fc.constant("nfs.csi.k8s.io"), type: fc.constant("csi") }),
    );
    fc.assert(fc.property(onNfs, fc.constantFrom(...policies), (volume, policy) => decide(policy, volume) === "skip"));
  });

  it("every hour only what is on Longhorn; else everything that outlives its pod", () => {
    const longhorn: Volume = { csi: "driver.longhorn.io", type: "csi" };
    const localPath: Volume = { type: "local" };
    const emptyDir: Volume = { type: "emptyDir" };
    expect([longhorn, localPath, emptyDir].map((volume) => decide("volumes-longhorn", volume))).to.deep.equal([
      "fs-backup",
      "skip",
      "skip",
    ]);
    expect([longhorn, localPath, emptyDir].map((volume) => decide("volumes-all", volume))).to.deep.equal([
      "default",
      "default",
      "skip",
    ]);
    const by = Object.fromEntries(backupSchedules(homelab).map(({ name, spec }) => [name, spec.template]));
    expect(by.hourly.resourcePolicy.name).to.equal("volumes-longhorn");
    expect(by.daily.includedNamespaces).to.deep.equal([...homelab.backup.schedules.daily.namespaces, "media", "ai"]);
    expect(by.weekly.includedNamespaces).to.deep.equal(["*"]);
    // "default" means: this.
    expect(Object.values(by).every(({ defaultVolumesToFsBackup }) => defaultVolumesToFsBackup)).to.equal(true);
  });

  it("a volume is in the schedules of its class and of the rarer ones, and one without a class in all", () => {
    const by = backupSchedules(homelab).map(({ name, spec }) => [name, spec.template.resourcePolicy.name] as const);
    const carriers = (backup?: string) =>
      by
        .filter(([, policy]) => decide(policy, { csi: "driver.longhorn.io", type: "csi", backup }) !== "skip")
        .map(([name]) => name);
    expect(carriers()).to.deep.equal(["hourly", "daily", "weekly"]);
    expect(carriers("hourly")).to.deep.equal(["hourly", "daily", "weekly"]);
    expect(carriers("daily")).to.deep.equal(["daily", "weekly"]);
    expect(carriers("weekly")).to.deep.equal(["weekly"]);
    expect(carriers("none")).to.deep.equal([]);
  });

  it("policies are one key each, as Velero demands, in its version", () => {
    for (const policy of policies) {
      const data = volumePolicyData(policy);
      expect(Object.keys(data)).to.have.length(1);
      expect((parse(data["policy.yaml"]) as { version: string }).version).to.equal("v1");
    }
  });

  it("leave out records of disks that a restored cluster does not have", () => {
    expect(excludedResources).to.include.members([
      "volumes.longhorn.io",
      "replicas.longhorn.io",
      "engines.longhorn.io",
    ]);
    for (const { spec } of backupSchedules(homelab)) {
      expect(spec.template.excludedResources).to.deep.equal([...excludedResources]);
    }
  });

  it("stand still in mode restore, and backups outlive them in every mode", () => {
    expect(backupSchedules(homelab).map(({ spec }) => spec.paused)).to.deep.equal([false, false, false]);
    expect(backupSchedules(restoring).map(({ spec }) => spec.paused)).to.deep.equal([true, true, true]);
    expect(backupSchedules(homelab).some(({ spec }) => spec.useOwnerReferencesInBackup)).to.equal(false);
  });
});
