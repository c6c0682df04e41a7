import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { expect } from "chai";
import fc from "fast-check";
import type { Disk, Homelab, Worker } from "../../../config/homelab";
import { longhornDisks } from "../../../nodes/disks/longhorn";
import { escapePath, mountUnit, mountUnitName } from "../../../nodes/disks/mount-unit";
import { diskPlan, filesystemLabel, filesystemUuid, isDevice } from "../../../nodes/disks/plan";
import { NodeDisks } from "../../../nodes/disks/node-disks";
import { disksState, disksStep } from "../../../nodes/disks/step";
import { contentHash } from "../../../nodes/os/file-facts";
import { hostOf } from "../../../nodes/host";
import { readScript, renderProbe, renderStep } from "../../../nodes/host-script";
import { record } from "../../../plan/record";
import { home } from "../../support/home";
import { shellcheck } from "../shellcheck";
import { hasTool } from "./loop-disks";
import { skipBecause } from "../../support/skip";

const hostname = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const disk: fc.Arbitrary<Disk> = fc.oneof(
  fc.record({
    id: fc.stringMatching(/^\/dev\/disk\/by-id\/[A-Za-z0-9._:+-]{1,40}$/),
    tier: hostname,
    sizeGb: fc.double({ min: 1, max: 30_000, noNaN: true }),
    reservedPercent: fc.integer({ min: 0, max: 90 }),
  }),
  fc.record({
    rootFilesystem: fc.constant(true as const),
    tier: hostname,
    sizeGb: fc.double({ min: 1, max: 30_000, noNaN: true }),
    reservedPercent: fc.integer({ min: 10, max: 90 }),
  }),
);

function worker(homelab: Homelab, name: string): Worker {
  const found = homelab.workers.find((machine) => machine.name === name);
  if (!found) {
    throw new Error(`no worker ${name}`);
  }
  return found;
}

function withDisks(homelab: Homelab, disks: Record<string, Disk>): Worker {
  return { ...worker(homelab, "k3s3"), disks };
}

describe("disk plan", () => {
  const homelab = home();

  it("home: k3s3 has 2 optane, 2 nvme, 7 sas-ssd; k3s1 and k3s2 one standard directory; the control plane none", () => {
    const tiers = diskPlan(homelab, worker(homelab, "k3s3")).map(({ tier }) => tier);
    expect(tiers).to.deep.equal([
      ...Array<string>(2).fill("optane"),
      ...Array<string>(2).fill("nvme"),
      ...Array<string>(7).fill("sas-ssd"),
    ]);
    for (const name of ["k3s1", "k3s2"]) {
      expect(diskPlan(homelab, worker(homelab, name))).to.deep.equal([
        {
          kind: "directory",
          name: "system",
          tier: "standard",
          mountPath: "/var/lib/homelab/disks/system",
          minimumBytes: 300e9,
          reservedBytes: 90e9,
        },
      ]);
    }
    expect(diskPlan(homelab, homelab.controlPlane)).to.deep.equal([]);
    expect(homelab.hypervisors.flatMap((machine) => diskPlan(homelab, machine))).to.deep.equal([]);
  });

  it("every UUID of the house is different, and the same on every run", () => {
    const all = homelab.workers.flatMap((machine) =>
      diskPlan(homelab, machine)
        .filter(isDevice)
        .map(({ uuid }) => uuid),
    );
    expect(new Set(all).size).to.equal(all.length);
    expect(filesystemUuid("home", "k3s3", "nvme-1")).to.equal("35fdd328-b288-8013-96a6-2d6e695fe477");
  });

  it("a rebuild keeps the disks: the UUID does not depend on the generation", () => {
    const next = home((config) => (config.cluster.generation = 99));
    expect(diskPlan(next, worker(next, "k3s3"))).to.deep.equal(diskPlan(homelab, worker(homelab, "k3s3")));
  });

  it("property: UUIDs are well formed and differ whenever cluster, machine or disk differ", () => {
    const names = fc.tuple(hostname, hostname, hostname);
    fc.assert(
      fc.property(names, names, (one, other) => {
        const uuid = filesystemUuid(...one);
        expect(uuid).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(uuid === filesystemUuid(...other)).to.equal(one.join("/") === other.join("/"));
      }),
    );
  });

  it("property: names, places and units never collide; sizes are whole bytes; the reserve is below the size", () => {
    fc.assert(
      fc.property(fc.dictionary(hostname, disk, { minKeys: 1, maxKeys: 12 }), (disks) => {
        const machine = withDisks(homelab, disks);
        const plan = diskPlan(homelab, machine);
        expect(plan.map(({ name }) => name)).to.deep.equal(Object.keys(disks));
        expect(new Set(plan.map(({ mountPath }) => mountPath)).size).to.equal(plan.length);
        for (const planned of plan) {
          expect(Number.isSafeInteger(planned.minimumBytes)).to.equal(true);
          expect(Number.isSafeInteger(planned.reservedBytes)).to.equal(true);
          expect(planned.reservedBytes).to.be.at.least(0).and.below(planned.minimumBytes);
          expect(Math.abs(planned.minimumBytes - disks[planned.name].sizeGb * 1e9)).to.be.at.most(0.5);
        }
        const devices = plan.filter(isDevice);
        expect(new Set(devices.map(mountUnitName)).size).to.equal(devices.length);
        expect(devices.every(({ label }) => Buffer.byteLength(label) <= 16)).to.equal(true);
        expect(
          longhornDisks(homelab, machine).map(({ path, storageReserved }) => [path, storageReserved]),
        ).to.deep.equal(plan.map(({ mountPath, reservedBytes }) => [mountPath, reservedBytes]));
      }),
    );
  });

  it("Longhorn sees exactly the mounted places, each tagged with its tier and nothing else", () => {
    expect(longhornDisks(homelab, worker(homelab, "k3s3"))[2]).to.deep.equal({
      name: "nvme-1",
      path: "/var/lib/homelab/disks/nvme-1",
      tags: ["nvme"],
      storageReserved: 50e9,
    });
  });

  it("only whole disks may be formatted, and nothing in the step forces a format", () => {
    const { variables } = disksStep(homelab, worker(homelab, "k3s3"));
    expect(variables?.DEVICE_TYPES).to.deep.equal(["disk"]);
    const text = ["inspect.sh", "format.sh", "prepare.sh"]
      .map((name) => fs.readFileSync(path.join(__dirname, "../../../nodes/scripts/disks", name), "utf8"))
      .join("\n");
    const code = text.replace(/^\s*#.*$/gm, "");
    expect(code.match(/mkfs\.ext4 -/g)).to.have.length(1);
    expect(code).not.to.match(/mkfs\.ext4[^\n]* -F|--force|wipefs (-a|--all) [^D]|\bdd\b|sgdisk|parted/);
  });

  it("the steps and probes of every machine are sound bash by shellcheck", function () {
    this.timeout(60_000);
    homelab.workers.forEach((machine) => {
      shellcheck(this, renderStep(disksStep(homelab, machine)));
      shellcheck(this, renderProbe(disksState(homelab, machine).probe, machine.identity));
    });
  });

  it("component: a step with its state where there are disks, nothing where there are none", async () => {
    const { resources } = await record(() => {
      const machine = worker(homelab, "k3s3");
      new NodeDisks("k3s3", { homelab, host: hostOf(homelab, machine), machine });
      const bare = { ...machine, disks: {} };
      expect(new NodeDisks("bare", { homelab, host: hostOf(homelab, bare), machine: bare }).ready).to.deep.equal([]);
    });
    expect(resources.filter(({ custom }) => custom).map(({ name }) => name)).to.have.members([
      "k3s3-disks-apply",
      "k3s3-disks-state",
    ]);
  });

  it("a label keeps the first 16 characters", () => {
    expect(filesystemLabel("nvme-1")).to.equal("hl-nvme-1");
    expect(filesystemLabel("a-very-long-name-of-a-disk")).to.equal("hl-a-very-long-n");
  });

  it("what is expected covers every disk: mounted, enabled at boot, unit as written", () => {
    const { expected } = disksState(homelab, worker(homelab, "k3s3"));
    expect(Object.keys(expected)).to.have.length(33);
    expect(disksState(homelab, worker(homelab, "k3s1")).expected).to.deep.equal({ "disk.system": "present" });
  });
});

describe("mount units", () => {
  const [disk] = diskPlan(home(), worker(home(), "k3s3")).filter(isDevice);

  it("boot waits for no disk, and K3s for all of them", () => {
    const { content } = mountUnit(disk);
    expect(content).to.match(/^Options=.*\bnofail\b/m);
    expect(content).to.match(/^Before=k3s\.service k3s-agent\.service$/m);
    expect(content).to.include(`What=/dev/disk/by-uuid/${disk.uuid}`);
    expect(content).not.to.match(/by-id|\/dev\/(sd|nvme)/);
  });

  it("the probe finds the digest that is expected, although the unit has a backslash in its name", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-unit-"));
    try {
      const file = path.join(folder, mountUnitName(disk));
      expect(path.basename(file)).to.include("\\x2d");
      fs.writeFileSync(file, mountUnit(disk).content as string);
      const found = execFileSync("bash", ["-c", `${readScript("probe-lib.sh")}\nfile_hash "$1"`, "-", file]);
      expect(found.toString().trim()).to.equal(contentHash(mountUnit(disk)));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });

  it("names are escaped as systemd-escape does", function () {
    if (!hasTool("systemd-escape")) {
      skipBecause(this, "systemd-escape is not installed");
    }
    const paths = ["/var/lib/homelab/disks/nvme-1", "/dev/disk/by-uuid/0a-1b", "/a/.b/c_d:e", "/.hidden/é ü", "/x"];
    const escaped = execFileSync("systemd-escape", ["--path", ...paths], { encoding: "utf8" })
      .trim()
      .split(" ");
    expect(paths.map(escapePath)).to.deep.equal(escaped);
  });

  it("systemd accepts them", function () {
    if (!hasTool("systemd-analyze")) {
      skipBecause(this, "systemd-analyze is not installed");
    }
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "homelab-unit-"));
    try {
      const file = path.join(folder, mountUnitName(disk));
      fs.writeFileSync(file, mountUnit(disk).content as string);
      const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
      expect(stderr.split("\n").filter((line) => line.includes(path.basename(file)))).to.deep.equal([]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
